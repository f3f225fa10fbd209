//! The doors for laboratories: authenticate, bound, decode, append, answer.
//!
//! How results are stored is not known here: the doors need the journal and their own directory of laboratories,
//! nothing else. What they hold to:
//!
//! * no 2xx leaves before the journal has acknowledged every chunk of an upload;
//! * everything is bounded: bodies, what they inflate to, bytes in hand, time, connections, what is remembered;
//! * the same bytes of the same laboratory are the same upload, whoever lost whichever answer;
//! * no answer, log or metric repeats what a person's field contains.
//!
//! [`Ingest`] is built once from [`Settings`] and answers each [`Endpoint`]: `upload` takes an upload in, one file a stage,
//! then `reports` gives its receipt or `hl7` its acknowledgement. [`serve()`] is the accept loop that any door of the
//! process can use.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod budget;
mod cores;
mod endpoint;
mod hl7;
pub mod metrics;
mod outcomes;
pub mod problem;
mod recent;
mod reports;
mod serve;
mod settings;
mod trace;
mod upload;

pub use endpoint::Endpoint;
pub use outcomes::Outcomes;

pub use serve::{BoxError, Closing, Door, ResponseBody, Service, serve};
pub use settings::Settings;
pub use trace::{Trace, Traces};
pub use upload::Ingest;
