//! The tasks that follow from what is stored.

use bytes::Bytes;
use journal::{Journal, Position, Record, Topic};
use schemas::{Digest, Identity, Task};
use store::Touched;
use tokio_util::sync::CancellationToken;

use crate::{
    Keys,
    retry::{Drained, Outage},
};

/// The tasks of a batch, aligned with the versions that they tell of.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) records: Vec<Record>,
    pub(super) emitted: Vec<(Identity, Digest)>,
}

/// The tasks that `touched` reports want. `traces` are of the batch's records.
pub(super) fn due(touched: Vec<Touched>, keys: &Keys, traces: &[(Position, String)]) -> Due {
    let mut due = Due::default();
    for report in touched.into_iter().filter(Touched::wants_task) {
        due.records.push(record(&report, keys, traces));
        due.emitted.push((report.identity, report.current.digest));
    }
    due
}

/// A task as a record in CloudEvents' binary mode (CloudEvents 1.0, Kafka protocol binding §3.2).
fn record(report: &Touched, keys: &Keys, traces: &[(Position, String)]) -> Record {
    let Touched { identity, current, issued_at, .. } = report;
    let carried_by = current.first_place.position;
    let task = Task {
        id: keys.task(identity, current.digest, *issued_at),
        lab: identity.lab.clone(),
        report_number: identity.number.clone(),
        test_code: identity.test.clone(),
        version: current.digest,
        status: current.status,
        issued_at: *issued_at,
        received_at: current.received_at,
        traceparent: traces.iter().find(|(position, _)| *position == carried_by).map(|(_, trace)| trace.clone()),
    };
    let headers = vec![
        ("ce_specversion", Bytes::from_static(b"1.0")),
        ("ce_id", task.id.clone().into()),
        ("ce_source", Bytes::from_static(b"/referto/admit")),
        ("ce_type", Bytes::from_static(b"it.referto.report.due")),
        ("ce_time", task.received_at.to_string().into()),
        ("content-type", Bytes::from_static(b"application/json")),
    ];
    let value = serde_json::to_vec(&task).expect("a task has nothing that JSON lacks").into();
    Record { key: keys.report(identity).into(), headers, value, timestamp: task.received_at }
}

/// Appends `records` until each is acknowledged.
///
/// # Errors
/// [`Drained`] when the process drains before that: some may be acknowledged, and come again at the next start.
pub(super) async fn append_all(
    journal: &dyn Journal,
    topic: Topic,
    mut records: Vec<Record>,
    drain: &CancellationToken,
) -> Result<(), Drained> {
    let mut outage = Outage::new("journal append");
    while !records.is_empty() {
        let mut failed = None;
        let mut answers = journal.append(topic, records.clone()).await.into_iter();
        records.retain(|_| match answers.next() {
            Some(Ok(_)) => false,
            Some(Err(error)) => {
                failed = Some(error);
                true
            }
            None => true,
        });
        match failed {
            Some(error) => outage.wait(&error, drain).await?,
            None => outage.over(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schemas::{
        ItemPlace, Version,
        report::Status,
        version::{Person, Reason, Reasons},
    };
    use store::Notice;

    use super::*;

    fn touched(notice: Notice, emitted: Option<Digest>) -> Touched {
        let place = ItemPlace { position: Position { partition: 0, offset: 3 }, item: 0 };
        let received_at = Timestamp::from_second(1_603_188_000).unwrap();
        let current = Version {
            digest: Digest([1; 16]),
            stated_issue: None,
            received_at,
            first_place: place,
            status: Status::Final,
            result: None,
            person: Person::default(),
            reasons: Reasons::default(),
            listed: true,
            rehearsal: false,
        };
        let identity = Identity { lab: "to".parse().unwrap(), number: "N-1".to_owned(), test: "94500-6".to_owned() };
        Touched { identity, current, issued_at: received_at, notice, emitted }
    }

    #[test]
    fn a_due_version_is_emitted_once_and_a_held_one_never() {
        let held = Notice::Held(Reasons::default().with(Reason::NoPhone));
        let cases = [
            (Notice::Due, None, true),
            (Notice::Due, Some(Digest([2; 16])), true),
            (Notice::Due, Some(Digest([1; 16])), false),
            (held, None, false),
            (Notice::NotDue, None, false),
        ];
        for (notice, emitted, expected) in cases {
            let due = due(vec![touched(notice, emitted)], &Keys::new(&[7; 32]), &[]);
            assert_eq!(
                (due.records.len() == 1, due.emitted.len() == 1),
                (expected, expected),
                "{notice:?} {emitted:?}"
            );
        }
    }

    #[test]
    fn a_task_names_the_version_and_no_person() {
        let traces = [(Position { partition: 0, offset: 3 }, "00-trace".to_owned())];
        let due = due(vec![touched(Notice::Due, None)], &Keys::new(&[7; 32]), &traces);
        let record = &due.records[0];
        let task: Task = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(
            (task.report_number.as_str(), task.version, task.traceparent.as_deref()),
            ("N-1", Digest([1; 16]), Some("00-trace"))
        );
        let header = |name| record.headers.iter().find(|(have, _)| *have == name).map(|(_, value)| &value[..]);
        assert_eq!(header("ce_id"), Some(task.id.as_bytes()));
        assert_eq!(header("ce_type"), Some(&b"it.referto.report.due"[..]));
        assert_eq!(header("ce_time"), Some(&b"2020-10-20T10:00:00Z"[..]));
        assert_eq!(record.timestamp, task.received_at);
        assert_eq!(record.key.len(), 32);
    }
}
