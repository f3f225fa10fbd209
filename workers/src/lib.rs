//! What happens after the journal has an upload: admission; later, notification.
//!
//! * [`admit`]: reads topic `uploads` in order, stores what follows from each record, appends the tasks that are due,
//!   and only then lets its place move on.
//! * [`Keys`]: keyed digests that stand for persons and reports wherever a name must not. [`RuleBook`]: the rules as
//!   the store asks for them.
//!
//! Held by tests: the place follows the effect (rows, then tasks, then the place); a repeat of any batch changes and
//! emits nothing anew; one bad item never stops another; an outage of the store or the journal pauses, nothing else.

pub mod admit;
mod keys;
pub mod metrics;
mod retry;

pub use admit::judge::RuleBook;
pub use keys::Keys;
