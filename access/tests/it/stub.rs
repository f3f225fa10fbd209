//! A store that holds laboratories alone, and can be down.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use access::{NewLab, Zone};
use jiff::{Timestamp, civil::Date};
use schemas::{
    LabId, Position, SubmissionId,
    version::{PersonKey, PhoneKey, Reason},
};
use store::{
    Answer, Batch, HeldCount, Judge, Page, PageRequest, Place, Settled, Store, StoreError, StoredItem, StoredReport,
    SubmissionQuery, SubmissionState, Touched,
};
use tokio::sync::watch;

/// Labs in memory; `down` makes every call fail, `races` makes so many conditional writes lose.
#[derive(Default)]
pub(crate) struct Labs {
    documents: Mutex<BTreeMap<LabId, String>>,
    revision: AtomicU64,
    pub(crate) down: AtomicBool,
    pub(crate) races: AtomicU64,
}

fn down<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable(Arc::new(std::io::Error::other("down"))))
}

fn no_part<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(async { down() })
}

impl Store for Labs {
    fn labs(&self) -> Answer<'_, (u64, Vec<(LabId, String)>)> {
        Box::pin(async {
            if self.down.load(Ordering::SeqCst) {
                return down();
            }
            let documents = self.documents.lock().unwrap().clone().into_iter().collect();
            Ok((self.revision.load(Ordering::SeqCst), documents))
        })
    }

    fn put_lab(&self, lab: LabId, expected: Option<String>, document: String) -> Answer<'_, bool> {
        Box::pin(async move {
            let mut documents = self.documents.lock().unwrap();
            let lost = self.races.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if lost || documents.get(&lab) != expected.as_ref() {
                return Ok(false);
            }
            documents.insert(lab, document);
            self.revision.fetch_add(1, Ordering::SeqCst);
            Ok(true)
        })
    }

    fn admit(&self, _: Batch, _: Arc<dyn Judge>) -> Answer<'_, Vec<Touched>> {
        no_part()
    }
    fn settle(&self, _: Settled) -> Answer<'_, ()> {
        no_part()
    }
    fn sync(&self) -> Answer<'_, Vec<Place>> {
        no_part()
    }
    fn places(&self) -> Answer<'_, Vec<Place>> {
        no_part()
    }
    fn fence(&self, _: Vec<Position>) -> Answer<'_, ()> {
        no_part()
    }
    fn fences(&self) -> Answer<'_, Vec<Position>> {
        no_part()
    }
    fn submission(&self, _: SubmissionId) -> Answer<'_, Option<SubmissionState>> {
        no_part()
    }
    fn items(&self, _: SubmissionId, _: PageRequest) -> Answer<'_, Page<StoredItem>> {
        no_part()
    }
    fn submissions(&self, _: SubmissionQuery, _: PageRequest) -> Answer<'_, Page<SubmissionState>> {
        no_part()
    }
    fn reports(&self, _: LabId, _: String) -> Answer<'_, Vec<StoredReport>> {
        no_part()
    }
    fn reports_of_day(&self, _: LabId, _: Date, _: PageRequest) -> Answer<'_, Page<StoredReport>> {
        no_part()
    }
    fn reports_of_person(&self, _: PersonKey, _: PageRequest) -> Answer<'_, Page<StoredReport>> {
        no_part()
    }
    fn persons_of_phone(&self, _: PhoneKey) -> Answer<'_, Vec<PersonKey>> {
        no_part()
    }
    fn held(&self, _: Reason, _: PageRequest) -> Answer<'_, Page<StoredReport>> {
        no_part()
    }
    fn held_counts(&self) -> Answer<'_, Vec<HeldCount>> {
        no_part()
    }
    fn admitted(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}

/// An instant of these tests' clock.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A laboratory to add.
pub(crate) fn new_lab(id: &str) -> NewLab {
    NewLab {
        id: id.parse().unwrap(),
        name: "Laboratory of Rho".into(),
        zone: "Europe/Rome".parse::<Zone>().unwrap(),
        sandbox: false,
        facilities: vec!["RHO".into()],
        peers: vec!["10.1.2.0/24".into()],
        certificates: Vec::new(),
    }
}
