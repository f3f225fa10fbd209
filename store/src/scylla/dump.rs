//! What is stored, as text in logical keys: the lines that the embedded store's dump gives of the same.

use std::collections::BTreeSet;

use schemas::{Identity, SubmissionId};
use uuid::Uuid;

use super::{
    reading,
    report::{self, Report, Rules},
    rows::{self, day_number, stated_time},
    session::Db,
};
use crate::{Notice, StoreError};

type ItemRow = (
    Uuid,
    i32,
    String,
    i32,
    i32,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Vec<u8>>,
    Option<i64>,
);

/// A list, the names of a report, whether it waits.
type WorkRow = (String, Option<String>, Option<String>, Option<String>, Option<bool>);

/// Every stored fact and fold as a line, sorted. Reads whole tables: for tests alone.
pub(super) async fn dump(db: &Db, rules: &Rules<'_>, keyspace: &str, holds: bool) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    let submissions: Vec<(Uuid,)> = db.scan(format!("SELECT id FROM {keyspace}.submissions")).await?;
    for (id,) in submissions {
        if let Some(row) = reading::submission_row(db, SubmissionId(id)).await? {
            lines.push(submission(&row.submission));
        }
    }
    let items: Vec<ItemRow> = db
        .scan(format!(
            "SELECT submission, item_index, outcome, line, at_partition, at_offset, faults, lab, number, test, digest, \
             stated_issue FROM {keyspace}.items"
        ))
        .await?;
    for item in items {
        lines.push(self::item(item)?);
    }
    let identities: Vec<(String, String, String)> =
        db.scan(format!("SELECT DISTINCT lab, number, test FROM {keyspace}.reports")).await?;
    for (lab, number, test) in identities {
        let report = report::whole(db, &rows::identity(&lab, number, test)?).await?;
        self::report(&report, rules, holds, &mut lines);
    }
    let phones: Vec<(Vec<u8>, Vec<u8>)> =
        db.scan(format!("SELECT phone, person FROM {keyspace}.persons_of_phone")).await?;
    lines.extend(phones.iter().map(|(phone, person)| fields(&[text("phone"), text(&hex(phone)), text(&hex(person))])));
    lines.sort_unstable();
    Ok(lines)
}

fn submission(submission: &crate::Submission) -> String {
    fields(&[
        text("submission"),
        text(&hex(submission.id.0.as_bytes())),
        text(submission.lab.as_str()),
        day_number(submission.day).to_string(),
        submission.received_at.as_microsecond().to_string(),
        text(&submission.format),
        submission.received.to_string(),
        submission.accepted.to_string(),
        u8::from(submission.rejected).to_string(),
        submission.chunks.to_string(),
        optional(submission.control_id.as_deref()),
        optional(submission.file_name.as_deref()),
        optional(submission.idempotency_key.as_deref()),
    ])
}

fn item(row: ItemRow) -> Result<String, StoreError> {
    let (submission, index, outcome, line, partition, offset, faults, lab, number, test, digest, stated) = row;
    let (digest, stated) = match reading::carried(digest, stated)? {
        Some((digest, stated)) => (hex(&digest.0), stated_time(stated)?),
        None => (String::new(), None),
    };
    Ok(fields(&[
        text("item"),
        text(&hex(submission.as_bytes())),
        index.to_string(),
        text(&outcome),
        line.to_string(),
        partition.to_string(),
        offset.to_string(),
        optional(Some(faults.as_str()).filter(|faults| !faults.is_empty())),
        optional(lab.as_deref()),
        optional(number.as_deref()),
        optional(test.as_deref()),
        text(&digest),
        micros(stated),
    ]))
}

fn report(report: &Report, rules: &Rules<'_>, holds: bool, lines: &mut Vec<String>) {
    let (Some(first), Some(standing)) = (report.first(), report.standing(rules)) else { return };
    let names = identity(&report.identity);
    for read in &report.versions {
        let (stored, version) = (&read.stored, &read.stored.version);
        let person = |key: Option<schemas::version::PersonKey>| text(&key.map_or_else(String::new, |key| hex(&key.0)));
        lines.push(fields(&[
            text("version"),
            names.clone(),
            text(&hex(&version.digest.0)),
            micros(version.stated_issue),
            version.received_at.as_microsecond().to_string(),
            version.first_place.position.partition.to_string(),
            version.first_place.position.offset.to_string(),
            version.first_place.item.to_string(),
            text(version.status.as_str()),
            optional(version.result.map(schemas::report::TestResult::as_str)),
            person(version.person.by_code),
            person(version.person.by_name),
            version.reasons.0.to_string(),
            u8::from(version.listed).to_string(),
            u8::from(version.rehearsal).to_string(),
            text(&hex(stored.submission.0.as_bytes())),
            text(&stored.content),
        ]));
    }
    let current = &report.versions[standing.current].stored.version;
    lines.push(fields(&[
        text("report"),
        names.clone(),
        day_number(first.day).to_string(),
        text(&hex(&current.digest.0)),
        micros(current.stated_issue),
        standing.issued_at.as_microsecond().to_string(),
    ]));
    if holds {
        let (notice, reasons, since) = match standing.notice {
            Notice::NotDue => ("not-due", 0, None),
            Notice::Due => ("due", 0, None),
            Notice::Held(reasons) => ("held", reasons.0, Some(current.received_at)),
        };
        let emitted = report.emitted.map_or_else(String::new, |digest| hex(&digest.0));
        lines.push(fields(&[text("hold"), names, text(notice), reasons.to_string(), micros(since), text(&emitted)]));
    }
}

fn identity(identity: &Identity) -> String {
    fields(&[text(identity.lab.as_str()), text(&identity.number), text(&identity.test)])
}

fn fields(fields: &[String]) -> String {
    fields.join(" ")
}

fn text(text: &str) -> String {
    format!("{text:?}")
}

fn optional(value: Option<&str>) -> String {
    value.map_or_else(|| "null".to_owned(), text)
}

fn micros(time: Option<jiff::Timestamp>) -> String {
    time.map_or_else(|| "null".to_owned(), |time| time.as_microsecond().to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// What each report's rows are found by that are missing, and what stands there without a report: for tests of
/// batches that failed half way.
pub(super) async fn unfound(db: &Db, rules: &Rules<'_>, keyspace: &str) -> Result<Vec<String>, StoreError> {
    let identities: Vec<(String, String, String)> =
        db.scan(format!("SELECT DISTINCT lab, number, test FROM {keyspace}.reports")).await?;
    let mut wanted = BTreeSet::new();
    for (lab, number, test) in identities {
        let report = report::facts(db, &rows::identity(&lab, number, test)?).await?;
        let Some(first) = report.first() else { continue };
        let names = identity(&report.identity);
        wanted.insert(format!("number {names}"));
        wanted.insert(format!("day {} {names}", day_number(first.day)));
        for read in &report.versions {
            wanted.extend(read.stored.version.person.by_code.map(|key| format!("person {} {names}", hex(&key.0))));
        }
        if let Some(crate::Standing { notice: Notice::Held(reasons), .. }) = report.standing(rules) {
            wanted.extend(reasons.iter().map(|reason| format!("work {} {names}", reason.as_str())));
        }
    }
    let mut found = BTreeSet::new();
    let name = |lab: &str, number: &str, test: &str| fields(&[text(lab), text(number), text(test)]);
    let rows: Vec<(String, String, String)> =
        db.scan(format!("SELECT lab, number, test FROM {keyspace}.report_numbers")).await?;
    found.extend(rows.iter().map(|(lab, number, test)| format!("number {}", name(lab, number, test))));
    let rows: Vec<(String, i32, String, String)> =
        db.scan(format!("SELECT lab, day, number, test FROM {keyspace}.reports_of_day")).await?;
    found.extend(rows.iter().map(|(lab, day, number, test)| format!("day {day} {}", name(lab, number, test))));
    let rows: Vec<(Vec<u8>, String, String, String)> =
        db.scan(format!("SELECT person, lab, number, test FROM {keyspace}.reports_of_person")).await?;
    found
        .extend(rows.iter().map(|(key, lab, number, test)| format!("person {} {}", hex(key), name(lab, number, test))));
    let rows: Vec<WorkRow> = db.scan(format!("SELECT list, lab, number, test, open FROM {keyspace}.work")).await?;
    let open = rows.into_iter().filter(|row| row.4 == Some(true));
    found.extend(
        open.filter_map(|(list, lab, number, test, _)| Some(format!("work {list} {}", name(&lab?, &number?, &test?)))),
    );
    let missing = wanted.difference(&found).map(|line| format!("missing: {line}"));
    let astray = found.difference(&wanted).map(|line| format!("astray: {line}"));
    Ok(missing.chain(astray).collect())
}
