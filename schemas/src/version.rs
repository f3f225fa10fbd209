//! What of a report decides, once it is stored: the facts of one version.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Digest, ItemPlace,
    report::{Status, TestResult},
};

/// What became of an item. Exclusive and exhaustive; 'before' means before the item's first place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The door's verdict.
    Refused,
    /// Accepted, and admission could not store it.
    DeadLetter,
    /// This version was there before, and the current one stays.
    Duplicate,
    /// Was not there before, and does not become current.
    Stale,
    /// Becomes current and is a retraction.
    Retracted,
    /// Becomes current in place of a final, corrected or retracted one.
    Corrected,
    /// Becomes current otherwise.
    New,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 7] = [
        Outcome::Refused,
        Outcome::DeadLetter,
        Outcome::Duplicate,
        Outcome::Stale,
        Outcome::Retracted,
        Outcome::Corrected,
        Outcome::New,
    ];

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Refused => "refused",
            Outcome::DeadLetter => "deadLetter",
            Outcome::Duplicate => "duplicate",
            Outcome::Stale => "stale",
            Outcome::Retracted => "retracted",
            Outcome::Corrected => "corrected",
            Outcome::New => "new",
        }
    }

    /// The outcome of a word of the contract.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// Why a due version waits for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Reason {
    /// No valid Italian code of the person.
    ToIdentify,
    /// No phone.
    NoPhone,
    /// A phone that cannot be.
    InvalidPhone,
    /// A result that no table knows.
    UnknownCode,
    /// Observations, or a code and its flag, that disagree.
    ResultConflict,
    /// A final whose result differs from an earlier final's or corrected one's.
    UnmarkedCorrection,
    /// Another person than the report's earlier versions.
    PersonChanged,
    /// Collected over 14 days before receipt.
    OldSpecimen,
    /// No collection date.
    NoSpecimenDate,
    /// Stood in the journal before the store was created or restored.
    BeforeRestore,
}

impl Reason {
    /// Every reason, in the order in which they are listed.
    pub const ALL: [Reason; 10] = [
        Reason::ToIdentify,
        Reason::NoPhone,
        Reason::InvalidPhone,
        Reason::UnknownCode,
        Reason::ResultConflict,
        Reason::UnmarkedCorrection,
        Reason::PersonChanged,
        Reason::OldSpecimen,
        Reason::NoSpecimenDate,
        Reason::BeforeRestore,
    ];

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ToIdentify => "to-identify",
            Reason::NoPhone => "no-phone",
            Reason::InvalidPhone => "invalid-phone",
            Reason::UnknownCode => "unknown-code",
            Reason::ResultConflict => "result-conflict",
            Reason::UnmarkedCorrection => "unmarked-correction",
            Reason::PersonChanged => "person-changed",
            Reason::OldSpecimen => "old-specimen",
            Reason::NoSpecimenDate => "no-specimen-date",
            Reason::BeforeRestore => "before-restore",
        }
    }

    /// The reason of a word of the contract.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A set of [`Reason`]s, stored as one number.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Reasons(pub u16);

impl Reasons {
    /// With one more.
    #[must_use]
    pub fn with(self, reason: Reason) -> Self {
        Self(self.0 | (1 << reason as u8))
    }

    /// Both sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True where the reason is in it.
    #[must_use]
    pub fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u8) != 0
    }

    /// True where nothing holds.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons, in the order of [`Reason::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }
}

impl std::fmt::Debug for Reasons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::default(), Self::with)
    }
}

/// A keyed digest that stands for a person: first 16 bytes of HMAC-SHA-256 under the installation's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PersonKey(pub [u8; 16]);

impl std::fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

/// A keyed digest that stands for a phone: first 16 bytes of HMAC-SHA-256 of its E.164 form under the installation's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneKey(pub [u8; 16]);

impl std::fmt::Debug for PhoneKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneKey(…)")
    }
}

/// Who a version is about, as far as keyed digests tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Person {
    /// Of the valid Italian code. Codes that differ only by omocodia are two people.
    pub by_code: Option<PersonKey>,
    /// Of folded surname, given name and birth date.
    pub by_name: Option<PersonKey>,
}

impl Person {
    /// The best that is known: by code, else by name.
    #[must_use]
    pub fn key(&self) -> Option<PersonKey> {
        self.by_code.or(self.by_name)
    }
}

/// The facts of one stored version that rules decide from. Immutable: the first record that carried it wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Digest of the content.
    pub digest: Digest,
    /// Issue time as stated; none where not stated, or over 10 minutes after receipt.
    pub stated_issue: Option<Timestamp>,
    /// When the record that first carried (digest, stated issue) was received.
    pub received_at: Timestamp,
    /// Where that record's item stands.
    pub first_place: ItemPlace,
    /// Status.
    pub status: Status,
    /// Result by the policy in force; none where observations conflict or there is nothing to read.
    pub result: Option<TestResult>,
    /// The person.
    pub person: Person,
    /// Reasons to hold that follow from this version alone.
    pub reasons: Reasons,
    /// True where the policy lists its test or one of its observations.
    pub listed: bool,
    /// True for a sandbox lab or a processing id other than P: never due, never released.
    pub rehearsal: bool,
}

/// Where a report stands with regard to telling the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Nothing to tell: not a listed test, not for real, or not yet final.
    NotDue,
    /// The current version is to be told.
    Due,
    /// The current version would be told, but for these.
    Held(Reasons),
}

/// The fold of a report's versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Index of the current version among those given.
    pub current: usize,
    /// Its issue time: as stated, else when its content was first received.
    pub issued_at: Timestamp,
    /// Whether it is to be told.
    pub notice: Notice,
}
