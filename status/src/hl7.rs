//! Stored reports in HL7 v2, for who asks for it (`Accept`).

use access::Lab;
use axum::http::{HeaderMap, header};
use schemas::{
    hl7::{Outgoing, OutgoingHeader, write_reports},
    json::stored,
    report::{Processing, Report},
};
use store::StoredReport;

use crate::{answer::Failure, reports::corrupt};

/// The media types of HL7 v2, as the doors take them, and as they are answered.
const TYPES: [(&str, &str); 3] = [
    ("x-application/hl7-v2+er7", "x-application/hl7-v2+er7; charset=utf-8"),
    ("application/hl7-v2+er7", "application/hl7-v2+er7; charset=utf-8"),
    ("application/hl7-v2", "application/hl7-v2; charset=utf-8"),
];

/// The type of HL7 that the caller names first; none where it names none. Only whole names count: `*/*` is JSON.
pub(crate) fn asked_for(headers: &HeaderMap) -> Option<&'static str> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut names = accepted.flat_map(|value| value.split(',')).map(|name| name.split(';').next().unwrap_or(name));
    let answered = |name: &str| TYPES.into_iter().find(|(known, _)| name.trim().eq_ignore_ascii_case(known));
    names.find_map(|name| answered(name).map(|(_, content_type)| content_type))
}

/// The reports as they stand now: an ORU^R01 for those that were sent for real, one for those of training, one for
/// those of debugging. The same reports give the same bytes: a message's time is when the last of it was received.
pub(crate) fn messages(lab: &Lab, reports: &[StoredReport]) -> Result<String, Failure> {
    let current = reports
        .iter()
        .map(|report| {
            let current = report.versions.get(report.standing.current).ok_or_else(corrupt)?;
            Ok((report, current, stored(&current.content).ok_or_else(corrupt)?))
        })
        .collect::<Result<Vec<(_, _, Report<'_>)>, Failure>>()?;
    let mut text = String::new();
    for processing in [Processing::Production, Processing::Training, Processing::Debugging] {
        let mut group = current.iter().filter(|(_, _, content)| content.processing_id == processing).peekable();
        let Some((_, first, _)) = group.peek() else { continue };
        let digest = first.version.digest.to_string();
        let (control_id, _) = digest.split_at_checked(20).unwrap_or((&digest, ""));
        let mut written_at = first.version.received_at;
        let mut outgoing = Vec::new();
        for (report, current, content) in group {
            written_at = written_at.max(current.version.received_at);
            outgoing.push(Outgoing { report: content, issued_at: report.standing.issued_at });
        }
        let header = OutgoingHeader {
            written_at,
            zone: lab.zone.time_zone(),
            control_id,
            sending_facility: lab.id.as_str(),
            receiving_application: "",
            receiving_facility: "",
        };
        // Reports of one number differ in their test, and a group in nothing else: what cannot be written was not ours.
        text.push_str(&write_reports(&outgoing, &header).map_err(|_| corrupt())?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hl7_is_given_to_who_names_it() {
        for (accept, expected) in [
            ("application/hl7-v2", Some("application/hl7-v2; charset=utf-8")),
            ("text/html, X-Application/HL7-v2+er7;q=0.9, */*", Some("x-application/hl7-v2+er7; charset=utf-8")),
            ("application/json", None),
            ("*/*", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(asked_for(&headers), expected, "{accept}");
        }
    }
}
