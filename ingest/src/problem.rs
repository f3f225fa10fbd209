//! Problems (RFC 9457) as HTTP answers.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};
use schemas::{Fault, SubmissionId, problem::Problem};

/// Faults listed in one answer; the rest is counted.
pub const LISTED_FAULTS: usize = 1_000;

/// An answer that is no success: a problem and the headers that belong to it.
#[derive(Debug)]
pub struct Refusal {
    problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A problem with nothing but its sentence. The sentence is ours: it never repeats a person's data.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Problem::new(status.as_u16(), code, detail).into()
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// With the seconds after which the same bytes may be sent again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.problem.retry_after = Some(seconds);
        self
    }

    /// With what is wrong with the upload; beyond [`LISTED_FAULTS`] they are counted.
    #[must_use]
    pub fn faults(mut self, mut faults: Vec<Fault>, omitted: u64) -> Self {
        let beyond = faults.len().saturating_sub(LISTED_FAULTS) as u64;
        faults.truncate(LISTED_FAULTS);
        self.problem.faults = faults;
        self.problem.faults_omitted = omitted.saturating_add(beyond);
        self
    }

    /// With the upload's name.
    #[must_use]
    pub fn submission(mut self, id: SubmissionId) -> Self {
        self.problem.submission = Some(id);
        self
    }

    /// The problem so far.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The answer to a request for `path` in the trace `trace_id`.
    #[must_use]
    pub fn into_response(mut self, path: &str, trace_id: &str) -> Response<Full<Bytes>> {
        self.problem.instance = Some(path.to_owned());
        self.problem.trace_id = Some(trace_id.to_owned());
        let mut response = Response::new(Full::new(Bytes::from(self.problem.to_json())));
        *response.status_mut() = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.problem.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), headers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_past_the_list_are_counted() {
        let faults = vec![Fault::error("x-y", "…"); LISTED_FAULTS + 3];
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "body-undecodable", "…").faults(faults, 4);
        assert_eq!(refusal.problem().faults.len(), LISTED_FAULTS);
        assert_eq!(refusal.problem().faults_omitted, 7);
    }
}
