//! What the `labs` command does: adds laboratories, gives them keys, takes keys back.

use std::{net::IpAddr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use schemas::LabId;
use store::{Store, StoreError};

use crate::{IssuedKey, Key, Lab, Zone};

/// How often a change is tried again when another one came between.
const ATTEMPTS: usize = 8;

/// Why a laboratory was not changed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A laboratory of this id is there.
    #[error("a lab '{0}' exists already; 'rotate' gives it a new key")]
    Exists(LabId),
    /// There is no laboratory of this id.
    #[error("there is no lab '{0}'")]
    Unknown(LabId),
    /// What was asked for makes no sense; the text says how to mend it.
    #[error("{0}")]
    Invalid(String),
    /// The stored document cannot be read.
    #[error("the document of lab '{0}' cannot be read")]
    Unreadable(LabId, #[source] serde_json::Error),
    /// Other changes kept coming between: try again.
    #[error("the lab '{0}' is being changed by someone else; try again")]
    Contended(LabId),
    /// The store did not answer.
    #[error("the labs cannot be reached")]
    Store(#[from] StoreError),
    /// The operating system gave no randomness for a key.
    #[error("no randomness for a key")]
    Random(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// A laboratory to add.
#[derive(Debug, Clone)]
pub struct NewLab {
    /// Its name in this installation.
    pub id: LabId,
    /// Its name for people.
    pub name: String,
    /// The zone of its times without an offset.
    pub zone: Zone,
    /// True where it only rehearses.
    pub sandbox: bool,
    /// As [`Lab::facilities`].
    pub facilities: Vec<String>,
    /// As [`Lab::peers`].
    pub peers: Vec<String>,
    /// As [`Lab::certificates`].
    pub certificates: Vec<String>,
}

/// Adds a laboratory with its first key; durable when it returns. The key is nowhere else.
///
/// # Errors
/// [`AccessError::Exists`], [`AccessError::Invalid`], [`AccessError::Store`].
pub async fn add(store: &dyn Store, new: NewLab, now: Timestamp) -> Result<(Lab, IssuedKey), AccessError> {
    if new.name.trim().is_empty() {
        return Err(AccessError::Invalid("a lab needs a name".into()));
    }
    if let Some(peer) = new.peers.iter().find(|peer| !is_network(peer)) {
        return Err(AccessError::Invalid(format!("'{peer}' is no network: write 10.1.2.0/24 or 10.1.2.3")));
    }
    let (key, kept) = issue(new.sandbox, now)?;
    let lab = Lab {
        id: new.id,
        name: new.name,
        zone: new.zone,
        sandbox: new.sandbox,
        facilities: new.facilities,
        peers: new.peers,
        certificates: new.certificates,
        created_at: now,
        keys: vec![kept],
    };
    if store.put_lab(lab.id.clone(), None, document(&lab)?).await? {
        Ok((lab, key))
    } else {
        Err(AccessError::Exists(lab.id))
    }
}

/// Gives a laboratory a new key. Its live keys stop at once, or after `grace` where one is given.
///
/// # Errors
/// [`AccessError::Unknown`], [`AccessError::Invalid`] for a grace that is negative or out of range,
/// [`AccessError::Contended`], [`AccessError::Store`].
pub async fn rotate(
    store: &dyn Store,
    id: &LabId,
    grace: Option<SignedDuration>,
    now: Timestamp,
) -> Result<IssuedKey, AccessError> {
    let expires_at = match grace {
        None => None,
        Some(grace) if grace.is_negative() => return Err(AccessError::Invalid("a grace is not negative".into())),
        Some(grace) => {
            Some(now.checked_add(grace).map_err(|_| AccessError::Invalid("the grace is out of range".into()))?)
        }
    };
    change(store, id, |lab| {
        let (key, kept) = issue(lab.sandbox, now)?;
        for old in lab.keys.iter_mut().filter(|key| key.is_live(now)) {
            match expires_at {
                None => old.revoked_at = Some(now),
                // A grace that runs already is not made longer by the next one.
                Some(end) => old.expires_at = Some(old.expires_at.map_or(end, |running| running.min(end))),
            }
        }
        lab.keys.push(kept);
        Ok(key)
    })
    .await
}

/// Revokes every live key of a laboratory; returns how many.
///
/// # Errors
/// [`AccessError::Unknown`], [`AccessError::Contended`], [`AccessError::Store`].
pub async fn revoke(store: &dyn Store, id: &LabId, now: Timestamp) -> Result<usize, AccessError> {
    change(store, id, |lab| {
        let mut revoked = 0;
        for key in lab.keys.iter_mut().filter(|key| key.is_live(now)) {
            key.revoked_at = Some(now);
            revoked += 1;
        }
        Ok(revoked)
    })
    .await
}

/// Every laboratory, by id.
///
/// # Errors
/// [`AccessError::Unreadable`], [`AccessError::Store`].
pub async fn list(store: &dyn Store) -> Result<Vec<Lab>, AccessError> {
    let (_, documents) = store.labs().await?;
    let mut labs = documents.into_iter().map(|(id, text)| read(id, &text)).collect::<Result<Vec<_>, _>>()?;
    labs.sort_by(|one, two| one.id.cmp(&two.id));
    Ok(labs)
}

/// Reads, edits and writes a document; begins again where another change came between.
async fn change<T>(
    store: &dyn Store,
    id: &LabId,
    mut edit: impl FnMut(&mut Lab) -> Result<T, AccessError>,
) -> Result<T, AccessError> {
    for _ in 0..ATTEMPTS {
        let (_, documents) = store.labs().await?;
        let Some((_, before)) = documents.into_iter().find(|(have, _)| have == id) else {
            return Err(AccessError::Unknown(id.clone()));
        };
        let mut lab = read(id.clone(), &before)?;
        let answer = edit(&mut lab)?;
        if store.put_lab(id.clone(), Some(before), document(&lab)?).await? {
            return Ok(answer);
        }
    }
    Err(AccessError::Contended(id.clone()))
}

fn issue(sandbox: bool, now: Timestamp) -> Result<(IssuedKey, Key), AccessError> {
    let key = IssuedKey::make(sandbox).map_err(|error| AccessError::Random(Arc::new(error)))?;
    let kept =
        Key { id: key.id().to_owned(), hash: key.hash().to_hex(), created_at: now, revoked_at: None, expires_at: None };
    Ok((key, kept))
}

fn read(id: LabId, text: &str) -> Result<Lab, AccessError> {
    serde_json::from_str(text).map_err(|error| AccessError::Unreadable(id, error))
}

fn document(lab: &Lab) -> Result<String, AccessError> {
    serde_json::to_string(lab).map_err(|error| AccessError::Unreadable(lab.id.clone(), error))
}

/// True for an address, alone or with the length of a prefix.
fn is_network(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|length| length <= bits))
}

#[cfg(test)]
mod tests {
    use super::is_network;

    #[test]
    fn a_peer_is_an_address_or_a_network() {
        for good in ["10.1.2.3", "10.1.2.0/24", "2001:db8::/32"] {
            assert!(is_network(good), "{good}");
        }
        for bad in ["", "lab.example", "10.1.2.0/33", "10.1.2.0/", "2001:db8::/129"] {
            assert!(!is_network(bad), "{bad}");
        }
    }
}
