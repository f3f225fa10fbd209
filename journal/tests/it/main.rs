//! The conformance suite on each journal, and what only a file on a disk, or a broker, can get wrong.

mod common;
mod conformance;
mod file;
mod full;
mod group;
#[cfg(feature = "kafka")]
mod kafka;
mod kill;
