//! `referto schema`: the tables of a store on a server. The embedded store makes its own.

use anyhow::Context as _;

use crate::{
    cli::{Common, Failure, Schema},
    settings::{Origin, Settings, StoreKind, Values},
};

/// Which keyspace a demo uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemoKeyspace {
    /// One that was named, or no server's at all: it stays.
    Given,
    /// One of its own, which goes with it.
    Fresh,
}

/// Gives a demo a keyspace of its own and one copy, where nobody says otherwise.
pub(super) fn for_demo(values: &mut Values) -> anyhow::Result<DemoKeyspace> {
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

#[cfg(feature = "scylla")]
mod server {
    use serde_json::json;
    use store::scylla::{self, schema, server::Server};

    use super::*;
    use crate::{
        cli::DONE,
        commands::{print, runtime},
    };

    pub(in crate::commands) fn run(common: &Common, settings: &Settings, command: &Schema) -> Result<u8, Failure> {
        let StoreKind::Scylla(options) = &settings.store else {
            return Err(Failure::usage(anyhow::anyhow!("store = \"embedded\": it makes its own tables")));
        };
        match command {
            Schema::Print { server } => {
                let server = match server.as_deref().and_then(|name| name.split_once('-')) {
                    Some(("cassandra", version)) => Server::of(None, version.to_owned()),
                    Some((_, version)) => Server::of(Some(version.to_owned()), String::new()),
                    None => runtime()?.block_on(scylla::detect(options))?,
                };
                print(&schema::text(&server, &options.layout))?;
            }
            Schema::Apply => {
                let applied = runtime()?.block_on(scylla::apply(options))?;
                let (server, version, keyspace) =
                    (applied.server.to_string(), schema::VERSION, &options.layout.keyspace);
                if common.json {
                    let line =
                        json!({"server": server, "keyspace": keyspace, "version": version, "created": applied.created});
                    print(&format!("{line}\n"))?;
                } else {
                    let done = if applied.created { "made" } else { "there" };
                    print(&format!("{server}: keyspace {keyspace}, schema {version} {done}\n"))?;
                }
            }
        }
        Ok(DONE)
    }

    /// Makes the schema of a store on a server.
    pub(in crate::commands) async fn make(store: &StoreKind) -> anyhow::Result<()> {
        if let StoreKind::Scylla(options) = store {
            scylla::apply(options).await.context("cannot make the schema")?;
        }
        Ok(())
    }

    /// Removes the schema of a store on a server, with all that is in it.
    pub(in crate::commands) async fn discard(store: &StoreKind) -> anyhow::Result<()> {
        if let StoreKind::Scylla(options) = store {
            scylla::discard(options).await.context("cannot remove the demo's keyspace")?;
        }
        Ok(())
    }
}

#[cfg(not(feature = "scylla"))]
mod server {
    use super::*;

    pub(in crate::commands) fn run(_: &Common, _: &Settings, _: &Schema) -> Result<u8, Failure> {
        Err(Failure::usage(anyhow::anyhow!("this build has no store on a server")))
    }

    pub(in crate::commands) async fn make(_: &StoreKind) -> anyhow::Result<()> {
        Ok(())
    }

    pub(in crate::commands) async fn discard(_: &StoreKind) -> anyhow::Result<()> {
        Ok(())
    }
}

pub(super) use server::{discard, make, run};
