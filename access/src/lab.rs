//! A laboratory as the store keeps it: one JSON document, keys as hashes.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, tz::TimeZone};
use schemas::LabId;
use serde::{Deserialize, Serialize};

/// A laboratory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lab {
    /// Its name in this installation.
    pub id: LabId,
    /// Its name for people.
    pub name: String,
    /// The zone of its times without an offset.
    pub zone: Zone,
    /// True where it only rehearses: its uploads are stored and can never notify anyone.
    #[serde(default)]
    pub sandbox: bool,
    /// Sending facilities (MSH-4) that its messages may come from; empty: not compared.
    #[serde(default)]
    pub facilities: Vec<String>,
    /// Networks (`10.1.2.0/24`) or addresses that its MLLP connections come from.
    #[serde(default)]
    pub peers: Vec<String>,
    /// Subject alternative names of its client certificates.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Every key it was ever given, oldest first.
    #[serde(default)]
    pub keys: Vec<Key>,
}

/// What is kept of a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// The id in its text.
    pub id: String,
    /// SHA-256 of the whole text, 64 hexadecimal digits.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked: it opens nothing since then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Timestamp>,
    /// From when on it opens nothing, where it was replaced with a grace.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}

impl Key {
    /// True where it opens the door at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A zone of the IANA database, known to exist.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// A name that is no zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no time zone of the IANA database, e.g. Europe/Rome")]
pub struct UnknownZone(String);

impl Zone {
    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The zone itself.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        match TimeZone::get(name) {
            Ok(zone) if zone.iana_name().is_some() => Ok(Self(zone)),
            _ => Err(UnknownZone(name.to_owned())),
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;
    fn try_from(name: String) -> Result<Self, UnknownZone> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_what_an_older_one_lacked_reads_and_a_zone_must_exist() {
        let text = r#"{"id":"rho","name":"Rho","zone":"Europe/Rome","createdAt":"2020-10-20T00:00:00Z"}"#;
        let lab: Lab = serde_json::from_str(text).unwrap();
        assert_eq!((lab.zone.name(), lab.sandbox, lab.keys.len()), ("Europe/Rome", false, 0));
        assert!(serde_json::from_str::<Lab>(&text.replace("Rome", "Atlantis")).is_err());
    }

    #[test]
    fn a_key_opens_until_it_is_revoked_or_its_grace_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let key = |revoked_at, expires_at| Key {
            id: "k".into(),
            hash: String::new(),
            created_at: at(0),
            revoked_at,
            expires_at,
        };
        assert!(key(None, None).is_live(at(9)));
        assert!(key(None, Some(at(10))).is_live(at(9)));
        assert!(!key(None, Some(at(10))).is_live(at(10)));
        assert!(!key(Some(at(1)), None).is_live(at(9)));
    }
}
