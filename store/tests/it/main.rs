//! The embedded store: the contract, another process beside it, a process killed.
#![allow(clippy::print_stdout, reason = "a killed child tells its parent how far it came")]

mod beside;
mod conformance;
mod kill;
mod load;
mod replay;
#[cfg(feature = "scylla")]
mod scylla;
