//! The answer to an upload that was taken in.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
};
use jiff::Timestamp;
use schemas::{Fault, Position, SubmissionId, time::to_the_millisecond};
use serde::Serialize;

use crate::upload::{Reading, location};

/// The receipt of the contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    submission: SubmissionId,
    received_at: String,
    received: u32,
    accepted: u32,
    refused: u32,
    /// None for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    faults: Vec<Fault>,
    #[serde(skip_serializing_if = "is_zero")]
    faults_omitted: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Receipt {
    pub(super) fn new(
        submission: SubmissionId,
        received_at: Timestamp,
        position: Option<Position>,
        reading: Reading,
    ) -> Self {
        let Reading { received, accepted, faults, .. } = reading;
        let (faults, faults_omitted) = faults.list();
        let refused = received.saturating_sub(accepted);
        let received_at = to_the_millisecond(received_at);
        Self { submission, received_at, received, accepted, refused, position, faults, faults_omitted }
    }

    /// 202 with `Location`; 200 for a dry run.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let status = if self.position.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
        self.answer(status, serde_json::to_vec(&self).unwrap_or_default())
    }

    /// 200 with the outcome beside the receipt.
    pub(super) fn into_response_with(self, outcome: serde_json::Value, waited: Duration) -> Response<Full<Bytes>> {
        let mut body = serde_json::to_value(&self).unwrap_or_default();
        if let (Some(body), serde_json::Value::Object(outcome)) = (body.as_object_mut(), outcome) {
            body.extend(outcome);
        }
        let mut response = self.answer(StatusCode::OK, body.to_string().into_bytes());
        if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", waited.as_secs())) {
            response.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
        }
        response
    }

    fn answer(&self, status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let location = self.position.map(|at| location(self.submission, at));
        if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
            headers.insert(LOCATION, location);
        }
        response
    }
}
