//! `compose.yaml`: against the Compose specification's own schema, and what the schema cannot see.

use std::collections::BTreeSet;

use serde_json::Value;
use xtask::{
    deployment::{compose, path},
    python::Python,
};

use crate::image;

/// What a drain takes at most, in seconds.
const DRAIN: u64 = 25;

fn services() -> Vec<(String, Value)> {
    let compose = compose().unwrap();
    compose["services"].as_object().unwrap().iter().map(|(name, service)| (name.clone(), service.clone())).collect()
}

fn is_ours(service: &Value) -> bool {
    service["image"].as_str().unwrap().starts_with("referto:")
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(|item| item.as_str().unwrap())
}

#[test]
fn it_is_what_the_compose_specification_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.json");
    std::fs::write(&file, compose().unwrap().to_string()).unwrap();
    let python = Python::ready().unwrap();
    python
        .script("the Compose file, by the specification's schema", "compose.py", &[&file.display().to_string()])
        .run()
        .unwrap();
    // And the validator is one: a misspelt key is refused.
    let misspelt = compose().unwrap().to_string().replacen("\"restart\":", "\"restarts\":", 1);
    std::fs::write(&file, misspelt).unwrap();
    let refused = python.script("a misspelt Compose file", "compose.py", &[&file.display().to_string()]).run();
    assert!(refused.is_err());
}

#[test]
fn all_that_is_named_is_there() {
    let compose = compose().unwrap();
    let mut used: BTreeSet<(&str, String)> = BTreeSet::new();
    for (name, service) in services() {
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            let other = &compose["services"][other];
            match how["condition"].as_str().unwrap() {
                "service_healthy" => assert!(other["healthcheck"]["test"].is_array(), "{name} waits for no check"),
                "service_completed_successfully" => {
                    assert_ne!(other["restart"], "unless-stopped", "{name} waits for ever")
                }
                condition => panic!("{name}: {condition}"),
            }
        }
        used.extend(texts(&service["secrets"]).map(|secret| ("secrets", secret.to_owned())));
        used.extend(texts(&service["networks"]).map(|network| ("networks", network.to_owned())));
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            match source.strip_prefix("./") {
                Some(file) => assert!(path("deploy").join(file).exists(), "{name}: no {source}"),
                None => assert!(used.insert(("volumes", source.to_owned())), "two services have volume {source}"),
            }
        }
    }
    for kind in ["secrets", "networks", "volumes"] {
        let declared: BTreeSet<_> =
            compose[kind].as_object().unwrap().keys().map(|name| (kind, name.clone())).collect();
        let used: BTreeSet<_> = used.iter().filter(|(of, _)| *of == kind).cloned().collect();
        assert_eq!(used, declared);
    }
}

#[test]
fn images_have_a_version_and_processes_start_again() {
    for (name, service) in services() {
        let image = service["image"].as_str().unwrap();
        let (repository, tag) = image.split_once(':').unwrap_or_else(|| panic!("{name}: {image} is another tomorrow"));
        assert!(tag.contains(|c: char| c.is_ascii_digit()) && !repository.contains('.'), "{image}");
        assert!(service["restart"].is_string() && service["stop_grace_period"].is_string(), "{name}");
        assert!(service["mem_limit"].is_string(), "{name} may take the machine's memory");
        let options: Vec<_> = texts(&service["security_opt"]).collect();
        assert_eq!(options, ["no-new-privileges:true"], "{name}");
    }
}

#[test]
fn referto_runs_with_nothing_it_does_not_need_and_time_to_drain() {
    let mut roles = Vec::new();
    for (name, service) in services().into_iter().filter(|(_, service)| is_ours(service)) {
        assert_eq!(service["image"], format!("referto:{}", env!("CARGO_PKG_VERSION")));
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        let grace: u64 = service["stop_grace_period"].as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap();
        assert!(grace > DRAIN, "{name} is killed in its drain");
        let Some(role) = service["environment"]["REFERTO_ROLE"].as_str() else { continue };
        let replicas = service["scale"].as_u64().unwrap_or(1);
        roles.extend((0..replicas).map(|_| role.to_owned()));
        let volume = texts(&service["volumes"]).any(|volume| volume.ends_with(":/var/lib/referto"));
        let memory = texts(&service["tmpfs"]).find(|folder| folder.starts_with("/var/lib/referto:"));
        let owner = image::instruction("USER").replace(':', ",gid=");
        assert!(memory.is_none_or(|folder| folder.contains(&format!("uid={owner}"))), "{name} cannot write its folder");
        assert!(volume != memory.is_some(), "{name} has one data folder");
        assert!(!volume || replicas == 1, "{name}: a data folder has one owner");
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: a proxy that ends TLS stands before {port}");
            assert_eq!(port.rsplit(':').next().unwrap(), image::port("REFERTO_HTTP"));
        }
        assert_eq!(service["ports"].is_array(), role != "workers", "{name}");
    }
    roles.sort();
    assert_eq!(roles, ["ingest", "ingest", "status", "workers", "workers"]);
}

#[test]
fn brokers_and_nodes_are_three_and_replicate() {
    let services = services();
    let settings = &services.iter().find(|(name, _)| name == "ingest-1").unwrap().1["environment"];
    for (setting, kind, port) in
        [("REFERTO_KAFKA__BROKERS", "kafka-", "9092"), ("REFERTO_SCYLLA__NODES", "scylla-", "9042")]
    {
        let there: Vec<_> = services
            .iter()
            .filter(|(name, _)| name.starts_with(kind))
            .map(|(name, _)| format!("{name}:{port}"))
            .collect();
        assert_eq!(there.len(), 3);
        assert_eq!(settings[setting].as_str().unwrap(), there.join(","));
    }
    for (id, (name, broker)) in services.iter().filter(|(name, _)| name.starts_with("kafka-")).enumerate() {
        let own = &broker["environment"];
        assert_eq!(own["KAFKA_NODE_ID"], (id + 1).to_string());
        assert_eq!(own["KAFKA_ADVERTISED_LISTENERS"], format!("INSIDE://{name}:9092"));
        assert!(own["KAFKA_CONTROLLER_QUORUM_VOTERS"].as_str().unwrap().contains(&format!("{}@{name}:9093", id + 1)));
        assert_eq!(own["KAFKA_DEFAULT_REPLICATION_FACTOR"], "3");
        assert_eq!(own["KAFKA_MIN_INSYNC_REPLICAS"], "2");
        assert_eq!(own["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"], "false");
    }
}
