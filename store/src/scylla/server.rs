//! Which server answers, and its version: some of the schema is written differently for each.

use super::session::{Db, unavailable};
use crate::StoreError;

/// The two servers of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Apache Cassandra, 5.0 or later.
    Cassandra,
    /// ScyllaDB, 5.4 or later.
    ScyllaDb,
}

/// A server as it tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Which.
    pub flavour: Flavour,
    /// Its version's text, e.g. `5.0.9` or `2025.1.2`.
    pub version: String,
}

impl Server {
    /// Reads the two versions: ScyllaDB also has one of the Cassandra whose protocol it speaks (`3.0.8`).
    #[must_use]
    pub fn of(scylla: Option<String>, release: String) -> Self {
        match scylla {
            Some(version) => Self { flavour: Flavour::ScyllaDb, version },
            None => Self { flavour: Flavour::Cassandra, version: release },
        }
    }

    /// True where a keyspace may be kept on tablets, and must be told not to be for conditional writes: tables on
    /// tablets take none on most versions that have them.
    #[must_use]
    pub fn has_tablets(&self) -> bool {
        self.flavour == Flavour::ScyllaDb && self.number() >= (6, 0)
    }

    /// True where the schema's options are all known to it.
    #[must_use]
    pub fn is_served(&self) -> bool {
        match self.flavour {
            Flavour::Cassandra => self.number() >= (5, 0),
            Flavour::ScyllaDb => self.number() >= (5, 4),
        }
    }

    /// Major and minor; years are greater than every number before them.
    fn number(&self) -> (u32, u32) {
        let mut parts = self.version.split(['.', '-', '~']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.flavour {
            Flavour::Cassandra => "Apache Cassandra",
            Flavour::ScyllaDb => "ScyllaDB",
        };
        write!(f, "{name} {}", self.version)
    }
}

/// Asks the server. Only ScyllaDB has `system.versions`.
pub(super) async fn detect(session: &::scylla::client::session::Session) -> Result<Server, StoreError> {
    let release = Db::text(session, "SELECT release_version FROM system.local WHERE key = 'local'").await?;
    let scylla =
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system' AND table_name = 'versions'";
    let scylla = match Db::text(session, scylla).await? {
        Some(_) => Db::text(session, "SELECT version FROM system.versions WHERE key = 'local'").await?,
        None => None,
    };
    let release = release.ok_or_else(|| unavailable(NoVersion))?;
    Ok(Server::of(scylla, release))
}

#[derive(Debug, thiserror::Error)]
#[error("the server tells no version")]
struct NoVersion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_tell_the_server_and_what_it_knows() {
        let scylla = |version: &str| Server::of(Some(version.to_owned()), "3.0.8".to_owned());
        let cassandra = |version: &str| Server::of(None, version.to_owned());
        assert_eq!(cassandra("5.0.9").to_string(), "Apache Cassandra 5.0.9");
        assert_eq!(scylla("2025.1.2-0.20250422.d8d5f5d4b9d0").flavour, Flavour::ScyllaDb);
        let tablets =
            ["5.4.10", "6.0.4", "6.2.0~rc1", "2025.1.2-0.20250422"].map(|version| scylla(version).has_tablets());
        assert_eq!(tablets, [false, true, true, true]);
        assert!(!cassandra("5.0.9").has_tablets());
        let served = [cassandra("4.1.8"), cassandra("5.0-rc1"), scylla("5.2.0"), scylla("2024.1.3")];
        assert_eq!(served.map(|server| server.is_served()), [false, true, false, true]);
    }
}
