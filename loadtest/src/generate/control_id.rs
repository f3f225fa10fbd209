//! MSH-10 and BHS-11: numbers that count up, and that some senders begin anew.

use jiff::Timestamp;

use crate::rng::Rng;

/// Uploads in a thousand before which a counter that may restart does.
const RESTARTED: u32 = 80;

/// A lane's counter.
pub(super) struct ControlIds {
    prefix: String,
    restarts: bool,
    next: u32,
    /// Beyond every number used.
    fresh: u32,
}

impl ControlIds {
    /// A counter whose numbers are no other lane's of the laboratory (it begins at another report), nor those of a plan
    /// of another time.
    pub(super) fn new(now: Timestamp, first_ordinal: u32, restarts: bool) -> Self {
        Self { prefix: format!("{:X}L{first_ordinal}M", now.as_second()), restarts, next: 0, fresh: 0 }
    }

    /// So many numbers, and whether any of them was used before.
    pub(super) fn draw(&mut self, rng: &mut Rng, count: usize) -> (Vec<String>, bool) {
        if self.restarts && rng.per_mille(RESTARTED) {
            self.next = 0;
        }
        let first = self.next;
        self.next += count as u32;
        let reused = first < self.fresh;
        self.fresh = self.fresh.max(self.next);
        ((first..self.next).map(|number| format!("{}{number}", self.prefix)).collect(), reused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_counter_that_restarts_uses_a_number_again() {
        for restarts in [false, true] {
            let (mut rng, mut seen) = (Rng::new(1, 1), std::collections::HashSet::new());
            let mut ids = ControlIds::new(Timestamp::UNIX_EPOCH, 7, restarts);
            let mut any = false;
            for _ in 0..200 {
                let (numbers, reused) = ids.draw(&mut rng, 3);
                assert!(
                    numbers.iter().all(|number| number.len() <= 20),
                    "MSH-10 has at most 20 characters before v2.7"
                );
                let known = numbers.iter().filter(|number| !seen.insert((*number).clone())).count();
                assert_eq!(known > 0, reused);
                any |= reused;
            }
            assert_eq!(any, restarts);
        }
    }
}
