//! What the manifests say of each other: selectors, ports, targets, and the files that settings name.

use std::collections::BTreeSet;

use serde_json::Value;
use xtask::deployment::processes;

use crate::kubernetes::{of_kind, workloads};

/// Whether every label that `selector` asks for is on `labels`.
fn selects(selector: &Value, labels: &Value) -> bool {
    let asked = selector.as_object().unwrap();
    !asked.is_empty() && asked.iter().all(|(name, value)| labels[name] == *value)
}

/// The deployments whose pods have the labels.
fn selected(selector: &Value) -> Vec<Value> {
    of_kind("Deployment")
        .into_iter()
        .filter(|d| selects(selector, &d["spec"]["template"]["metadata"]["labels"]))
        .collect()
}

fn named<'a>(objects: &'a [Value], name: &Value) -> &'a Value {
    objects.iter().find(|object| object["metadata"]["name"] == *name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn every_selector_finds_the_pods_of_its_own_deployment_alone() {
    for kind in ["Deployment", "Service", "PodDisruptionBudget"] {
        for object in of_kind(kind) {
            let selector = if kind == "Service" {
                &object["spec"]["selector"]
            } else {
                &object["spec"]["selector"]["matchLabels"]
            };
            let found = selected(selector);
            assert_eq!(found.len(), 1, "{kind} {}", object["metadata"]["name"]);
            assert_eq!(found[0]["metadata"]["name"], object["metadata"]["name"]);
        }
    }
    for deployment in of_kind("Deployment") {
        let template = &deployment["spec"]["template"];
        let spread = template["spec"]["topologySpreadConstraints"].as_array().unwrap();
        assert!(spread.iter().all(|s| selects(&s["labelSelector"]["matchLabels"], &template["metadata"]["labels"])));
        let name = &deployment["metadata"]["name"];
        assert!(
            of_kind("PodDisruptionBudget").iter().any(|budget| budget["metadata"]["name"] == *name),
            "{name} has no budget"
        );
    }
}

#[test]
fn services_and_policies_name_ports_that_pods_have() {
    let ports = |deployment: &Value| -> BTreeSet<String> {
        let ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"].as_array().unwrap();
        ports.iter().map(|port| port["name"].as_str().unwrap().to_owned()).collect()
    };
    for service in of_kind("Service") {
        let deployment = selected(&service["spec"]["selector"]).remove(0);
        for port in service["spec"]["ports"].as_array().unwrap() {
            assert!(
                ports(&deployment).contains(port["targetPort"].as_str().unwrap()),
                "{}",
                service["metadata"]["name"]
            );
        }
    }
    let all: BTreeSet<String> = of_kind("Deployment").iter().flat_map(ports).collect();
    for policy in of_kind("NetworkPolicy") {
        for rule in policy["spec"]["ingress"].as_array().into_iter().flatten() {
            let open = rule["ports"].as_array().expect("a rule without ports opens all of them");
            assert!(open.iter().all(|port| port["port"].as_str().is_some_and(|name| all.contains(name))));
            assert!(rule["from"][0].is_object(), "a rule without a source lets everybody in");
        }
    }
}

#[test]
fn what_is_not_allowed_is_denied_and_the_servers_are_reached() {
    let policies = of_kind("NetworkPolicy");
    let denied = &named(&policies, &"deny-all".into())["spec"];
    assert_eq!(denied["podSelector"], serde_json::json!({}));
    assert_eq!(denied["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
    assert!(denied["ingress"].is_null() && denied["egress"].is_null());
    let out = named(&policies, &"servers".into())["spec"]["egress"].as_array().unwrap().clone();
    let open: BTreeSet<String> =
        out.iter().flat_map(|rule| rule["ports"].as_array().unwrap()).map(|port| port["port"].to_string()).collect();
    assert!(open.contains("53") && out.iter().all(|rule| rule["to"][0].is_object()));
    for process in processes().unwrap().into_iter().filter(|process| process.name.starts_with("kubernetes")) {
        for setting in ["REFERTO_KAFKA__BROKERS", "REFERTO_SCYLLA__NODES"] {
            for server in process.variables[setting].split(',') {
                assert!(open.contains(server.rsplit(':').next().unwrap()), "{server} is not reached");
            }
        }
    }
}

#[test]
fn autoscalers_have_a_target_that_leaves_the_number_to_them() {
    let (deployments, budgets) = (of_kind("Deployment"), of_kind("PodDisruptionBudget"));
    for scaler in of_kind("HorizontalPodAutoscaler") {
        let (name, spec) = (&scaler["metadata"]["name"], &scaler["spec"]);
        let target = named(&deployments, &spec["scaleTargetRef"]["name"]);
        assert_eq!(spec["scaleTargetRef"]["kind"], "Deployment");
        assert!(target["spec"]["replicas"].is_null(), "{name}: every apply would undo the autoscaler");
        let least = spec["minReplicas"].as_u64().unwrap();
        assert!(least >= 2 && least < spec["maxReplicas"].as_u64().unwrap(), "{name}");
        let budget = named(&budgets, name)["spec"]["minAvailable"].as_u64().unwrap_or(0);
        assert!(budget < least, "{name}: no node could be drained");
    }
    let workers =
        of_kind("HorizontalPodAutoscaler").into_iter().find(|s| s["metadata"]["name"] == "referto-workers").unwrap();
    let partitions =
        processes().unwrap().into_iter().find_map(|p| p.variables.get("REFERTO_KAFKA__PARTITIONS").cloned());
    let most = workers["spec"]["maxReplicas"].as_u64().unwrap();
    assert!(most <= partitions.unwrap().parse().unwrap(), "a partition has one reader");
    let metric = &workers["spec"]["metrics"][0]["external"]["metric"];
    assert!(crate::metrics::declared().contains_key(metric["name"].as_str().unwrap()));
}

/// A setting whose value is a path names a file that a volume brings.
#[test]
fn every_file_that_a_setting_names_is_mounted() {
    let (maps, secrets) = (of_kind("ConfigMap"), of_kind("Secret"));
    for workload in workloads() {
        let pod = &workload["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let volumes = pod["volumes"].as_array().unwrap();
        let mut files = BTreeSet::new();
        for mount in container["volumeMounts"].as_array().unwrap() {
            let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).expect("mounts a volume");
            let keys = match (&volume["secret"]["secretName"], &volume["configMap"]["name"]) {
                (Value::Null, Value::Null) => continue,
                (Value::Null, map) => &named(&maps, map)["data"],
                (secret, _) => &named(&secrets, secret)["stringData"],
            };
            assert_eq!(mount["readOnly"], true);
            let folder = mount["mountPath"].as_str().unwrap();
            files.extend(keys.as_object().unwrap().keys().map(|key| format!("{folder}/{key}")));
        }
        let settings = &named(&maps, &container["envFrom"][0]["configMapRef"]["name"])["data"];
        let values = settings.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
        for (name, value) in values.filter(|(_, value)| value.starts_with('/')) {
            assert!(files.contains(value), "{}: {name} = {value} is not there", workload["metadata"]["name"]);
        }
        let client = secrets[0]["stringData"]["kafka_client"].as_str().unwrap();
        let authority = client.lines().find_map(|line| line.strip_prefix("ssl.ca.location=")).unwrap();
        assert!(files.contains(authority), "{authority}");
    }
}

#[test]
fn the_route_sends_uploads_to_the_doors_and_questions_to_status() {
    let route = of_kind("HTTPRoute").remove(0);
    let services = of_kind("Service");
    let mut ways = Vec::new();
    for rule in route["spec"]["rules"].as_array().unwrap() {
        let backend = &rule["backendRefs"][0];
        let port = &named(&services, &backend["name"])["spec"]["ports"][0]["port"];
        assert_eq!(backend["port"], *port);
        for to in rule["matches"].as_array().unwrap() {
            let method = to["method"].as_str().unwrap_or("any");
            ways.push(format!(
                "{method} {} {}",
                to["path"]["value"].as_str().unwrap(),
                backend["name"].as_str().unwrap()
            ));
        }
    }
    assert_eq!(
        ways,
        [
            "POST /v1/reports referto-ingest",
            "any /hl7 referto-ingest",
            "any /v1 referto-status",
            "any /status referto-status",
            "any /docs referto-status",
        ]
    );
}
