//! The doors' metrics, each declared once.
#![allow(clippy::disallowed_macros, reason = "this is the place where they are declared")]

use std::{borrow::Cow, time::Duration};

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use metrics::{SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use schemas::LabId;

const REQUESTS: &str = "referto_http_requests_total";
const DURATION: &str = "referto_http_request_duration_seconds";
const BYTES_IN_HAND: &str = "referto_bytes_in_hand";
const REPORTS: &str = "referto_reports_received_total";
const FAULTS: &str = "referto_faults_total";
const CONNECTIONS: &str = "referto_connections";
const LAB_LAST_REPORT: &str = "referto_lab_last_report_timestamp_seconds";

/// Gives each metric its help. Call once, after the recorder is installed.
pub fn describe() {
    describe_counter!(REQUESTS, "HTTP requests answered, by route, method and status code.");
    describe_histogram!(DURATION, Unit::Seconds, "Seconds from a request's head to its answer, by route.");
    describe_gauge!(BYTES_IN_HAND, Unit::Bytes, "Bytes of upload bodies in hand, packed and unpacked.");
    describe_counter!(REPORTS, "Reports received at the doors, accepted or refused, by format.");
    describe_counter!(FAULTS, "Faults found in uploads, by code.");
    describe_gauge!(
        LAB_LAST_REPORT,
        Unit::Seconds,
        "When a laboratory's last upload was received, in Unix time; since the start."
    );
    describe_gauge!(CONNECTIONS, "Open connections, by door.");
}

/// A request was answered.
pub fn answered(route: impl Into<SharedString>, method: &Method, status: StatusCode, took: Duration) {
    let route = route.into();
    counter!(REQUESTS, "route" => route.clone(), "method" => method_label(method), "code" => code_label(status))
        .increment(1);
    histogram!(DURATION, "route" => route).record(took.as_secs_f64());
}

/// A laboratory's upload is in the journal.
pub(crate) fn lab_heard_of(lab: &LabId, received_at: Timestamp) {
    let seconds = received_at.as_duration().as_secs_f64();
    gauge!(LAB_LAST_REPORT, "lab" => lab.as_str().to_owned()).set(seconds);
}

/// The bytes in hand rose or fell.
pub(crate) fn bytes_in_hand(change: i64) {
    if change != 0 {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        gauge!(BYTES_IN_HAND).increment(change as f64);
    }
}

/// Items of an upload were read.
pub(crate) fn reports_received(format: &'static str, items: u32) {
    counter!(REPORTS, "format" => format).increment(u64::from(items));
}

/// Faults of one code were found.
pub(crate) fn faults(code: Cow<'static, str>, count: u64) {
    counter!(FAULTS, "code" => code).increment(count);
}

/// Connections opened (1) or closed (-1) at a door.
pub(crate) fn connections(door: &'static str, change: f64) {
    gauge!(CONNECTIONS, "door" => door).increment(change);
}

/// A method that clients invent must not make a label.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

/// The answers of every upload that goes well cost no allocation.
fn code_label(status: StatusCode) -> Cow<'static, str> {
    match status {
        StatusCode::OK => "200".into(),
        StatusCode::ACCEPTED => "202".into(),
        other => other.as_u16().to_string().into(),
    }
}
