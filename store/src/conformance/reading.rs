//! Lists and pages.

use jiff::ToSpan;
use schemas::{
    Identity, LabId, Version,
    version::{Person, PersonKey, PhoneKey, Reason},
};

use super::{
    Open,
    fixture::{DAY, about, accepted, admit, at, first, held_for, lab, pages, record, submission_id, upload, version},
};
use crate::{
    HeldCount, NewVersion, PERSONS_OF_A_PHONE, PageRequest, StoreError, StoredReport, Submission, SubmissionQuery,
    Verdict,
};

fn numbers(reports: &[StoredReport]) -> Vec<&str> {
    reports.iter().map(|report| report.identity.number.as_str()).collect()
}

pub(super) async fn items(open: Open) {
    let store = open().await;
    let verdicts = vec![Verdict::Refused; 7];
    admit(&*store, &[record(0, upload(1, 7), verdicts.clone()), record(1, upload(2, 7), verdicts)]).await;
    for limit in [1, 3, 7, 8] {
        let items = pages(limit, |page| store.items(submission_id(1), page)).await.unwrap();
        assert_eq!(items.iter().map(|item| item.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        assert!(items.iter().all(|item| item.place.position.offset == 0 && item.faults.len() == 1));
    }
    assert!(store.items(submission_id(9), first(10)).await.unwrap().items.is_empty());
}

pub(super) async fn submissions(open: Open) {
    let store = open().await;
    let named = |n: u32, name: &str| Submission { file_name: Some(name.to_owned()), ..upload(n, 1) };
    let uploads = [
        named(1, "x"),
        Submission { control_id: Some("c".to_owned()), ..named(2, "y") },
        named(3, "x"),
        Submission { lab: lab("lab-b"), ..named(4, "x") },
        Submission { day: DAY.tomorrow().unwrap(), ..named(5, "x") },
        named(6, "x"),
    ];
    for (offset, upload) in (0..).zip(uploads) {
        admit(&*store, &[record(offset, upload, vec![Verdict::Refused])]).await;
    }
    let day = SubmissionQuery { lab: lab("lab-a"), day: DAY, control_id: None, file_name: None };
    let named = SubmissionQuery { file_name: Some("x".to_owned()), ..day.clone() };
    let controlled = SubmissionQuery { control_id: Some("c".to_owned()), ..day.clone() };
    let nothing = SubmissionQuery { day: DAY.yesterday().unwrap(), ..day.clone() };
    for (query, expected) in [(day, &[6, 3, 2, 1][..]), (named, &[6, 3, 1]), (controlled, &[2]), (nothing, &[])] {
        for limit in [1, 2, 10] {
            let found = pages(limit, |page| store.submissions(query.clone(), page)).await.unwrap();
            let ids: Vec<u128> = found.iter().map(|state| state.submission.id.0.as_u128()).collect();
            assert_eq!(ids, expected, "{query:?}");
            assert!(found.iter().all(|state| state.stored() == 1));
        }
    }
}

pub(super) async fn reports(open: Open) {
    let store = open().await;
    let of = |lab: LabId, test: &str, new: NewVersion| {
        accepted(NewVersion { identity: Identity { lab, test: test.to_owned(), ..new.identity.clone() }, ..new })
    };
    let ours = |number, test, person| of(lab("lab-a"), test, about(person, version(number, "a", Some(10))));
    let next_day = Submission { day: DAY.tomorrow().unwrap(), ..upload(3, 1) };
    admit(
        &*store,
        &[
            record(0, upload(1, 3), vec![ours("9", "t2", 1), ours("1", "t1", 2), ours("9", "t1", 1)]),
            record(1, upload(2, 1), vec![of(lab("lab-b"), "t1", about(1, version("9", "a", Some(10))))]),
            record(2, next_day, vec![ours("8", "t1", 3), ours("1", "t1", 2)]),
            record(3, upload(4, 1), vec![of(lab("lab-a"), "t1", about(3, version("1", "b", Some(20))))]),
        ],
    )
    .await;
    let found = store.reports(lab("lab-a"), "9".to_owned()).await.unwrap();
    assert_eq!(found.iter().map(|report| report.identity.test.as_str()).collect::<Vec<_>>(), ["t1", "t2"]);
    assert!(store.reports(lab("lab-a"), "7".to_owned()).await.unwrap().is_empty());

    for limit in [1, 2, 10] {
        for (lab, day, expected) in [
            (lab("lab-a"), DAY, &["9", "1", "9"][..]),
            (lab("lab-a"), DAY.tomorrow().unwrap(), &["8"]),
            (lab("lab-b"), DAY, &["9"]),
            (lab("lab-c"), DAY, &[]),
        ] {
            let found = pages(limit, |page| store.reports_of_day(lab.clone(), day, page)).await.unwrap();
            assert_eq!(numbers(&found), expected, "{lab} {day}");
        }
        for (person, expected) in [(1, &["9", "9", "9"][..]), (2, &["1"]), (3, &["1", "8"]), (4, &[])] {
            let found = pages(limit, |page| store.reports_of_person(PersonKey([person; 16]), page)).await.unwrap();
            assert_eq!(numbers(&found), expected, "person {person}");
        }
    }
}

pub(super) async fn phones(open: Open) {
    let store = open().await;
    let at_phone = |phone: u8, new: NewVersion| accepted(NewVersion { phone: Some(PhoneKey([phone; 16])), ..new });
    let new = |phone: u8, person: u8| at_phone(phone, about(person, version(&format!("{phone}/{person}"), "a", None)));
    let by_name = Some(PersonKey([9; 16]));
    let unnamed = version("n", "a", None);
    let named = NewVersion {
        version: Version { person: Person { by_code: None, by_name }, ..unnamed.version.clone() },
        ..unnamed.clone()
    };
    let shared: Vec<Verdict> = (0..PERSONS_OF_A_PHONE as u8 + 3).map(|person| new(7, person)).collect();
    let journal = [
        record(
            0,
            upload(1, 6),
            vec![
                new(1, 1),
                new(1, 2),
                at_phone(1, named),
                at_phone(1, unnamed),
                accepted(about(3, version("p", "a", None))),
                new(2, 1),
            ],
        ),
        // The same person again, with another report; and more than are remembered, at once and one by one.
        record(1, upload(2, 1), vec![at_phone(1, about(2, version("q", "a", None)))]),
        record(2, upload(3, shared.len() as u32), shared),
        record(3, upload(4, 1), vec![new(7, 100)]),
    ];
    for _ in 0..2 {
        for record in &journal {
            admit(&*store, std::slice::from_ref(record)).await;
        }
        for (phone, expected) in [(1, &[1, 2, 9][..]), (2, &[1]), (3, &[])] {
            let mut found = store.persons_of_phone(PhoneKey([phone; 16])).await.unwrap();
            found.sort_unstable();
            let expected: Vec<PersonKey> = expected.iter().map(|person| PersonKey([*person; 16])).collect();
            assert!(found == expected, "phone {phone}: {} persons", found.len());
        }
        assert_eq!(store.persons_of_phone(PhoneKey([7; 16])).await.unwrap().len(), PERSONS_OF_A_PHONE);
    }
}

pub(super) async fn held(open: Open) {
    let store = open().await;
    let held = |number, content, issued, reasons: &[Reason]| {
        accepted(held_for(reasons, version(number, content, Some(issued))))
    };
    use Reason::{NoPhone, OldSpecimen, ToIdentify};
    // Uploads are received in another order than they stand in: the list is by receipt.
    let journal = [
        record(0, upload(30, 2), vec![held("1", "a", 10, &[NoPhone]), held("2", "b", 10, &[])]),
        record(1, upload(10, 2), vec![held("3", "c", 10, &[NoPhone, ToIdentify]), held("4", "d", 10, &[NoPhone])]),
        record(2, upload(20, 2), vec![held("5", "e", 10, &[ToIdentify]), held("6", "f", 10, &[OldSpecimen])]),
    ];
    admit(&*store, &journal).await;
    // A correction ends 6's wait, and another begins 2's.
    admit(&*store, &[record(3, upload(40, 2), vec![held("6", "g", 20, &[]), held("2", "h", 20, &[NoPhone])])]).await;
    // The same content issued later: version and upload are others, what is held is the same.
    admit(&*store, &[record(4, upload(50, 1), vec![held("1", "a", 20, &[NoPhone])])]).await;
    for limit in [1, 2, 10] {
        for (reason, expected) in [(NoPhone, &["3", "4", "2", "1"][..]), (ToIdentify, &["3", "5"]), (OldSpecimen, &[])]
        {
            let found = pages(limit, |page| store.held(reason, page)).await.unwrap();
            assert_eq!(numbers(&found), expected, "{reason:?}");
        }
    }
    let count = |reason, count, oldest| HeldCount { reason, count, oldest: at(oldest) };
    assert_eq!(store.held_counts().await.unwrap(), [count(ToIdentify, 2, 10), count(NoPhone, 4, 10)]);
    // Upload 20 carries 5, held; its 6 is not current any more. Uploads 30 and 50 carry 1, held.
    for (upload, expected) in [(10, 2), (20, 1), (30, 1), (40, 1), (50, 1)] {
        let id = submission_id(upload);
        assert_eq!(store.submission(id).await.unwrap().unwrap().held, expected, "upload {upload}");
        let items = store.items(id, first(10)).await.unwrap().items;
        assert_eq!(items.iter().filter(|item| !item.held.is_empty()).count() as u64, expected, "upload {upload}");
    }
}

pub(super) async fn cursors(open: Open) {
    let store = open().await;
    let journal: Vec<_> = (0..4_u32)
        .map(|n| {
            let new = |number: String| accepted(held_for(&[Reason::NoPhone], about(1, version(&number, "a", None))));
            record(u64::from(n), upload(n, 2), vec![new(format!("{n}a")), new(format!("{n}b"))])
        })
        .collect();
    admit(&*store, &journal).await;
    let of_items = store.items(submission_id(1), first(1)).await.unwrap().next.unwrap();
    let of_day = store.reports_of_day(lab("lab-a"), DAY, first(1)).await.unwrap().next.unwrap();
    let of_person = store.reports_of_person(PersonKey([1; 16]), first(1)).await.unwrap().next.unwrap();
    let of_held = store.held(Reason::NoPhone, first(1)).await.unwrap().next.unwrap();
    let query = SubmissionQuery { lab: lab("lab-a"), day: DAY, control_id: None, file_name: None };
    let of_uploads = store.submissions(query.clone(), first(1)).await.unwrap().next.unwrap();
    let all = [of_items, of_day, of_person, of_held, of_uploads];
    let strange = ["", "?", "AAAA", &"A".repeat(34)].map(str::to_owned);
    for (index, cursor) in all.iter().chain(&strange).enumerate() {
        let page = || PageRequest { limit: 1, cursor: Some(cursor.clone()) };
        let answers = [
            store.items(submission_id(1), page()).await.map(drop),
            store.reports_of_day(lab("lab-a"), DAY, page()).await.map(drop),
            store.reports_of_person(PersonKey([1; 16]), page()).await.map(drop),
            store.held(Reason::NoPhone, page()).await.map(drop),
            store.submissions(query.clone(), page()).await.map(drop),
        ];
        for (list, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.is_ok(), list == index, "cursor {index}, list {list}");
            assert!(list == index || matches!(answer, Err(StoreError::BadCursor)));
        }
    }
    let elsewhere = PageRequest { limit: 1, cursor: Some(all[1].clone()) };
    let answer = store.reports_of_day(lab("lab-a"), DAY.checked_add(1.day()).unwrap(), elsewhere).await;
    assert!(matches!(answer, Err(StoreError::BadCursor)), "the same list of another day is another list");
}
