//! Real servers on this machine, for the tests that need one.

pub(crate) mod cassandra;
