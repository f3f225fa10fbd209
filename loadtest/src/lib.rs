//! Uploads that know what they mean, and the ledger that holds a running system to it.
//!
//! * [`generate`] makes a [`Plan`]'s uploads, lane by lane and lazily: realistic Italian reports with repeats,
//!   corrections, retractions, versions out of order, odd persons and faulty items at known rates, in the native formats
//!   and in HL7 v2 as several laboratory systems write it. Same plan, same bytes.
//! * [`meaning`] is what was meant: each report's versions, what is held and why, what is due, each upload's outcomes.
//!   It follows from the scenario that was played, never from running the rules of the system under test.
//! * [`drive`](mod@drive) sends the lanes over HTTP with safe retries ([`client`]), reads receipts and acknowledgements
//!   ([`ack`]), and follows each upload until it is stored.
//! * [`tasks`] reads what `referto tasks` prints; [`audit`](mod@audit) reads every report back by its number;
//!   [`ledger`] compares, and one missing row or one missing task unbalances it. [`summary`] is the table at the end.
//!
//! Of the system it knows the public HTTP API, the task record and the words of `schemas`, nothing else.

pub mod ack;
pub mod audit;
pub mod client;
pub mod drive;
mod follow;
pub mod generate;
pub mod ledger;
pub mod meaning;
mod rng;
pub mod summary;
pub mod tasks;

pub use audit::audit;
pub use drive::{Run, Target, drive};
pub use generate::{LabPlan, Plan};
pub use ledger::Ledger;
pub use meaning::Meaning;
pub use summary::Summary;
pub use tasks::{Tasks, wait_for_tasks};
