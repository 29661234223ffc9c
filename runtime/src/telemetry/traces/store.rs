//! Where spans are while they live: slots that are used again, with their memory.
//!
//! `tracing`'s own registry keeps what a layer knows of a span in a map of boxes, which costs allocations a span; here
//! it is one struct in one place. There is one store in a process, so an id means the same to every subscriber in it.

use std::{
    cell::RefCell,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering, fence},
    },
};

use tracing::span::Id;

use super::span::SpanData;

/// The first segment has this many slots, each next one twice as many.
const FIRST: usize = 64;
/// As many segments as ids of 32 bits can tell apart.
const SEGMENTS: usize = 26;
/// How many free slots a thread keeps for itself.
const KEPT: usize = 64;

static STORE: [OnceLock<Box<[Slot]>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];
/// How many slots were ever used.
static USED: AtomicUsize = AtomicUsize::new(0);
/// Free slots that no thread keeps.
static FREE: Mutex<Vec<u32>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: RefCell<Own> = const { RefCell::new(Own(Vec::new())) };
}

/// The free slots of a thread. When it ends, others get them.
struct Own(Vec<u32>);

/// A place for a span.
#[derive(Default)]
struct Slot {
    /// The generation, which is part of the id, in the upper half; in the lower how many hold on to the span.
    state: AtomicU64,
    data: Mutex<SpanData>,
}

const ONE_GENERATION: u64 = 1 << 32;

/// Makes a place for a span, with memory that may be used again for it, and gives its id. The maker holds on to it.
pub(crate) fn insert() -> Option<Id> {
    insert_with(|id, _| id.clone())
}

/// As [`insert`], and fills the place at once. The same holds as for [`with`].
pub(crate) fn insert_with<T>(fill: impl FnOnce(&Id, &mut SpanData) -> T) -> Option<T> {
    let index = OWN.try_with(|own| own.borrow_mut().take()).unwrap_or_else(|_| fresh())?;
    let slot = slot(index)?;
    let state = slot.state.fetch_add(1, Ordering::Relaxed);
    let id = Id::from_u64((state & !(ONE_GENERATION - 1)) | (u64::from(index) + 1));
    Some(fill(&id, &mut slot.lock()))
}

/// Looks at a span that somebody holds on to. Nothing of the user's may be called meanwhile: it could come back here.
pub(crate) fn with<T>(id: &Id, look: impl FnOnce(&mut SpanData) -> T) -> Option<T> {
    let slot = slot_of(id)?;
    let mut data = slot.lock();
    slot.is_current(id, Ordering::Relaxed).then(|| look(&mut data))
}

/// Holds on to a span once more.
pub(crate) fn hold(id: &Id) {
    if let Some(slot) = slot_of(id)
        && slot.is_current(id, Ordering::Relaxed)
    {
        slot.state.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets go of a span. Where nobody holds on to it any more, its slot is free after a last look.
pub(crate) fn release<T>(id: &Id, look: impl FnOnce(&mut SpanData) -> T) -> Option<T> {
    let index = index_of(id)?;
    let slot = slot(index).filter(|slot| slot.is_current(id, Ordering::Relaxed))?;
    if slot.state.fetch_sub(1, Ordering::Release) & (ONE_GENERATION - 1) != 1 {
        return None;
    }
    fence(Ordering::Acquire);
    let mut data = slot.lock();
    let result = look(&mut data);
    slot.free(index, data);
    Some(result)
}

/// Looks at a span that has none above, and lets go of it: [`with`] and [`release`] in one.
pub(crate) fn finish<T>(id: &Id, look: impl FnOnce(&mut SpanData) -> T) -> Option<T> {
    let index = index_of(id)?;
    let slot = slot(index).filter(|slot| slot.is_current(id, Ordering::Relaxed))?;
    let mut data = slot.lock();
    let result = look(&mut data);
    if slot.state.fetch_sub(1, Ordering::Release) & (ONE_GENERATION - 1) == 1 {
        fence(Ordering::Acquire);
        slot.free(index, data);
    }
    Some(result)
}

fn index_of(id: &Id) -> Option<u32> {
    u32::try_from(id.into_u64() & (ONE_GENERATION - 1)).ok()?.checked_sub(1)
}

fn slot_of(id: &Id) -> Option<&'static Slot> {
    slot(index_of(id)?)
}

fn slot(index: u32) -> Option<&'static Slot> {
    let index = index as usize;
    let segment = (index / FIRST + 1).ilog2() as usize;
    let size = FIRST << segment;
    let slots = STORE.get(segment)?.get_or_init(|| (0..size).map(|_| Slot::default()).collect());
    slots.get(index - (size - FIRST))
}

/// A slot that was never used; `None` if there are too many spans.
fn fresh() -> Option<u32> {
    u32::try_from(USED.fetch_add(1, Ordering::Relaxed)).ok()
}

// === impl Own ===

impl Own {
    fn take(&mut self) -> Option<u32> {
        if self.0.is_empty() {
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            let rest = free.len().saturating_sub(KEPT / 2);
            self.0.extend(free.drain(rest..));
        }
        self.0.pop().or_else(fresh)
    }

    fn give(&mut self, index: u32) -> bool {
        let is_room = self.0.len() < KEPT;
        if is_room {
            self.0.push(index);
        }
        is_room
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.0);
    }
}

// === impl Slot ===

impl Slot {
    fn lock(&self) -> MutexGuard<'_, SpanData> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for another span, since nobody holds on to this one.
    fn free(&self, index: u32, mut data: MutexGuard<'_, SpanData>) {
        data.clear();
        // From here on the id is nobody's.
        self.state.fetch_add(ONE_GENERATION, Ordering::Release);
        drop(data);
        let is_kept = OWN.try_with(|own| own.borrow_mut().give(index)).unwrap_or(false);
        if !is_kept {
            self.lock().shrink();
            FREE.lock().unwrap_or_else(PoisonError::into_inner).push(index);
        }
    }

    fn is_current(&self, id: &Id, order: Ordering) -> bool {
        self.state.load(order) & !(ONE_GENERATION - 1) == id.into_u64() & !(ONE_GENERATION - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_slot_is_used_again_under_another_id() {
        let one = insert().unwrap();
        with(&one, |data| data.ids.span = 7).unwrap();
        hold(&one);
        assert_eq!(release(&one, |data| data.ids.span), None, "somebody still holds on to it");
        assert_eq!(release(&one, |data| data.ids.span), Some(7));
        let other = insert().unwrap();
        assert_eq!(index_of(&one), index_of(&other));
        assert_ne!(one, other);
        assert_eq!(with(&one, |_| ()), None, "it is gone");
        assert_eq!(with(&other, |data| data.ids.span), Some(0));
        hold(&one);
        assert_eq!(release(&one, |_| ()), None);
        assert_eq!(release(&other, |_| ()), Some(()));
    }

    #[test]
    fn a_span_that_is_finished_stays_for_who_holds_on_to_it() {
        let id = insert_with(|id, data| {
            data.ids.span = 7;
            id.clone()
        });
        let id = id.unwrap();
        hold(&id);
        assert_eq!(finish(&id, |data| data.ids.span), Some(7));
        assert_eq!(with(&id, |data| data.ids.span), Some(7));
        assert_eq!(finish(&id, |data| data.ids.span), Some(7));
        assert_eq!(finish(&id, |data| data.ids.span), None, "it is gone");
    }

    #[test]
    fn threads_never_share_a_slot() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..50 {
                        let ids: Vec<_> = (0..200).map(|_| insert().unwrap()).collect();
                        for id in &ids {
                            assert_eq!(with(id, |data| std::mem::replace(&mut data.ids.span, id.into_u64())), Some(0));
                        }
                        for id in &ids {
                            assert_eq!(release(id, |data| data.ids.span), Some(id.into_u64()));
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn slots_are_where_their_index_says() {
        let places: HashSet<_> = (0..10_000).map(|index| slot(index).unwrap() as *const Slot as usize).collect();
        assert_eq!(places.len(), 10_000);
    }
}
