//! Ids of traces and spans: how they are made, and how they are written.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

/// The ids of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    /// Never 0 in a trace.
    pub(crate) trace: u128,
    pub(crate) span: u64,
    /// Whether the trace is kept.
    pub(crate) sampled: bool,
    /// Whether the trace's id is random, as who made it says.
    pub(crate) random: bool,
}

/// xoshiro256++, by Blackman and Vigna: four words of state, so that a thousand processes with a billion ids each don't
/// meet. The generator behind `rand`'s `SmallRng`, without the three crates.
#[derive(Clone, Copy)]
struct Generator([u64; 4]);

thread_local! {
    static GENERATOR: Cell<Generator> = Cell::new(Generator::seeded());
}

/// The id of a new trace.
pub(crate) fn new_trace_id() -> u128 {
    new_trace_and_span().0
}

/// The ids of a new trace and of its first span.
pub(crate) fn new_trace_and_span() -> (u128, u64) {
    let [high, low, span] = randoms();
    ((u128::from(high) << 64 | u128::from(low)).max(1), span.max(1))
}

/// The id of a new span.
pub(crate) fn new_span_id() -> u64 {
    random().max(1)
}

/// A random number, not for secrets.
pub(crate) fn random() -> u64 {
    let [number] = randoms();
    number
}

fn randoms<const N: usize>() -> [u64; N] {
    let next = |generator: &Cell<Generator>| {
        let mut state = generator.get();
        let numbers = [(); N].map(|()| state.next());
        generator.set(state);
        numbers
    };
    // A thread that ends has no generator any more.
    GENERATOR.try_with(next).unwrap_or_else(|_| next(&Cell::new(Generator::seeded())))
}

/// The 16 hexadecimal digits of each of these numbers: eight at a time, a byte each.
pub(crate) fn hex<const N: usize>(numbers: [u64; N]) -> [[u8; 16]; N] {
    let digits = |half: u32| {
        let x = u64::from(half);
        let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
        let x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
        let x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
        // 1 where it is a letter, which are 39 places behind the digits.
        let letters = ((x + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
        (x + 0x3030_3030_3030_3030 + letters * 39).to_be_bytes()
    };
    numbers.map(|number| {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&digits((number >> 32) as u32));
        out[8..].copy_from_slice(&digits(number as u32));
        out
    })
}

// === impl Generator ===

impl Generator {
    /// Seeded by the keys that the standard library gets from the operating system for its hash maps.
    fn seeded() -> Self {
        let keys = RandomState::new();
        Self([0_u64, 1, 2, 3].map(|word| keys.hash_one(word)))
    }

    fn next(&mut self) -> u64 {
        let Self(s) = self;
        let number = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_generator_is_the_reference() {
        let mut generator = Generator([1, 2, 3, 4]);
        let numbers = [(); 5].map(|()| generator.next());
        assert_eq!(
            numbers,
            [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386, 9_228_616_714_210_784_205]
        );
    }

    #[test]
    fn ids_differ_between_calls_and_threads() {
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(|| (0..1000).map(|_| new_trace_id()).collect::<Vec<_>>())).collect();
        let ids: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 4000);
    }

    #[test]
    fn hexadecimal_digits() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, 0x9999_aaaa_0000_ffff, u64::MAX] {
            let [digits] = hex([number]);
            assert_eq!(str::from_utf8(&digits), Ok(&*format!("{number:016x}")));
        }
    }
}
