//! The manifests: each object by Kubernetes' own types, without loss, and what Kubernetes would not refuse and should.

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, Namespace, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use xtask::deployment::{documents, kubernetes, text};

use crate::image;

/// What a drain takes at most, in seconds.
const DRAIN: u64 = 25;
/// How long readiness waits for a store that is mute, in seconds, with a second to spare.
const STORE_ANSWERS: u64 = 2;

/// All objects of a kind.
pub(crate) fn of_kind(kind: &str) -> Vec<Value> {
    let objects = kubernetes().unwrap().into_iter().map(|(_, object)| object);
    objects.filter(|object| object["kind"] == kind).collect()
}

/// Deployments and the job: what has pods.
pub(crate) fn workloads() -> Vec<Value> {
    [of_kind("Deployment"), of_kind("Job")].concat()
}

/// Reads it as a `T` and writes that: what is missing then is no field of a `T`, and would be ignored or refused.
fn lost<T: DeserializeOwned + Serialize>(object: &Value) -> Vec<String> {
    match serde_json::from_value::<T>(object.clone()) {
        Ok(typed) => {
            let mut lost = Vec::new();
            compare("", object, &serde_json::to_value(&typed).unwrap(), &mut lost);
            lost
        }
        Err(error) => vec![error.to_string()],
    }
}

fn compare(place: &str, written: &Value, kept: &Value, lost: &mut Vec<String>) {
    match (written, kept) {
        (Value::Object(written), Value::Object(kept)) => {
            for (name, value) in written {
                compare(&format!("{place}/{name}"), value, kept.get(name).unwrap_or(&Value::Null), lost);
            }
        }
        (Value::Array(written), Value::Array(kept)) if written.len() == kept.len() => {
            written.iter().zip(kept).enumerate().for_each(|(i, (w, k))| compare(&format!("{place}/{i}"), w, k, lost));
        }
        (written, kept) if written == kept && !written.is_null() => {}
        _ => lost.push(place.to_owned()),
    }
}

fn lost_of(object: &Value) -> Vec<String> {
    match (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()) {
        ("v1", "Namespace") => lost::<Namespace>(object),
        ("v1", "ConfigMap") => lost::<ConfigMap>(object),
        ("v1", "Secret") => lost::<Secret>(object),
        ("v1", "Service") => lost::<Service>(object),
        ("apps/v1", "Deployment") => lost::<Deployment>(object),
        ("batch/v1", "Job") => lost::<Job>(object),
        ("policy/v1", "PodDisruptionBudget") => lost::<PodDisruptionBudget>(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => lost::<HorizontalPodAutoscaler>(object),
        ("networking.k8s.io/v1", "NetworkPolicy") => lost::<NetworkPolicy>(object),
        // An extension, without a type here: `kubernetes_links` looks at what it names.
        ("gateway.networking.k8s.io/v1", "HTTPRoute") => vec![],
        (version, kind) => vec![format!("no type for {version} {kind}")],
    }
}

#[test]
fn every_object_is_one_of_kubernetes_without_loss() {
    let objects = kubernetes().unwrap();
    assert!(objects.len() > 15);
    for (file, object) in &objects {
        assert_eq!(lost_of(object), [""; 0], "{file} {}", object["metadata"]["name"]);
        let namespace = if object["kind"] == "Namespace" { "name" } else { "namespace" };
        assert_eq!(object["metadata"][namespace], "referto", "{file}");
    }
}

#[test]
fn a_field_that_kubernetes_does_not_have_is_seen() {
    let deployment = of_kind("Deployment").remove(0);
    let misspelt = deployment.to_string().replace("\"maxUnavailable\"", "\"maxUnavailble\"");
    assert_eq!(lost_of(&serde_json::from_str(&misspelt).unwrap()), ["/spec/strategy/rollingUpdate/maxUnavailble"]);
    let wrong_type = deployment.to_string().replace("\"containerPort\":8080", "\"containerPort\":\"8080\"");
    assert!(!lost_of(&serde_json::from_str(&wrong_type).unwrap()).is_empty());
}

#[test]
fn pods_have_no_rights_and_no_variables_they_did_not_ask_for() {
    let (user, group) = image::instruction("USER").split_once(':').map(|(u, g)| (u.to_owned(), g.to_owned())).unwrap();
    for workload in workloads() {
        let (name, pod) = (&workload["metadata"]["name"], &workload["spec"]["template"]["spec"]);
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        // REFERTO_STATUS_SERVICE_HOST and the like would be refused as unknown settings.
        assert_eq!(pod["enableServiceLinks"], false, "{name}");
        let security = &pod["securityContext"];
        assert_eq!(
            (&security["runAsNonRoot"], &security["seccompProfile"]["type"]),
            (&true.into(), &"RuntimeDefault".into())
        );
        assert_eq!(security["runAsUser"].to_string(), user);
        assert_eq!(
            (security["runAsGroup"].to_string(), security["fsGroup"].to_string()),
            (group.clone(), group.clone())
        );
        for container in pod["containers"].as_array().unwrap() {
            assert_eq!(container["image"], format!("referto:{}", env!("CARGO_PKG_VERSION")), "{name}");
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["capabilities"]["drop"][0], "ALL", "{name}");
            let resources = &container["resources"];
            assert!(resources["requests"]["cpu"].is_string() && resources["limits"]["memory"].is_string(), "{name}");
            assert!(resources["limits"]["cpu"].is_null(), "{name}: throttling would show as latency");
        }
    }
}

#[test]
fn a_pod_has_time_to_leave_and_a_drain_has_time_to_end() {
    for deployment in of_kind("Deployment") {
        let (name, pod) = (&deployment["metadata"]["name"], &deployment["spec"]["template"]["spec"]);
        let container = &pod["containers"][0];
        let asleep = &container["lifecycle"]["preStop"]["sleep"]["seconds"];
        let called = of_kind("Service").iter().any(|service| service["metadata"]["name"] == *name);
        assert_eq!(asleep.is_u64(), called, "{name}: who is called sleeps until nobody calls");
        let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(grace > asleep.as_u64().unwrap_or(0) + DRAIN, "{name} is killed in its drain");
        let update = &deployment["spec"]["strategy"]["rollingUpdate"];
        assert_eq!(update["maxUnavailable"], 0, "{name}");
    }
}

#[test]
fn probes_ask_what_the_program_answers() {
    let served = text("status/src/admin.rs").unwrap();
    for deployment in of_kind("Deployment") {
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let probe = |name: &str| &container[name]["httpGet"];
        for (name, path) in
            [("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready"), ("startupProbe", "/health/live")]
        {
            assert_eq!((&probe(name)["path"], &probe(name)["port"]), (&path.into(), &"admin".into()));
            assert!(served.contains(&format!("\"{path}\"")));
        }
        let patience = container["readinessProbe"]["timeoutSeconds"].as_u64().unwrap();
        assert!(patience > STORE_ANSWERS, "a store that hangs would take every pod away");
        for (port, setting) in [("http", "REFERTO_HTTP"), ("admin", "REFERTO_ADMIN")] {
            let ports = container["ports"].as_array().unwrap();
            let found = ports.iter().find(|found| found["name"] == port).unwrap();
            assert_eq!(found["containerPort"].to_string(), image::port(setting));
        }
        let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(annotations["prometheus.io/port"], image::port("REFERTO_ADMIN"));
    }
}

#[test]
fn the_example_is_the_only_secret_and_keeps_none() {
    let secrets = of_kind("Secret");
    let [secret] = secrets.as_slice() else { panic!("one") };
    assert_eq!(&documents("deploy/kubernetes/11-secret.example.yaml").unwrap()[0], secret);
    assert!(secret["stringData"]["secret_key"].as_str().unwrap().bytes().all(|digit| digit == b'0'));
}
