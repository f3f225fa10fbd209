//! `POST /v1/reports`: one file a stage, in the order in which an upload passes them.

mod append;
mod auth;
mod body;
mod content_type;
mod decode;
mod faults;
mod head;
mod inflate;
mod query;
mod receipt;
mod records;
mod submission;

use std::{sync::Arc, time::Instant};

use access::{Directory, Lab};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Body, header::ALLOW, http::request::Parts};
use jiff::Timestamp;
use schemas::{
    SubmissionId,
    format::{Context, Format, Limits},
    time::Clock,
};

use self::{
    append::Appender,
    body::{Intake, Patience, Received},
    decode::Reading,
    head::Head,
    receipt::Receipt,
    records::Upload,
    submission::Naming,
};
use crate::{
    Outcomes, Settings,
    budget::Budget,
    cores::Cores,
    metrics,
    problem::Refusal,
    recent::{Acknowledged, Claim, KeyConflict, Recent},
    trace::{Trace, Traces},
};

/// The path of this door.
pub const PATH: &str = "/v1/reports";

/// The doors' shared state: built once, used by every connection.
pub struct Ingest {
    appender: Appender,
    directory: Arc<Directory>,
    clock: Clock,
    outcomes: Option<Arc<dyn Outcomes>>,
    limits: Limits,
    patience: Patience,
    budget: Arc<Budget>,
    cores: Cores,
    recent: Arc<Recent>,
    naming: Naming,
    traces: Traces,
}

impl Ingest {
    /// The doors of these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            appender: Appender::new(settings.journal),
            directory: settings.directory,
            clock: settings.clock,
            outcomes: settings.outcomes,
            limits: settings.limits,
            patience: Patience { idle: settings.body_idle_timeout, total: settings.body_total_timeout },
            budget: Budget::new(settings.budget_bytes, settings.budget_wait),
            cores: Cores::new(),
            recent: Recent::new(settings.remembered),
            naming: Naming::new(&settings.secret),
            traces: Traces::new(),
        }
    }

    /// Answers a request for [`PATH`], whatever its method. Dropping the future (the sender went away) may leave an
    /// append under way: the same bytes again complete it.
    pub async fn reports<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let begun = Instant::now();
        let (parts, body) = request.into_parts();
        let trace = self.traces.of(&parts.headers);
        let mut intake = Intake::new(body, &parts.headers);
        let response = match self.upload(&parts, &mut intake, &trace).await {
            Ok(response) => response,
            Err(refusal) => {
                intake.discard().await;
                tracing::debug!(code = refusal.problem().code, trace = trace.id(), "refused");
                refusal.into_response(parts.uri.path(), trace.id())
            }
        };
        metrics::answered(PATH, &parts.method, response.status(), begun.elapsed());
        response
    }

    async fn upload<B>(
        &self,
        parts: &Parts,
        intake: &mut Intake<B>,
        trace: &Trace,
    ) -> Result<Response<Full<Bytes>>, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        if parts.method != Method::POST {
            let detail = "uploads are sent with POST";
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail);
            return Err(refusal.header(ALLOW, "POST"));
        }
        let lab = auth::lab(&self.directory, &parts.headers, (self.clock)())?;
        let head = Head::read(parts)?;
        let received = intake.read(self.limits.body_bytes, self.patience, &self.budget).await?;
        let Received { bytes, held } = match head.coding {
            Some(coding) => inflate::inflate(coding, received, self.limits.body_bytes, &self.cores).await?,
            None => received,
        };
        let received_at = self.now_to_the_millisecond();
        let format = head.content_type.format(&bytes)?;
        let id = self.name(&lab, format, &head, &bytes).await?;

        let claim = self.claim(&lab, &head, id)?;
        let remembered = if head.dry_run { None } else { self.recent.upload(id) };
        // The same bytes again are decided as they were: by the instant of their first receipt.
        let received_at = remembered.map_or(received_at, |first| first.received_at);
        let reading = self.decode(&lab, format, &head, &bytes, received_at).await?;
        reading.refuse_as_whole(head.dry_run)?;
        if head.dry_run {
            return Ok(Receipt::new(id, received_at, None, reading).into_response());
        }
        reading.count(format);

        let decision = reading.decision(&lab);
        let position = match remembered.filter(|first| first.decision == decision) {
            Some(first) => first.position,
            None => {
                let upload = Upload { id, lab: &lab, format, head: &head, received_at, trace, bytes: &bytes };
                let position = self.appender.append(records::of(&upload, &reading)).await?;
                metrics::lab_heard_of(&lab.id, received_at);
                self.recent.acknowledged(id, Acknowledged { received_at, position, decision });
                position
            }
        };
        // Durable: neither the bytes nor their part of the budget are needed to answer.
        drop((bytes, held));
        if reading.accepted == 0 {
            let (faults, omitted) = reading.faults.list();
            let detail = "nothing in this upload could be accepted; mend what is listed and send it again";
            let refusal = Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing-acceptable", detail);
            return Err(refusal.faults(faults, omitted).submission(id));
        }
        if let Some(claim) = claim {
            claim.keep();
        }
        let receipt = Receipt::new(id, received_at, Some(position), reading);
        if let (Some(wait), Some(outcomes)) = (head.wait, &self.outcomes)
            && let Some(outcome) = outcomes.wait(lab.id.clone(), id, position, wait).await
        {
            return Ok(receipt.into_response_with(outcome, wait));
        }
        Ok(receipt.into_response())
    }

    /// As the journal keeps it, so that a replay decides by the very same instant.
    fn now_to_the_millisecond(&self) -> Timestamp {
        let now = (self.clock)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    async fn name(&self, lab: &Lab, format: Format, head: &Head, bytes: &Bytes) -> Result<SubmissionId, Refusal> {
        let (naming, lab, charset, body) =
            (self.naming.clone(), lab.id.clone(), head.content_type.charset, bytes.clone());
        self.cores.run(bytes.len(), move || naming.name(&lab, format, charset, &body)).await
    }

    fn claim(&self, lab: &Lab, head: &Head, id: SubmissionId) -> Result<Option<Claim>, Refusal> {
        let Some(key) = head.idempotency_key.as_deref().filter(|_| !head.dry_run) else { return Ok(None) };
        self.recent.claim(&lab.id, key, id).map(Some).map_err(|conflict| match conflict {
            KeyConflict::InFlight => {
                let detail =
                    "the first request with this Idempotency-Key is not answered yet; ask again for its answer";
                Refusal::new(StatusCode::CONFLICT, "idempotency-key-in-flight", detail).retry_after(1)
            }
            KeyConflict::Reused => {
                let detail = "this Idempotency-Key was sent with other bytes; give each upload a key of its own";
                Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
            }
        })
    }

    async fn decode(
        &self,
        lab: &Arc<Lab>,
        format: Format,
        head: &Head,
        bytes: &Bytes,
        received_at: Timestamp,
    ) -> Result<Reading, Refusal> {
        let (lab, body, limits, charset) = (Arc::clone(lab), bytes.clone(), self.limits, head.content_type.charset);
        let decoders = self.cores.decoders();
        let job = move || {
            let context = Context {
                received_at,
                zone: lab.zone.time_zone(),
                charset,
                facilities: &lab.facilities,
                limits: &limits,
            };
            decoders.with(|decoder| decode::read(decoder, format, &body, &context))
        };
        self.cores.run(bytes.len(), job).await?.map_err(decode::refusal)
    }
}
