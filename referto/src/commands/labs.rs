//! `referto labs`: laboratories and their keys; works beside a running `run`.

use access::AccessError;
use serde_json::json;
use store::Store;

use super::{print, runtime};
use crate::{
    cli::{Common, DONE, Failure, Labs},
    clock,
    failpoint::Failpoint,
    folder::Folder,
    settings::Settings,
    system,
};

pub(super) fn run(common: &Common, settings: &Settings, command: Labs) -> Result<u8, Failure> {
    // Only adding may be the first thing that is done with a folder.
    let folder = match command {
        Labs::Add { .. } => Folder::open(&settings.data)?,
        Labs::List | Labs::Rotate { .. } | Labs::Revoke { .. } => Folder::existing(&settings.data)?,
    };
    let store = system::open_store(settings, &folder, &Failpoint::parse(None)?)?;
    runtime()?.block_on(execute(common, store.as_ref(), command))
}

async fn execute(common: &Common, store: &dyn Store, command: Labs) -> Result<u8, Failure> {
    let now = (clock::system())();
    match command {
        Labs::Add { id, name, facility, peer, certificate, zone, sandbox } => {
            let lab = access::NewLab {
                id: id.parse().map_err(|error: schemas::ids::InvalidId| Failure::usage(error))?,
                name,
                facilities: facility,
                peers: peer,
                certificates: certificate,
                zone: zone.parse().map_err(|error: access::lab::UnknownZone| Failure::usage(error))?,
                sandbox,
            };
            let (lab, key) = access::add(store, lab, now).await.map_err(failure)?;
            show_key(common, lab.id.as_str(), key.reveal())
        }
        Labs::Rotate { id, grace } => {
            let grace = (grace > 0).then(|| jiff::SignedDuration::from_hours(i64::from(grace)));
            let key = access::rotate(store, &lab_id(&id)?, grace, now).await.map_err(failure)?;
            show_key(common, &id, key.reveal())
        }
        Labs::Revoke { id } => {
            access::revoke(store, &lab_id(&id)?, now).await.map_err(failure)?;
            if common.json {
                print(&format!("{}\n", json!({"lab": id, "revoked": true})))?;
            }
            eprintln!("{id}: its keys stop within 10 s");
            Ok(DONE)
        }
        Labs::List => {
            let labs = access::list(store).await?;
            if common.json {
                let labs: Vec<_> = labs.iter().map(|lab| entry(lab, now)).collect();
                print(&format!("{}\n", json!({ "labs": labs })))?;
            } else {
                for lab in &labs {
                    let keys = lab.keys.iter().filter(|key| key.is_live(now)).count();
                    let sandbox = if lab.sandbox { "  sandbox" } else { "" };
                    print(&format!("{}  {}  {}  {keys} live keys{sandbox}\n", lab.id, lab.name, lab.zone))?;
                }
            }
            Ok(DONE)
        }
    }
}

/// A laboratory without its keys' digests.
fn entry(lab: &access::Lab, now: jiff::Timestamp) -> serde_json::Value {
    json!({
        "id": lab.id,
        "name": lab.name,
        "zone": lab.zone.name(),
        "sandbox": lab.sandbox,
        "facilities": lab.facilities,
        "peers": lab.peers,
        "certificates": lab.certificates,
        "createdAt": lab.created_at,
        "liveKeys": lab.keys.iter().filter(|key| key.is_live(now)).count(),
    })
}

fn lab_id(text: &str) -> Result<schemas::LabId, Failure> {
    text.parse().map_err(|error: schemas::ids::InvalidId| Failure::usage(error))
}

/// What was asked for cannot be, or the store cannot be reached.
fn failure(error: AccessError) -> Failure {
    match error {
        AccessError::Exists(_) | AccessError::Unknown(_) | AccessError::Invalid(_) => Failure::usage(error),
        _ => error.into(),
    }
}

/// The key stands alone on stdout: `KEY=$(referto labs add …)`.
fn show_key(common: &Common, lab: &str, key: &str) -> Result<u8, Failure> {
    if common.json {
        print(&format!("{}\n", json!({"lab": lab, "key": key})))?;
    } else {
        eprintln!("{lab}: this key is shown once; it is in force within 10 s");
        print(&format!("{key}\n"))?;
    }
    Ok(DONE)
}
