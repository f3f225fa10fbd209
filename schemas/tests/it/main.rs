//! The crate's integration tests, in one binary: a file a concern.

mod check;
mod codes;
mod hl7;
mod identifiers;
mod json;
mod places;
mod time;
