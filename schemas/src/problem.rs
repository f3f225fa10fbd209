//! An HTTP problem (RFC 9457) as data: what every door answers when it cannot do what it was asked.

use std::borrow::Cow;

use serde::Serialize;

use crate::{Fault, SubmissionId};

/// Where each code is explained.
const DOCS: &str = "/docs/problems#";

/// A problem. Its text is of referto's own making: never what a person's field contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// A plain sentence: what is wrong and how to mend it.
    pub detail: Cow<'static, str>,
    /// The path that was asked for.
    pub instance: Option<String>,
    /// The request's trace.
    pub trace_id: Option<String>,
    /// What is wrong with an upload.
    pub faults: Vec<Fault>,
    /// Faults found beyond those listed.
    pub faults_omitted: u64,
    /// The upload, where it has a name.
    pub submission: Option<SubmissionId>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    faults: &'a [Fault],
    #[serde(skip_serializing_if = "is_zero")]
    faults_omitted: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<SubmissionId>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Problem {
    /// A problem with nothing but its sentence.
    #[must_use]
    pub fn new(status: u16, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            instance: None,
            trace_id: None,
            faults: Vec::new(),
            faults_omitted: 0,
            submission: None,
            retry_after: None,
        }
    }

    /// With the path that was asked for.
    #[must_use]
    pub fn instance(self, path: &str) -> Self {
        Self { instance: Some(path.to_owned()), ..self }
    }

    /// With the seconds after which a retry makes sense.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The body, `application/problem+json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let body = Body {
            r#type: format!("{DOCS}{}", self.code),
            title: title(self.status),
            status: self.status,
            detail: &self.detail,
            instance: self.instance.as_deref(),
            code: self.code,
            trace_id: self.trace_id.as_deref(),
            faults: &self.faults,
            faults_omitted: self.faults_omitted,
            submission: self.submission,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read",
        401 => "A key is needed",
        403 => "Not allowed",
        404 => "Not found",
        405 => "Not this method",
        408 => "The request took too long",
        409 => "In conflict with another request",
        413 => "Too large",
        415 => "Not a type that is taken here",
        422 => "The upload cannot be taken as it is",
        429 => "Too many requests",
        503 => "Not now",
        _ => "Something went wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_rfc_9457_and_leaves_out_what_is_absent() {
        let problem = Problem::new(413, "body-too-large", "over 64 MiB").instance("/v1/reports");
        assert_eq!(
            problem.to_json(),
            r#"{"type":"/docs/problems#body-too-large","title":"Too large","status":413,"detail":"over 64 MiB","instance":"/v1/reports","code":"body-too-large"}"#
        );
    }
}
