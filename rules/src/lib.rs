//! What follows from reports, and nothing else: no I/O, no waiting, no clock, no format.
//!
//! * [`Policy`]: what an installation sets. [`result`]: what one report says, by its fields and observations.
//! * [`facts`]: the facts of one version, written down once when it is first stored.
//! * [`current`], [`outcome`], [`standing`]: folds over a report's stored versions: which one counts, what became of
//!   an item, whether somebody is to be told.
//!
//! The folds depend on the set of versions alone, never on the order in which they are given: so a redelivery, a
//! zombie worker and a full replay decide the same.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod current;
mod facts;
mod hold;
mod notice;
mod outcome;
mod policy;
pub mod result;
#[cfg(test)]
mod sample;

pub use current::{Current, current};
pub use facts::{Receipt, facts, person_code};
pub use notice::standing;
pub use outcome::outcome;
pub use policy::{Policy, Tests};
