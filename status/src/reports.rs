//! Reports as stored: by number, by day.

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
};
use jiff::Timestamp;
use schemas::{problem::Problem, time::to_the_millisecond, version::Reasons};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Notice, StoredReport, StoredVersion};

use crate::{
    Sources,
    answer::{self, Failure, Reply},
    caller::{self, PageQuery, laboratory},
    hl7,
    wait::reasons,
};

/// `GET /v1/reports/{number}`: several tests may share a number. As JSON, or as HL7 v2 where `Accept` names it.
pub(crate) async fn of_number(State(sources): State<Sources>, Path(number): Path<String>, headers: HeaderMap) -> Reply {
    let lab = laboratory(&sources, &headers)?;
    let reports = sources.store.reports(lab.id.clone(), number).await?;
    if reports.is_empty() {
        let detail = "no report of your laboratory has this number: uploads show as soon as they are done";
        return Err(Problem::new(404, "report-unknown", detail).into());
    }
    if let Some(content_type) = hl7::asked_for(&headers) {
        return answer::entity(&headers, content_type, hl7::messages(&lab, &reports)?);
    }
    let reports = reports.iter().map(report).collect::<Result<Vec<_>, _>>()?;
    answer::json(&headers, &json!({ "reports": reports }))
}

#[derive(Deserialize)]
pub(crate) struct DayQuery {
    day: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /v1/reports?day=`: the reports first received on a day, in the order they came.
pub(crate) async fn of_day(State(sources): State<Sources>, Query(query): Query<DayQuery>, headers: HeaderMap) -> Reply {
    let lab = laboratory(&sources, &headers)?;
    let page = PageQuery::new(query.limit, query.cursor).request()?;
    let page = sources.store.reports_of_day(lab.id.clone(), caller::day(query.day.as_deref())?, page).await?;
    let items = page.items.iter().map(report).collect::<Result<Vec<_>, _>>()?;
    answer::list(&headers, items, page.next)
}

fn report(report: &StoredReport) -> Result<Value, Failure> {
    let standing = &report.standing;
    let versions = report
        .versions
        .iter()
        .map(|stored| version(report, stored, stored.version.stated_issue.unwrap_or(stored.version.received_at)))
        .collect::<Result<Vec<_>, _>>()?;
    let current = report.versions.get(standing.current).ok_or_else(corrupt)?;
    let current = version(report, current, standing.issued_at)?;
    let held = match standing.notice {
        Notice::Held(reasons) => reasons,
        Notice::Due | Notice::NotDue => Reasons::default(),
    };
    Ok(json!({
        "lab": report.identity.lab,
        "reportNumber": report.identity.number,
        "test": current["test"],
        "held": reasons(held),
        "current": current,
        "versions": versions,
    }))
}

/// The content as sent, with what the store knows of it.
fn version(report: &StoredReport, stored: &StoredVersion, issued_at: Timestamp) -> Result<Value, Failure> {
    let mut value: Value = serde_json::from_str(&stored.content).map_err(|_| corrupt())?;
    let fields = value.as_object_mut().ok_or_else(corrupt)?;
    let facts = &stored.version;
    fields.insert("issuedAt".into(), json!(issued_at));
    if let Some(result) = facts.result {
        fields.insert("result".into(), json!(result));
    }
    fields.insert("version".into(), json!(facts.digest));
    fields.insert("receivedAt".into(), json!(to_the_millisecond(facts.received_at)));
    fields.insert("submission".into(), json!(stored.submission));
    fields.insert("item".into(), json!(facts.first_place.item));
    fields.insert("position".into(), json!(facts.first_place.position));
    fields.insert("lab".into(), json!(report.identity.lab));
    Ok(value)
}

pub(crate) fn corrupt() -> Failure {
    Problem::new(500, "report-unreadable", "the stored report cannot be read: the operators are alerted").into()
}
