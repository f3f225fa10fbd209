//! Prometheus' configuration and alerts, by its own tool, and beside what the program exports.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;
use xtask::deployment::{compose, documents, path, text};

use crate::metrics;

/// Prometheus' tool, in `deploy/prometheus`. False where it is not there: the gate installs it.
pub(crate) fn promtool(arguments: &[&str]) -> bool {
    let command = || Command::new("promtool");
    if command().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("not run: no promtool (apt-get install prometheus)");
        return false;
    }
    let output = command().args(arguments).current_dir(path("deploy/prometheus")).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
    true
}

fn alerts() -> Vec<Value> {
    let rules = documents("deploy/prometheus/rules.yml").unwrap().remove(0);
    let groups = rules["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

#[test]
fn prometheus_reads_its_configuration_and_rules() {
    if promtool(&["check", "config", "prometheus.yml"]) {
        promtool(&["check", "rules", "rules.yml"]);
    }
}

#[test]
fn every_alert_fires_when_it_should_and_rests_when_all_is_well() {
    let trials = text("deploy/prometheus/rules_test.yml").unwrap();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        assert!(trials.contains(&format!("alertname=\"{name}\"")), "{name} is tried nowhere");
    }
    promtool(&["test", "rules", "rules_test.yml"]);
}

#[test]
fn alerts_speak_of_metrics_that_the_program_has() {
    let declared = metrics::declared();
    for alert in alerts() {
        let expression = alert["expr"].as_str().unwrap();
        assert_eq!(metrics::wrong(expression, &declared), [""; 0], "{}", alert["alert"]);
    }
}

#[test]
fn every_alert_says_what_is_wrong_in_two_languages_and_what_to_do() {
    let handbook = text("deploy/README.md").unwrap();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        for annotation in ["summary", "summary_it", "action"] {
            let said = alert["annotations"][annotation].as_str().unwrap_or_default();
            assert!(said.len() > 20, "{name} has no {annotation}");
        }
        let severity = alert["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("warning" | "critical")), "{name}: {severity:?}");
        assert!(handbook.contains(&format!("`{name}`")), "deploy/README.md does not tell of {name}");
    }
}

#[test]
fn what_is_scraped_is_what_compose_runs() {
    let configuration = documents("deploy/prometheus/prometheus.yml").unwrap().remove(0);
    let services = compose().unwrap()["services"].clone();
    let job = &configuration["scrape_configs"][0];
    assert_eq!(job["job_name"], "referto");
    let mut scraped: Vec<String> = Vec::new();
    for target in job["static_configs"].as_array().unwrap().iter().flat_map(|c| c["targets"].as_array().unwrap()) {
        let (name, port) = target.as_str().unwrap().split_once(':').unwrap();
        assert_eq!(port, "9464");
        scraped.push(name.to_owned());
    }
    for names in job["dns_sd_configs"].as_array().unwrap() {
        assert_eq!(names["port"], 9464);
        scraped.extend(names["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
    }
    let running =
        services.as_object().unwrap().iter().filter(|(_, service)| service["environment"]["REFERTO_ROLE"].is_string());
    let mut running: Vec<String> = running.map(|(name, _)| name.clone()).collect();
    scraped.sort();
    running.sort();
    assert_eq!(scraped, running);
    // The folder is mounted whole, so that the rules are beside the configuration.
    let mounted = services["prometheus"]["volumes"][0].as_str().unwrap();
    assert_eq!(mounted, "./prometheus:/etc/prometheus:ro");
    assert!(fs::exists(path("deploy/prometheus/rules.yml")).unwrap());
}
