//! What every endpoint does with an upload: one file a stage, in the order in which an upload passes them.

mod append;
mod auth;
mod body;
mod content_type;
mod control_ids;
mod decode;
mod faults;
mod head;
mod inflate;
mod query;
mod records;
mod submission;

use std::{sync::Arc, time::Instant};

use access::{Directory, Lab};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Body, header::ALLOW, http::request::Parts};
use jiff::Timestamp;
use schemas::{
    Position, SubmissionId,
    format::{Context, Format, Limits},
    time::Clock,
};

use self::{
    append::Appender,
    body::{Intake, Patience},
    control_ids::ControlIds,
    records::Upload,
    submission::Naming,
};
pub(crate) use self::{body::Received, decode::Reading, head::Head};
use crate::{
    Endpoint, Outcomes, Settings,
    budget::Budget,
    cores::Cores,
    hl7, metrics,
    problem::Refusal,
    recent::{Acknowledged, Claim, KeyConflict, Recent},
    reports,
    trace::{Trace, Traces},
};

/// An upload that is durable, or that was only tried.
pub(crate) struct Taken {
    pub(crate) lab: Arc<Lab>,
    pub(crate) id: SubmissionId,
    pub(crate) received_at: Timestamp,
    /// Where its last chunk stands; none for a dry run.
    pub(crate) position: Option<Position>,
    pub(crate) reading: Reading,
    pub(crate) head: Head,
    pub(crate) body: Received,
}

/// Where its state is read.
pub(crate) fn location(id: SubmissionId, at: Position) -> String {
    format!("/v1/submissions/{id}?at={at}")
}

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
    control_ids: Arc<ControlIds>,
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
            control_ids: Arc::new(ControlIds::new(settings.control_ids_remembered)),
            traces: Traces::new(),
        }
    }

    /// Answers a request for an endpoint, whatever its method. Dropping the future (the sender went away) may leave an
    /// append under way: the same bytes again complete it.
    pub async fn answer<B>(&self, endpoint: Endpoint, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let begun = Instant::now();
        let (parts, body) = request.into_parts();
        let trace = self.traces.of(&parts.headers);
        let mut intake = Intake::new(body, &parts.headers);
        let response = match self.take(endpoint, &parts, &mut intake, &trace).await {
            Ok(taken) => match endpoint {
                Endpoint::Reports => reports::answer(taken, self.outcomes.as_deref()).await,
                Endpoint::Hl7 => Ok(hl7::answer(taken)),
            },
            Err(refusal) => {
                intake.discard().await;
                Err(refusal)
            }
        };
        let response = response.unwrap_or_else(|refusal| {
            tracing::debug!(code = refusal.problem().code, trace = trace.id(), "refused");
            refusal.into_response(parts.uri.path(), trace.id())
        });
        metrics::answered(endpoint.path(), &parts.method, response.status(), begun.elapsed());
        response
    }

    /// Takes an upload in. Once this is `Ok` with a position, every chunk of it is durable.
    async fn take<B>(
        &self,
        endpoint: Endpoint,
        parts: &Parts,
        intake: &mut Intake<B>,
        trace: &Trace,
    ) -> Result<Taken, Refusal>
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
        let head = Head::read(endpoint, parts)?;
        let received = intake.read(self.limits.body_bytes, self.patience, &self.budget).await?;
        let body = match head.coding {
            Some(coding) => inflate::inflate(coding, received, self.limits.body_bytes, &self.cores).await?,
            None => received,
        };
        let received_at = self.now_to_the_millisecond();
        let format = head.content_type.format(&body.bytes)?;
        let id = self.name(&lab, format, &head, &body.bytes).await?;

        let claim = self.claim(&lab, &head, id)?;
        let remembered = if head.dry_run { None } else { self.recent.upload(id) };
        // The same bytes again are decided as they were: by the instant of their first receipt.
        let received_at = remembered.map_or(received_at, |first| first.received_at);
        let reading = self.decode(&lab, format, &head, &body.bytes, received_at).await?;
        reading.refuse_as_whole(endpoint, head.dry_run)?;
        if head.dry_run {
            return Ok(Taken { lab, id, received_at, position: None, reading, head, body });
        }
        reading.count(format);

        let decision = reading.decision(&lab);
        let position = match remembered.filter(|first| first.decision == decision) {
            Some(first) => first.position,
            None => {
                let upload = Upload { id, lab: &lab, format, head: &head, received_at, trace, bytes: &body.bytes };
                let position = self.appender.append(records::of(&upload, &reading)).await?;
                metrics::lab_heard_of(&lab.id, received_at);
                self.recent.acknowledged(id, Acknowledged { received_at, position, decision });
                position
            }
        };
        if let Some(claim) = claim.filter(|_| reading.accepted > 0) {
            claim.keep();
        }
        Ok(Taken { lab, id, received_at, position: Some(position), reading, head, body })
    }

    /// As the journal keeps it, so that a replay decides by the very same instant.
    fn now_to_the_millisecond(&self) -> Timestamp {
        let now = (self.clock)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    async fn name(&self, lab: &Lab, format: Format, head: &Head, bytes: &Bytes) -> Result<SubmissionId, Refusal> {
        let (naming, lab, charset, body) =
            (self.naming.clone(), lab.id.clone(), head.content_type.charset(), bytes.clone());
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
        let (lab, body, limits, charset) = (Arc::clone(lab), bytes.clone(), self.limits, head.content_type.charset());
        let (decoders, control_ids, remember) = (self.cores.decoders(), self.control_ids.clone(), !head.dry_run);
        let job = move || {
            let context = Context {
                received_at,
                zone: lab.zone.time_zone(),
                charset,
                facilities: &lab.facilities,
                limits: &limits,
            };
            let mut reused = |id: &str, message: &[u8]| control_ids.reused(&lab.id, id, message, remember);
            decoders.with(|decoder| decode::read(decoder, format, &body, &context, &mut reused))
        };
        self.cores.run(bytes.len(), job).await?.map_err(decode::refusal)
    }
}
