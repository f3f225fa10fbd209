//! Work that would hold up an async thread, and the decoders it uses.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use schemas::format::Decoder;
use tokio::sync::Semaphore;

use crate::problem::Refusal;

/// Less than this is done where it is: a thread's hand-over costs more than hashing and decoding it.
const INLINE_BYTES: usize = 64 << 10;
/// A decoder that has read a larger unit is not kept: its buffers have grown with it.
const KEPT_UNIT_BYTES: usize = 1 << 20;

/// As many large jobs at once as there are cores; more would only hold more memory.
pub(crate) struct Cores {
    free: Arc<Semaphore>,
    decoders: Arc<Decoders>,
}

impl Cores {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let decoders = Decoders { idle: Mutex::new(Vec::new()), kept: cores.saturating_mul(2) };
        Self { free: Arc::new(Semaphore::new(cores)), decoders: Arc::new(decoders) }
    }

    /// The pool of decoders.
    pub(crate) fn decoders(&self) -> Arc<Decoders> {
        Arc::clone(&self.decoders)
    }

    /// Does `job`, which looks at so many `bytes`: here where they are few, else on a thread of its own. A job must
    /// not wait for anything: who holds the budget may be waiting for a core.
    ///
    /// # Errors
    /// 500 where the job panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        if bytes <= INLINE_BYTES {
            return Ok(job());
        }
        let core = Arc::clone(&self.free).acquire_owned().await;
        // The core is given back when the job ends, even if nobody waits for it any more.
        let job = tokio::task::spawn_blocking(move || {
            let answer = job();
            drop(core);
            answer
        });
        job.await.map_err(|error| {
            tracing::error!(%error, "an upload could not be read");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here; it has been logged")
        })
    }
}

/// Decoders with their buffers, one a job.
pub(crate) struct Decoders {
    idle: Mutex<Vec<Decoder>>,
    kept: usize,
}

impl Decoders {
    /// Lends a decoder to `job`, which returns its answer and the largest unit it read.
    pub(crate) fn with<T>(&self, job: impl FnOnce(&mut Decoder) -> (T, usize)) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decoder = idle.unwrap_or_default();
        let (answer, largest_unit_bytes) = job(&mut decoder);
        if largest_unit_bytes <= KEPT_UNIT_BYTES {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < self.kept {
                idle.push(decoder);
            }
        }
        answer
    }
}
