//! Settings: `referto.toml`, then the environment, then flags; later wins.
//!
//! Every setting is declared once, in [`keys::KEYS`]; unknown keys are refused with the nearest name.

#[cfg(feature = "kafka")]
mod kafka;
mod keys;
mod read;
mod store;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use schemas::{Position, format::Limits};

pub(crate) use keys::{KEYS, Key};
pub(crate) use read::{Origin, Values, read};
pub(crate) use store::StoreKind;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) ingest: bool,
    pub(crate) workers: bool,
    pub(crate) status: bool,
}

/// Which journal, and how it is opened.
#[derive(Debug, Clone)]
pub(crate) enum JournalKind {
    Embedded,
    #[cfg(feature = "kafka")]
    Kafka(journal::kafka::Options),
}

impl JournalKind {
    /// The offset of a partition's very first record.
    pub(crate) fn begins(&self) -> u64 {
        match self {
            JournalKind::Embedded => 1,
            #[cfg(feature = "kafka")]
            JournalKind::Kafka(_) => 0,
        }
    }

    /// Whether it may not answer for a while, as servers do; a file answers or is broken.
    pub(crate) fn may_be_away(&self) -> bool {
        match self {
            JournalKind::Embedded => false,
            #[cfg(feature = "kafka")]
            JournalKind::Kafka(_) => true,
        }
    }
}

/// The settings in force.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) journal: JournalKind,
    pub(crate) store: StoreKind,
    pub(crate) data: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) roles: Roles,
    pub(crate) secret_key: Option<[u8; 32]>,
    pub(crate) limits: Limits,
    pub(crate) budget_bytes: usize,
    pub(crate) connections: usize,
    pub(crate) body_idle: Duration,
    pub(crate) body_total: Duration,
    pub(crate) disk_reserve_bytes: u64,
    pub(crate) uploads_kept: Duration,
    /// How long requests are still taken once it is told to leave.
    pub(crate) drain_grace: Duration,
    /// Losses of the journal that an operator knows of, a position a partition.
    pub(crate) lost_before: Vec<Position>,
    pub(crate) log: String,
    pub(crate) log_json: bool,
    pub(crate) abort_at: Option<String>,
}

impl Settings {
    /// Reads every key's value in its type.
    pub(crate) fn of(values: &Values) -> anyhow::Result<Self> {
        for key in ["limits.body_bytes", "limits.unit_bytes", "limits.items", "limits.depth", "limits.connections"] {
            anyhow::ensure!(values.parse::<u64>(key)? > 0, "{key} = 0: at least 1, or nothing could come in");
        }
        let uploads_kept = Duration::from_secs(values.parse::<u64>("retention.uploads_days")? * 86_400);
        let drain_grace = values.parse::<u64>("drain_grace_seconds")?;
        anyhow::ensure!(
            drain_grace <= 10,
            "drain_grace_seconds = {drain_grace}: at most 10, for all is over within 25 s"
        );
        let lost_before = values.text("journal_lost_before").split(',').map(str::trim).filter(|text| !text.is_empty());
        let lost_before = lost_before.map(str::parse).collect::<Result<_, _>>().context("journal_lost_before")?;
        Ok(Self {
            journal: journal(values, uploads_kept)?,
            store: store::store(values)?,
            data: values.text("data").into(),
            http: values.parse("http")?,
            admin: values.parse("admin")?,
            roles: roles(values.text("role"))?,
            secret_key: secret(values.text("secret_key"))?,
            limits: Limits {
                body_bytes: values.parse("limits.body_bytes")?,
                unit_bytes: values.parse("limits.unit_bytes")?,
                items: values.parse("limits.items")?,
                depth: values.parse("limits.depth")?,
            },
            budget_bytes: values.parse("limits.bytes_in_hand")?,
            connections: values.parse("limits.connections")?,
            body_idle: Duration::from_secs(values.parse("limits.body_idle_seconds")?),
            body_total: Duration::from_secs(values.parse("limits.body_total_seconds")?),
            disk_reserve_bytes: values.parse("disk_reserve_bytes")?,
            uploads_kept,
            drain_grace: Duration::from_secs(drain_grace),
            lost_before,
            log: values.text("log").to_owned(),
            log_json: values.parse("log_json")?,
            abort_at: Some(values.text("test.abort_at").to_owned()).filter(|point| !point.is_empty()),
        })
    }
}

fn journal(values: &Values, uploads_kept: Duration) -> anyhow::Result<JournalKind> {
    match values.text("journal") {
        "embedded" => Ok(JournalKind::Embedded),
        #[cfg(feature = "kafka")]
        "kafka" => Ok(JournalKind::Kafka(kafka::kafka(values, uploads_kept)?)),
        asked => {
            let _ = uploads_kept;
            let served = if cfg!(feature = "kafka") { "embedded or kafka" } else { "embedded alone" };
            anyhow::bail!("journal = {asked:?}: this build serves {served}")
        }
    }
}

fn roles(text: &str) -> anyhow::Result<Roles> {
    let mut roles = Roles { ingest: false, workers: false, status: false };
    for role in text.split(',').map(str::trim).filter(|role| !role.is_empty()) {
        match role {
            "all" => roles = Roles { ingest: true, workers: true, status: true },
            "ingest" => roles.ingest = true,
            "workers" => roles.workers = true,
            "status" => roles.status = true,
            _ => anyhow::bail!("role = {role:?}: expected all, or some of ingest, workers, status"),
        }
    }
    anyhow::ensure!(
        roles.ingest || roles.workers || roles.status,
        "role is empty: expected all, ingest, workers or status"
    );
    Ok(roles)
}

/// 64 hexadecimal digits.
fn secret(text: &str) -> anyhow::Result<Option<[u8; 32]>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.as_bytes();
    anyhow::ensure!(
        digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit),
        "secret_key: expected 32 bytes as 64 hexadecimal digits (openssl rand -hex 32)"
    );
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair)?, 16)?;
    }
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_whole() {
        let settings = Settings::of(&Values::default()).unwrap();
        assert_eq!(settings.http.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.limits, Limits::default());
        assert!(settings.secret_key.is_none());
    }

    #[test]
    fn roles_are_all_or_some() {
        assert_eq!(roles("ingest,status").unwrap(), Roles { ingest: true, workers: false, status: true });
        assert!(roles("").is_err() && roles("ingress").is_err());
    }

    #[test]
    fn a_secret_is_64_hexadecimal_digits() {
        assert_eq!(secret(&"0f".repeat(32)).unwrap(), Some([15; 32]));
        assert!(secret("0f").is_err() && secret(&"zz".repeat(32)).is_err());
    }
}
