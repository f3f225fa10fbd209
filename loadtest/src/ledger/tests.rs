use std::time::Duration;

use schemas::{Outcome, version::Reason};

use super::*;
use crate::{
    drive::{Answered, Receipt, Rejection, Sent},
    follow::Followed,
    meaning::{LabMeaning, UploadMeaning, VersionMeaning},
};

const PCR: &str = "94500-6";
const PERSON: &str = "RSSMRA85T10A562S";

/// Everything that a ledger is drawn up from.
struct World {
    meaning: Meaning,
    lane: Vec<Sent>,
    /// What reads back, a number each.
    reads: Vec<ReadReports>,
    tasks: Vec<String>,
}

impl World {
    /// A report due; one corrected, told twice; one held; one refused; all in one upload that was sent twice.
    fn balanced() -> Self {
        let held = Reason::ALL.into_iter().filter(|reason| *reason == Reason::NoPhone).collect();
        let final_of = |told| version(0, Status::Final, told);
        let reports = vec![
            report(1, Default::default(), vec![final_of(true)]),
            report(2, Default::default(), vec![final_of(true), version(9, Status::Corrected, true)]),
            report(3, held, vec![final_of(false)]),
            report(4, Default::default(), vec![]),
        ];
        let reads = reports.iter().map(read).collect();
        let labs = vec![LabMeaning { id: "torino".parse().unwrap(), stem: "TO-".into() }];
        let tasks = vec![task(1, 0), task(2, 0), task(2, 9), task(2, 9)];
        let first = sent(None);
        let again = sent(Some(0));
        Self { meaning: Meaning { labs, reports }, lane: vec![first, again], reads, tasks }
    }

    fn ledger(&self) -> Ledger {
        let tasks = Tasks::of(&self.meaning, &self.tasks);
        let mut audit = Audit::new(&self.meaning, &tasks);
        audit.lane(&self.lane);
        for (report, read) in self.meaning.reports.iter().zip(&self.reads) {
            audit.number(std::slice::from_ref(report), read);
        }
        audit.close()
    }
}

fn version(minute: i64, status: Status, told: bool) -> VersionMeaning {
    VersionMeaning { issued: issued(minute), status, result: Meant::Exactly(Some(TestResult::Negative)), told }
}

fn issued(minute: i64) -> Timestamp {
    Timestamp::from_second(1_603_180_000 + 60 * minute).unwrap()
}

fn digest(ordinal: u32, minute: i64) -> Digest {
    Digest(u128::from(ordinal).wrapping_mul(1_000).wrapping_add(minute as u128).to_be_bytes())
}

fn report(ordinal: u32, held: schemas::version::Reasons, versions: Vec<VersionMeaning>) -> ReportMeaning {
    let current = versions.len().saturating_sub(1);
    let person = PersonMeaning { code: Some(PERSON.into()), family: "Nicolò", given: "Ugo" };
    ReportMeaning { lab: 0, ordinal, test: PCR, person, held, current, versions }
}

fn read(report: &ReportMeaning) -> ReadReports {
    let versions: Vec<ReadVersion> = report
        .versions
        .iter()
        .map(|version| ReadVersion {
            version: digest(report.ordinal, (version.issued.as_second() - issued(0).as_second()) / 60),
            issued_at: version.issued,
            status: version.status,
            result: Some(TestResult::Negative),
            patient: ReadPatient {
                fiscal_code: Some(PERSON.into()),
                family: Some("Nicolò".into()),
                given: Some("Ugo".into()),
            },
        })
        .collect();
    let held = report.held.iter().map(|reason| reason.as_str().to_owned()).collect();
    let reports = versions.last().cloned().map(|current| ReadReport {
        test: ReadTest { code: PCR.into() },
        held,
        current,
        versions,
    });
    ReadReports { reports: reports.into_iter().collect() }
}

fn task(ordinal: u32, minute: i64) -> String {
    format!(
        r#"{{"id":"x","lab":"torino","reportNumber":"TO-{ordinal:07}","testCode":"{PCR}","version":"{}","status":"final",
            "issuedAt":"{}","receivedAt":"2020-10-20T10:00:00Z"}}"#,
        digest(ordinal, minute),
        issued(minute),
    )
}

fn sent(repeats: Option<u32>) -> Sent {
    let mut counts = Counts::default();
    let outcomes = [Outcome::New, Outcome::New, Outcome::Corrected, Outcome::New, Outcome::Refused];
    outcomes.into_iter().for_each(|outcome| counts.count(outcome));
    let fault = schemas::Fault::error("collected-after-receipt", "late").item(4, 5);
    let receipt = Receipt { submission: "s".into(), received: 5, accepted: 4, refused: 1, faults: vec![fault] };
    Sent {
        meaning: UploadMeaning {
            lab: 0,
            repeats,
            counts,
            refused: vec![(4, "collected-after-receipt")],
            control_id_reused: false,
            acknowledgement: None,
        },
        answer: Answered::Accepted(receipt),
        followed: Some(Followed::Done { counts, stored_after: Duration::from_millis(3) }),
        accepted_after: Duration::from_millis(1),
    }
}

fn counts(sent: &mut Sent) -> &mut Counts {
    match &mut sent.followed {
        Some(Followed::Done { counts, .. }) => counts,
        other => panic!("{other:?}"),
    }
}

fn receipt(sent: &mut Sent) -> &mut Receipt {
    match &mut sent.answer {
        Answered::Accepted(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_balances_and_counts_what_was_sent_twice_once() {
    let ledger = World::balanced().ledger();
    assert_eq!((ledger.balanced, ledger.discrepancies.clone()), (true, vec![]));
    assert_eq!((ledger.counts.received, ledger.counts.accepted(), ledger.counts.refused), (5, 4, 1));
    assert_eq!((ledger.repeated, ledger.held, ledger.tasks, ledger.reports), (1, 1, 3, 4));
}

#[test]
fn an_earlier_versions_task_may_be_missing() {
    let mut world = World::balanced();
    world.tasks.remove(1);
    assert!(world.ledger().balanced);
}

#[test]
fn what_somebody_else_sent_is_passed_over() {
    let mut world = World::balanced();
    world.tasks.push(task(1, 0).replace("TO-", "XX-"));
    world.tasks.push(task(1, 0).replace("torino", "novara"));
    let ledger = world.ledger();
    assert_eq!((ledger.balanced, ledger.tasks), (true, 3));
}

type Plant = fn(&mut World);

#[test]
fn every_planted_discrepancy_shows() {
    let cases: [(&str, Plant); 30] = [
        ("report TO-0000001: missing", |world| world.reads[0].reports.clear()),
        ("3 reports compared, 4 meant", |world| drop(world.reads.pop())),
        ("TO-0000001: due, and no task", |world| drop(world.tasks.remove(0))),
        ("TO-0000002: due, and no task", |world| world.tasks.truncate(2)),
        ("TO-0000003: a task of a version that was never due", |world| world.tasks.push(task(3, 0))),
        ("TO-0000001: a task of a version that was never due", |world| world.tasks.push(task(1, 7))),
        ("a task of a report that was never sent", |world| world.tasks.push(task(99, 0))),
        ("TO-0000004: a task, though it was refused", |world| world.tasks.push(task(4, 0))),
        ("a line of tasks cannot be read", |world| world.tasks.push("{".into())),
        ("another number of versions", |world| drop(world.reads[1].reports[0].versions.remove(0))),
        ("the version issued at", |world| drop(world.reads[1].reports[0].versions.remove(0))),
        ("another version is current", |world| {
            let read = &mut world.reads[1].reports[0];
            read.current = read.versions[0].clone();
        }),
        ("current version is none of its versions", |world| world.reads[0].reports[0].current.version = digest(9, 9)),
        ("another status", |world| world.reads[0].reports[0].versions[0].status = Status::Preliminary),
        ("another result", |world| world.reads[0].reports[0].versions[0].result = None),
        ("another person", |world| world.reads[0].reports[0].current.patient.fiscal_code = None),
        ("another person", |world| world.reads[0].reports[0].current.patient.family = Some("NicolÃ²".into())),
        ("held for other reasons", |world| world.reads[2].reports[0].held.clear()),
        ("held for other reasons", |world| world.reads[0].reports[0].held.push("to-identify".into())),
        ("stored, though every item of it was refused", |world| world.reads[3] = world.reads[0].clone()),
        ("1 reports that were never sent", |world| {
            let mut stranger = world.reads[0].reports[0].clone();
            stranger.test.code = "other".into();
            world.reads[0].reports.push(stranger);
        }),
        ("counts 5 received: 2 new", |world| {
            counts(&mut world.lane[0]).new -= 1;
            counts(&mut world.lane[0]).stale += 1;
        }),
        ("do not add up", |world| counts(&mut world.lane[0]).new -= 1),
        ("does not show collected-after-receipt", |world| receipt(&mut world.lane[0]).faults.clear()),
        ("said to be used before", |world| {
            receipt(&mut world.lane[0]).faults.push(schemas::Fault::warning("control-id-reused", "again"));
        }),
        ("receipt counts other items", |world| receipt(&mut world.lane[0]).received = 4),
        ("not taken for the same submission", |world| receipt(&mut world.lane[1]).submission = "t".into()),
        ("refused whole", |world| {
            world.lane[0].answer = Answered::Rejected(Rejection { submission: "s".into(), faults: vec![] });
        }),
        ("answered with status 401", |world| world.lane[0].answer = Answered::Unexpected("status 401".into())),
        ("never done: still queued", |world| world.lane[0].followed = Some(Followed::Never("still queued".into()))),
    ];
    for (shown, plant) in cases {
        let mut world = World::balanced();
        plant(&mut world);
        let ledger = world.ledger();
        assert!(!ledger.balanced, "{shown}");
        assert!(ledger.discrepancies.iter().any(|found| found.contains(shown)), "{shown}: {:?}", ledger.discrepancies);
        let personal = ledger.discrepancies.iter().any(|found| found.contains(PERSON));
        assert!(!personal, "a person's code in a discrepancy");
    }
}

#[test]
fn tasks_are_awaited_until_each_due_report_has_its_own() {
    let world = World::balanced();
    let mut tasks = Tasks::new(&world.meaning);
    assert_eq!(tasks.missing(), 2);
    for (line, missing) in world.tasks.iter().zip([1, 1, 0, 0]) {
        tasks.read(line);
        assert_eq!(tasks.missing(), missing);
    }
}

#[test]
fn at_most_a_hundred_discrepancies_are_spelt_out() {
    let mut world = World::balanced();
    (0..150).for_each(|_| world.tasks.push("{".into()));
    let ledger = world.ledger();
    assert_eq!((ledger.discrepancies.len(), ledger.discrepancies_omitted), (100, 50));
}

#[test]
fn the_contracts_shape_is_read() {
    let text = format!(
        r#"{{"reports":[{{"lab":"torino","reportNumber":"TO-0000001","test":{{"code":"{PCR}"}},"held":["no-phone"],
            "current":{{"version":"{0}","issuedAt":"2020-10-20T09:04:00Z","receivedAt":"2020-10-20T09:05:00Z","status":"final",
            "result":"positive","patient":{{"fiscalCode":"{PERSON}","family":"Rossi"}},"note":"x"}},
            "versions":[{{"version":"{0}","issuedAt":"2020-10-20T11:04:00+02:00","status":"final","result":"positive",
            "patient":{{"fiscalCode":"{PERSON}","family":"Rossi"}}}}]}}]}}"#,
        digest(1, 0)
    );
    let read: ReadReports = serde_json::from_str(&text).unwrap();
    assert_eq!(read.reports[0].versions[0], read.reports[0].current);
    assert!(!format!("{read:?}").contains(PERSON));
}

mod acknowledgements;
