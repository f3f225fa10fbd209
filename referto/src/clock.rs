//! The one clock. Everything else is given the time.

use std::sync::Arc;

use jiff::Timestamp;
use schemas::time::Clock;

/// The machine's clock.
#[allow(clippy::disallowed_methods, reason = "this is the clock that the others are given")]
pub(crate) fn system() -> Clock {
    Arc::new(Timestamp::now)
}
