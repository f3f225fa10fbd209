//! The body as sent: bounded in bytes, in time and in its part of the budget.

use std::{fmt::Display, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{HeaderMap, StatusCode, body::Body, header::EXPECT};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    budget::{Budget, Held, Overloaded},
    problem::Refusal,
};

/// What is held at first of a body that does not say how long it is.
const STEP_BYTES: usize = 64 << 10;
/// A sender that is refused early is still sending: closing on it would lose the answer on its way. So much of the
/// rest is read and thrown away before answering, and for so long.
const LINGER_BYTES: usize = 16 << 20;
const LINGER: Duration = Duration::from_secs(1);

/// How long a sender may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between one piece and the next.
    pub(super) idle: Duration,
    /// In all.
    pub(super) total: Duration,
}

/// A body in hand, with its part of the budget.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(super) held: Held,
}

/// A body on its way in.
pub(super) struct Intake<B> {
    body: B,
    /// Nothing more will come, or is to be waited for.
    over: bool,
}

impl<B> Intake<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    pub(super) fn new(body: B, headers: &HeaderMap) -> Self {
        // Who expects `100 Continue` sends nothing before it.
        Self { body, over: headers.contains_key(EXPECT) }
    }

    /// Reads all of it, at most `max` bytes. Its declared length is held before the first byte is read; without one,
    /// what is held grows with what comes. Waiting for the budget does not count against the sender.
    pub(super) async fn read(
        &mut self,
        max: usize,
        patience: Patience,
        budget: &Arc<Budget>,
    ) -> Result<Received, Refusal> {
        let declared = self.body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if declared.is_some_and(|bytes| bytes > max) {
            return Err(too_large(max));
        }
        let mut held = budget.hold();
        held.resize(declared.unwrap_or(STEP_BYTES.min(max))).await.map_err(overloaded)?;
        self.over = false;
        let mut deadline = Instant::now() + patience.total;
        // A body that comes in one piece, as small ones do, is never copied.
        let mut whole = Bytes::new();
        let mut gathered = Vec::new();
        while let Some(piece) = self.piece(deadline, patience.idle).await? {
            if whole.is_empty() && gathered.is_empty() && piece.len() <= max {
                whole = piece;
                continue;
            }
            let len = whole.len().saturating_add(gathered.len()).saturating_add(piece.len());
            if len > max {
                return Err(too_large(max));
            }
            if len > gathered.capacity() {
                let grown = gathered.capacity().saturating_mul(2).max(STEP_BYTES).max(len).min(max);
                let capacity = declared.unwrap_or(grown).max(len);
                let asked = Instant::now();
                held.resize(capacity).await.map_err(overloaded)?;
                deadline += asked.elapsed();
                gathered.reserve_exact(capacity.saturating_sub(gathered.len()));
                gathered.extend_from_slice(&std::mem::take(&mut whole));
            }
            gathered.extend_from_slice(&piece);
        }
        self.over = true;
        Ok(Received { bytes: if gathered.is_empty() { whole } else { gathered.into() }, held })
    }

    /// Reads on for a moment and throws away what comes, so that a refusal reaches a sender that is still sending.
    pub(super) async fn discard(&mut self) {
        if self.over || self.body.is_end_stream() {
            return;
        }
        let rest = async {
            let mut left = LINGER_BYTES;
            while let Some(Ok(frame)) = self.body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
        };
        // Time is up: whoever still sends will have to look at the answer anyway.
        let _ = timeout(LINGER, rest).await;
    }

    /// The next piece; none at the end.
    async fn piece(&mut self, deadline: Instant, idle: Duration) -> Result<Option<Bytes>, Refusal> {
        loop {
            let until = deadline.min(Instant::now() + idle);
            let Ok(frame) = timeout_at(until, self.body.frame()).await else {
                self.over = true;
                let detail = "the body came too slowly; send the same again";
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", detail));
            };
            match frame.transpose() {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    // Trailers are no part of an upload.
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
                Err(error) => {
                    self.over = true;
                    tracing::debug!(%error, "a body broke off");
                    let detail = "the body broke off before its end; send the same again";
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, "body-incomplete", detail));
                }
            }
        }
    }
}

/// 413: over the limit of a body, as sent or unpacked.
pub(super) fn too_large(max: usize) -> Refusal {
    let detail = format!("a body is at most {max} bytes after decompression; send several");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}

/// 503: no part of the budget came free in time.
pub(super) fn overloaded(_: Overloaded) -> Refusal {
    let detail = "too many uploads are in hand; send the same again a little later";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(5)
}
