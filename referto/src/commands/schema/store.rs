//! The store's part: the tables on a server, or the file.

use anyhow::Context as _;

use super::Done;
use crate::{
    folder::Folder,
    settings::{Origin, Settings, StoreKind, Values},
};

/// Which keyspace a demo uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum DemoKeyspace {
    /// One that was named, or no server's at all: it stays.
    Given,
    /// One of its own, which goes with it.
    Fresh,
}

/// Gives a demo a keyspace of its own and one copy, where nobody says otherwise.
pub(in crate::commands) fn for_demo(values: &mut Values) -> anyhow::Result<DemoKeyspace> {
    if values.text("store") != "scylla" {
        return Ok(DemoKeyspace::Given);
    }
    let is_default = |values: &Values, name| matches!(values.get_named(name).1, Origin::Default);
    if is_default(values, "scylla.replication") {
        values.set("scylla.replication", "1".to_owned(), Origin::Flag)?;
    }
    if !is_default(values, "scylla.keyspace") {
        return Ok(DemoKeyspace::Given);
    }
    let name = format!("referto_demo_{:08x}", getrandom::u32().context("no randomness")?);
    values.set("scylla.keyspace", name, Origin::Flag)?;
    Ok(DemoKeyspace::Fresh)
}

/// The statements for a server, the one that the settings name where `server` does not; none for a file.
pub(super) fn text(store: &StoreKind, server: Option<&str>) -> anyhow::Result<String> {
    match store {
        StoreKind::Embedded => {
            let _ = server;
            Ok(String::new())
        }
        #[cfg(feature = "scylla")]
        StoreKind::Scylla(options) => {
            use ::store::scylla::{detect, schema, server::Server};
            let server = match server.and_then(|name| name.split_once('-')) {
                Some(("cassandra", version)) => Server::of(None, version.to_owned()),
                Some((_, version)) => Server::of(Some(version.to_owned()), String::new()),
                None => crate::commands::runtime()?.block_on(detect(options))?,
            };
            Ok(schema::text(&server, &options.layout))
        }
    }
}

/// Makes the store, or brings it to what this release needs. A file is opened as `run` does, which may be beside it.
pub(super) fn apply(settings: &Settings, done: &mut Done) -> anyhow::Result<()> {
    match &settings.store {
        StoreKind::Embedded => {
            let path = Folder::open(&settings.data)?.path("store.db");
            let opened = ::store::embedded::EmbeddedStore::open(::store::embedded::Options::at(&path));
            let created = opened.context("cannot open the store")?.created;
            done.field("store", "embedded");
            done.field("created", created);
            done.line(&format!("{} {}", path.display(), told(created)));
        }
        #[cfg(feature = "scylla")]
        StoreKind::Scylla(options) => {
            use ::store::scylla::{apply, schema::VERSION};
            let applied = crate::commands::runtime()?.block_on(apply(options))?;
            let (server, keyspace) = (applied.server.to_string(), &options.layout.keyspace);
            done.line(&format!("{server}: keyspace {keyspace}, schema {VERSION} {}", told(applied.created)));
            done.field("store", "scylla");
            done.field("server", server);
            done.field("keyspace", keyspace.clone());
            done.field("version", VERSION);
            done.field("created", applied.created);
        }
    }
    Ok(())
}

/// Whether something was made now.
pub(super) fn told(created: bool) -> &'static str {
    if created { "made" } else { "there" }
}

/// Makes the schema of a store on a server.
pub(in crate::commands) async fn make(store: &StoreKind) -> anyhow::Result<()> {
    match store {
        StoreKind::Embedded => {}
        #[cfg(feature = "scylla")]
        StoreKind::Scylla(options) => {
            ::store::scylla::apply(options).await.context("cannot make the schema")?;
        }
    }
    Ok(())
}

/// Removes the schema of a store on a server, with all that is in it.
pub(in crate::commands) async fn discard(store: &StoreKind) -> anyhow::Result<()> {
    match store {
        StoreKind::Embedded => {}
        #[cfg(feature = "scylla")]
        StoreKind::Scylla(options) => {
            ::store::scylla::discard(options).await.context("cannot remove the demo's keyspace")?;
        }
    }
    Ok(())
}
