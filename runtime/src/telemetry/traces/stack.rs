//! The spans that a thread is in.

use std::cell::RefCell;

use tracing::{Metadata, span::Id};

use super::ids::Ids;

thread_local! {
    static STACK: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// A span that a thread is in, with what is asked for most.
#[derive(Clone)]
pub(crate) struct Entered {
    /// `None` where it is no span of `tracing`, but ids alone.
    pub(crate) span: Option<(Id, &'static Metadata<'static>)>,
    pub(crate) ids: Ids,
}

impl Entered {
    pub(crate) fn id(&self) -> Option<Id> {
        self.span.as_ref().map(|(id, _)| id.clone())
    }
}

/// Leaves what was entered by [`attach`].
pub(crate) struct Attached {
    depth: usize,
}

/// What the thread entered last and is still in.
pub(crate) fn current<T>(look: impl FnOnce(&Entered) -> T) -> Option<T> {
    // A thread that ends is in nothing.
    STACK.try_with(|stack| stack.borrow().last().map(look)).ok().flatten()
}

/// The span of `tracing` that the current code runs in.
pub(crate) fn current_span() -> Option<Id> {
    current(Entered::id).flatten()
}

/// The ids of the trace that the current code runs in.
pub(crate) fn current_ids() -> Option<Ids> {
    current(|entered| entered.ids).filter(|ids| ids.trace != 0)
}

pub(crate) fn enter(entered: Entered) {
    _ = STACK.try_with(|stack| stack.borrow_mut().push(entered));
}

/// Leaves a span, which need not be the last that was entered.
pub(crate) fn exit(id: &Id) {
    _ = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let is_it = |entered: &Entered| entered.span.as_ref().is_some_and(|(entered, _)| entered == id);
        if stack.last().is_some_and(is_it) {
            stack.pop();
        } else if let Some(at) = stack.iter().rposition(is_it) {
            stack.remove(at);
        }
    });
}

/// Gives what is logged until the guard is dropped the ids of a span that has ended, or runs elsewhere.
#[must_use]
pub(crate) fn attach(ids: Ids) -> Attached {
    let depth = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        stack.push(Entered { span: None, ids });
        stack.len()
    });
    Attached { depth: depth.unwrap_or(0) }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if self.depth > 0 {
            _ = STACK.try_with(|stack| stack.borrow_mut().truncate(self.depth - 1));
        }
    }
}
