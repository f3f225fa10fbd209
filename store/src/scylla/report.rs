//! One report: its partition read, and what follows from it.

use schemas::{Digest, Identity, ItemPlace, Position, Version, version::Reasons};

use super::{
    rows::{FactRow, ReadVersion},
    session::Db,
};
use crate::{Judge, Notice, Standing, StoreError, StoredReport};

/// A report as its rows tell, by first place.
pub(super) struct Report {
    pub(super) identity: Identity,
    pub(super) versions: Vec<ReadVersion>,
    pub(super) emitted: Option<Digest>,
}

/// The facts of a report, without contents.
pub(super) async fn facts(db: &Db, identity: &Identity) -> Result<Report, StoreError> {
    Report::of(identity, db.rows(&db.statements.read.facts, key(identity)).await?)
}

/// A report with its contents.
pub(super) async fn whole(db: &Db, identity: &Identity) -> Result<Report, StoreError> {
    Report::of(identity, db.rows(&db.statements.read.contents, key(identity)).await?)
}

/// A report's partition key.
pub(super) fn key(identity: &Identity) -> (&str, &str, &str) {
    (identity.lab.as_str(), &identity.number, &identity.test)
}

impl Report {
    fn of(identity: &Identity, rows: Vec<FactRow>) -> Result<Self, StoreError> {
        let emitted = rows.first().map(FactRow::emitted).transpose()?.flatten();
        let mut versions =
            rows.into_iter().filter_map(|row| row.version().transpose()).collect::<Result<Vec<_>, _>>()?;
        versions.sort_by_key(|read| read.stored.version.first_place);
        Ok(Self { identity: identity.clone(), versions, emitted })
    }

    /// The facts, by first place.
    pub(super) fn versions(&self) -> Vec<Version> {
        self.versions.iter().map(|read| read.stored.version.clone()).collect()
    }

    /// Where it first stood; none of a report that is not stored.
    pub(super) fn first(&self) -> Option<&ReadVersion> {
        self.versions.first()
    }

    pub(super) fn first_place(&self) -> Option<ItemPlace> {
        self.first().map(|read| read.stored.version.first_place)
    }

    /// Where it stands; none of a report that is not stored.
    pub(super) fn standing(&self, rules: &Rules<'_>) -> Option<Standing> {
        rules.standing(&self.versions(), self.emitted)
    }

    /// The reasons for which a version is held: only the current one is.
    pub(super) fn held(&self, rules: &Rules<'_>, digest: Digest) -> Reasons {
        match self.standing(rules) {
            Some(Standing { current, notice: Notice::Held(reasons), .. })
                if self.versions[current].stored.version.digest == digest =>
            {
                reasons
            }
            _ => Reasons::default(),
        }
    }

    /// As it is answered; none of a report that is not stored.
    pub(super) fn into_stored(self, rules: &Rules<'_>) -> Option<StoredReport> {
        let standing = self.standing(rules)?;
        let versions = self.versions.into_iter().map(|read| read.stored).collect();
        Some(StoredReport { identity: self.identity, standing, emitted: self.emitted, versions })
    }
}

/// What folds: the rules, and the fences of the moment.
pub(super) struct Rules<'a> {
    pub(super) judge: &'a dyn Judge,
    pub(super) fences: Vec<Position>,
}

impl Rules<'_> {
    /// Where a report with these versions stands; none of none.
    pub(super) fn standing(&self, versions: &[Version], emitted: Option<Digest>) -> Option<Standing> {
        let fenced = |place: ItemPlace| {
            let of = |fence: &&Position| fence.partition == place.position.partition;
            self.fences.iter().find(of).is_some_and(|fence| place.position.offset < fence.offset)
        };
        (!versions.is_empty()).then(|| {
            let standing = self.judge.standing(versions, &fenced, emitted);
            Standing { issued_at: super::rows::whole_micros(standing.issued_at), ..standing }
        })
    }
}
