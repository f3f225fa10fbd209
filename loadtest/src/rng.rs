//! A small seeded generator (SplitMix64): the same on every machine and for every release of any library.

/// A stream of pseudo-random numbers. Not for secrets.
#[derive(Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of that number under a seed; streams of one seed do not follow each other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut outer = Self(stream);
        Self(seed ^ outer.next())
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, which is left out and not 0.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        // The high half of a 64-bit product: at most `end - 1`, so it fits.
        (((self.next() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a thousand.
    pub(crate) fn per_mille(&mut self, times: u32) -> bool {
        self.below(1_000) < times
    }

    /// One of them, each as likely.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u32) as usize]
    }

    /// One of them, each as likely as its weight.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let mut left = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in from {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        unreachable!("the weights sum to more than any draw")
    }

    /// So many decimal digits.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_differ() {
        let numbers = |seed, stream| {
            let mut rng = Rng::new(seed, stream);
            [rng.next(), rng.next()]
        };
        assert_eq!(numbers(7, 0), numbers(7, 0));
        assert_ne!(numbers(7, 0), numbers(7, 1));
        assert_ne!(numbers(7, 0), numbers(8, 0));
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut rng = Rng::new(1, 1);
        let draws: Vec<u32> = (0..1_000).map(|_| rng.between(3, 5)).collect();
        assert_eq!((draws.iter().min(), draws.iter().max()), (Some(&3), Some(&5)));
        let heavy = (0..1_000).filter(|_| rng.weighted(&[(900, true), (100, false)])).count();
        assert!((850..950).contains(&heavy), "{heavy}");
    }
}
