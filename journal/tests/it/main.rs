//! The embedded journal: the conformance suite, and what only a file on a disk can get wrong.

mod common;
mod conformance;
mod file;
mod full;
mod group;
mod kill;
