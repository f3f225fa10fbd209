//! What is stored, as text in logical keys: two stores that hold the same give the same lines.

use std::path::Path;

use rusqlite::{Connection, types::ValueRef};

use super::open::{self, OpenError};

/// Uploads, items, versions, persons of phones: facts, which never change.
const FACTS: [&str; 4] = [
    "SELECT 'submission', hex(id), lab, day, received_at, format, received, accepted, rejected, chunks, control_id,
            file_name, idempotency_key FROM submissions",
    "SELECT 'item', hex(s.id), i.iid & 0xffffff, i.outcome, i.line, i.partition, i.offset, i.faults,
            r.lab, r.number, r.test, hex(v.digest), v.stated_issue
     FROM items i JOIN submissions s ON s.sid = i.iid >> 24 LEFT JOIN versions v ON v.vid = i.vid
                  LEFT JOIN reports r ON r.rid = i.vid >> 24",
    "SELECT 'version', r.lab, r.number, r.test, hex(v.digest), v.stated_issue, v.received_at, v.partition, v.offset,
            v.item, v.status, v.result, hex(v.person_code), hex(v.person_name), v.reasons, v.listed, v.rehearsal,
            hex(s.id), v.content
     FROM versions v JOIN reports r ON r.rid = v.vid >> 24 JOIN submissions s ON s.sid = v.sid",
    "SELECT 'phone', hex(phone), hex(person) FROM persons_of_phone",
];

/// The fold of each report.
const REPORTS: &str = "
     SELECT 'report', r.lab, r.number, r.test, r.day, hex(v.digest), v.stated_issue, r.issued_at
     FROM reports r JOIN versions v ON v.vid = r.current";

/// What a rebuilt store answers otherwise, for it does not know what was told: holds and marks of emission.
const HOLDS: &str = "
     SELECT 'hold', lab, number, test, notice, reasons, since, hex(emitted) FROM reports";

/// Every stored row as a line, sorted; of the places, fences, laboratories and keys of rows nothing. For tests of
/// 'byte for byte', which leave holds aside where one of the stores was rebuilt. The lines are reports: personal data.
///
/// # Errors
/// [`OpenError`].
pub fn dump(path: &Path, with_holds: bool) -> Result<Vec<String>, OpenError> {
    let connection = open::readable(path)?;
    let selects = FACTS.into_iter().chain([REPORTS]).chain(with_holds.then_some(HOLDS));
    let mut lines = Vec::new();
    for select in selects {
        add(&connection, select, &mut lines).map_err(|error| open::failed(path, error))?;
    }
    lines.sort_unstable();
    Ok(lines)
}

fn add(connection: &Connection, select: &str, lines: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(select)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut fields = Vec::with_capacity(columns);
        for column in 0..columns {
            fields.push(match row.get_ref(column)? {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
                ValueRef::Null => "null".to_owned(),
                other => format!("{other:?}"),
            });
        }
        lines.push(fields.join(" "));
    }
    Ok(())
}
