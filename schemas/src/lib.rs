//! The words everyone in referto speaks, and the formats in which they arrive.
//!
//! Pure: bytes in, values and [`Fault`]s out. Nothing here does I/O, waits or reads a clock, and nothing panics on
//! any bytes: each parser has a property test in this crate and a target under `fuzz/`.
//!
//! * [`report`]: what a laboratory says; [`version`]: what of it decides; [`task`]: what follows.
//! * [`format`](mod@format): an upload's way in: [`format::split`] finds its units, [`format::Decoder`] reads one.
//! * [`json`] and [`hl7`]: the formats themselves. [`check`]: what is asked of a report whatever format it came in.
//! * [`chunk`]: how an upload is cut for the journal, and the header each piece carries.
//! * [`fiscal_code`], [`phone`], [`places`], [`codes`], [`time`]: identifiers, code tables and times.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod check;
pub mod chunk;
pub mod codes;
pub mod fault;
pub mod fiscal_code;
pub mod format;
pub mod hl7;
pub mod ids;
pub mod json;
pub mod phone;
pub mod places;
pub mod problem;
pub mod report;
pub mod task;
pub mod time;
pub mod version;

pub use fault::{At, Fault, Severity};
pub use ids::{Digest, Identity, ItemPlace, LabId, Position, SubmissionId};
pub use report::Report;
pub use task::Task;
pub use version::{Outcome, Version};
