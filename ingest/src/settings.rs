//! What a door is built from.

use std::{sync::Arc, time::Duration};

use access::Directory;
use journal::Journal;
use schemas::{format::Limits, time::Clock};

use crate::Outcomes;

/// Seams and bounds of the doors. [`Settings::new`] has the defaults; every field may be set.
#[derive(Clone)]
pub struct Settings {
    /// Where uploads go.
    pub journal: Arc<dyn Journal>,
    /// Who may come in.
    pub directory: Arc<Directory>,
    /// The installation's key: it names uploads.
    pub secret: [u8; 32],
    /// The clock.
    pub clock: Clock,
    /// Tells what became of an upload, where this node can know (`Prefer: wait`).
    pub outcomes: Option<Arc<dyn Outcomes>>,
    /// What an upload may measure.
    pub limits: Limits,
    /// Bytes of all bodies in hand together, packed and unpacked.
    pub budget_bytes: usize,
    /// How long an upload waits for a part of that budget, unread, before it is 503.
    pub budget_wait: Duration,
    /// How long a sender may send nothing.
    pub body_idle_timeout: Duration,
    /// How long a sender may take for a body in all.
    pub body_total_timeout: Duration,
    /// How many uploads, and how many idempotency keys, are remembered.
    pub remembered: usize,
    /// How many HL7 control ids are remembered, to say where one is used again for another message.
    pub control_ids_remembered: usize,
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, directory: Arc<Directory>, secret: [u8; 32], clock: Clock) -> Self {
        Self {
            journal,
            directory,
            secret,
            clock,
            outcomes: None,
            limits: Limits::default(),
            budget_bytes: 128 << 20,
            // Long enough for a burst of large files to be decoded one after the other, shorter than clients wait.
            budget_wait: Duration::from_secs(20),
            body_idle_timeout: Duration::from_secs(10),
            // The largest body at 5 Mbit/s.
            body_total_timeout: Duration::from_secs(120),
            remembered: 65_536,
            // A day of a large laboratory; under 10 MiB.
            control_ids_remembered: 262_144,
        }
    }
}
