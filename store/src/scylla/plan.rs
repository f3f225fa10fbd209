//! What of a batch is to be stored, beside what is stored: decided in memory, from reads alone.

use std::collections::HashMap;

use jiff::Timestamp;
use schemas::{Identity, ItemPlace, Outcome, Position, SubmissionId, Version};

use super::{reading, rows::whole_micros, session::Db};
use crate::{AdmitItem, AdmitRecord, NewVersion, StoreError, Submission, Verdict};

/// Items of a partition of `items`.
pub(super) const BUCKET: u32 = 1_000;

/// An item to write: not stored yet, or stored as refused or dead and accepted now.
pub(super) struct NewItem<'a> {
    pub(super) submission: SubmissionId,
    pub(super) item: &'a AdmitItem,
    pub(super) position: Position,
    /// When its record was received.
    pub(super) received_at: Timestamp,
    /// Where it was accepted: the report, by its number in the plan, and the version as judged.
    pub(super) accepted: Option<(usize, Version)>,
}

impl NewItem<'_> {
    /// What became of an item that was not accepted.
    pub(super) fn refused(&self) -> Outcome {
        match self.item.verdict {
            Verdict::DeadLetter => Outcome::DeadLetter,
            Verdict::Refused | Verdict::Accepted(_) => Outcome::Refused,
        }
    }
}

/// A version to write, if it is not there.
pub(super) struct PlannedVersion<'a> {
    pub(super) new: &'a NewVersion,
    pub(super) version: Version,
    pub(super) submission: &'a Submission,
}

/// What a batch stores.
pub(super) struct Plan<'a> {
    /// The least offset of the batch: everything before it was stored whole by the batches before.
    pub(super) first_offset: u64,
    /// When the batch's latest record was received.
    pub(super) received_at: Timestamp,
    /// Reports touched, in the order of first touch.
    pub(super) reports: Vec<Identity>,
    pub(super) versions: Vec<PlannedVersion<'a>>,
    /// By submission and index.
    pub(super) items: Vec<NewItem<'a>>,
    /// Uploads that no record before this one's named, with that record's position.
    pub(super) submissions: Vec<(Position, &'a Submission)>,
}

/// What is known of an item: stored, or so far in the batch.
enum Known {
    Accepted(Identity),
    /// Refused or dead; where it is the batch's own, its number among the new items.
    Refused(Option<usize>),
}

impl<'a> Plan<'a> {
    pub(super) async fn of(db: &Db, records: &'a [AdmitRecord]) -> Result<Self, StoreError> {
        let mut stored = stored_items(db, records).await?;
        let mut plan = Self {
            first_offset: records.iter().map(|record| record.position.offset).min().unwrap_or(0),
            received_at: records.iter().map(|record| record.submission.received_at).max().unwrap_or_default(),
            reports: Vec::new(),
            versions: Vec::new(),
            items: Vec::new(),
            submissions: new_submissions(db, records).await?,
        };
        let (mut numbers, mut carried) = (HashMap::new(), HashMap::new());
        for record in records {
            for item in &record.items {
                let key = (record.submission.id, item.index);
                match (stored.get(&key), &item.verdict) {
                    (Some(Known::Accepted(identity)), _) => {
                        plan.touch(&mut numbers, identity);
                    }
                    (known, Verdict::Accepted(new)) => {
                        let slot = if let Some(Known::Refused(slot)) = known { *slot } else { None };
                        let report = plan.touch(&mut numbers, &new.identity);
                        let version = Version {
                            first_place: ItemPlace { position: record.position, item: item.index },
                            stated_issue: new.version.stated_issue.map(whole_micros),
                            received_at: whole_micros(new.version.received_at),
                            ..new.version.clone()
                        };
                        // Of the batch's own repeats only the first is written: they would share a timestamp.
                        carried.entry((report, version.digest, version.stated_issue)).or_insert_with(|| {
                            let (version, submission) = (version.clone(), &record.submission);
                            plan.versions.push(PlannedVersion { new, version, submission });
                        });
                        plan.put(slot, record, item, Some((report, version)));
                        stored.insert(key, Known::Accepted(new.identity.clone()));
                    }
                    (Some(Known::Refused(_)), _) => {}
                    (None, _) => {
                        let slot = plan.put(None, record, item, None);
                        stored.insert(key, Known::Refused(Some(slot)));
                    }
                }
            }
        }
        Ok(plan)
    }

    fn touch(&mut self, numbers: &mut HashMap<Identity, usize>, identity: &Identity) -> usize {
        if let Some(number) = numbers.get(identity) {
            return *number;
        }
        self.reports.push(identity.clone());
        numbers.insert(identity.clone(), self.reports.len() - 1);
        self.reports.len() - 1
    }

    fn put(
        &mut self,
        slot: Option<usize>,
        record: &'a AdmitRecord,
        item: &'a AdmitItem,
        accepted: Option<(usize, Version)>,
    ) -> usize {
        let AdmitRecord { position, submission, .. } = record;
        let (position, received_at) = (*position, submission.received_at);
        let new = NewItem { submission: submission.id, item, position, received_at, accepted };
        match slot {
            Some(slot) => {
                self.items[slot] = new;
                slot
            }
            None => {
                self.items.push(new);
                self.items.len() - 1
            }
        }
    }
}

impl NewItem<'_> {
    /// Where it stands.
    pub(super) fn place(&self) -> ItemPlace {
        ItemPlace { position: self.position, item: self.item.index }
    }
}

/// What is stored of the batch's items: a slice of each partition that they are in.
async fn stored_items(db: &Db, records: &[AdmitRecord]) -> Result<HashMap<(SubmissionId, u32), Known>, StoreError> {
    let mut slices: HashMap<(SubmissionId, u32), (u32, u32)> = HashMap::new();
    for record in records {
        for item in &record.items {
            let slice = slices.entry((record.submission.id, item.index / BUCKET)).or_insert((item.index, item.index));
            *slice = (slice.0.min(item.index), slice.1.max(item.index));
        }
    }
    let read = |((submission, _), (first, last)): ((SubmissionId, u32), (u32, u32))| async move {
        let items = reading::slice(db, submission, first, last).await?;
        Ok(items.into_iter().map(move |item| {
            let known = match item.version {
                Some((identity, _)) => Known::Accepted(identity),
                None => Known::Refused(None),
            };
            ((submission, item.index), known)
        }))
    };
    Ok(db.each(slices, read).await?.into_iter().flatten().collect())
}

/// The uploads that this batch is the first to name, or names in the same record as before.
async fn new_submissions<'a>(
    db: &Db,
    records: &'a [AdmitRecord],
) -> Result<Vec<(Position, &'a Submission)>, StoreError> {
    let mut firsts: Vec<(Position, &Submission)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for record in records {
        if seen.insert(record.submission.id) {
            firsts.push((record.position, &record.submission));
        }
    }
    let read = |(position, submission): (Position, &'a Submission)| async move {
        let stored = reading::submission_row(db, submission.id).await?;
        let is_first = stored.is_none_or(|stored| stored.first.offset >= position.offset);
        Ok(is_first.then_some((position, submission)))
    };
    Ok(db.each(firsts, read).await?.into_iter().flatten().collect())
}
