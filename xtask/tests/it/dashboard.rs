//! The dashboard: every expression is one that Prometheus reads and the program feeds.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xtask::deployment::{compose, documents, path, text};

use crate::{metrics, prometheus::promtool};

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/dashboards/referto.json").unwrap()).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

/// Each expression with its panel's title.
fn expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in panels() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push((panel["title"].to_string(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    assert!(found.len() > 20);
    found
}

#[test]
fn every_expression_speaks_of_metrics_that_the_program_has() {
    let declared = metrics::declared();
    for (title, expression) in expressions() {
        assert_eq!(metrics::wrong(&expression, &declared), [""; 0], "{title}: {expression}");
    }
}

#[test]
fn every_metric_of_the_program_is_shown() {
    let shown: String = expressions().into_iter().map(|(_, expression)| expression + "\n").collect();
    for metric in metrics::declared().into_keys() {
        assert!(shown.contains(&metric), "{metric} stands in no panel");
    }
}

/// As recording rules, for the tool reads those.
#[test]
fn prometheus_reads_every_expression() {
    let rules: Vec<_> = expressions()
        .iter()
        .enumerate()
        .map(|(i, (_, expr))| json!({"record": format!("panel:{i}"), "expr": expr.replace("$__rate_interval", "5m")}))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    // JSON is YAML.
    let file = folder.path().join("panels.yml");
    std::fs::write(&file, json!({"groups": [{"name": "panels", "rules": rules}]}).to_string()).unwrap();
    promtool(&["check", "rules", &file.display().to_string()]);
}

#[test]
fn panels_have_a_place_and_an_id_of_their_own() {
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels() {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: another has its id");
        assert!(panel["type"] == "row" || panel["description"].is_string(), "{title} does not say what it shows");
        let cell = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for (x, y) in
            (cell("x")..cell("x") + cell("w")).flat_map(|x| (cell("y")..cell("y") + cell("h")).map(move |y| (x, y)))
        {
            assert!(x < 24 && cells.insert((x, y)), "{title} overlaps another");
        }
    }
}

#[test]
fn grafana_finds_the_dashboard_and_its_source() {
    let provided = documents("deploy/grafana/provisioning/dashboards/referto.yaml").unwrap().remove(0);
    let folder = provided["providers"][0]["options"]["path"].as_str().unwrap().to_owned();
    let volumes = compose().unwrap()["services"]["grafana"]["volumes"].clone();
    assert!(volumes.as_array().unwrap().contains(&json!(format!("./grafana/dashboards:{folder}:ro"))));
    assert!(path("deploy/grafana/dashboards/referto.json").exists());
    let sources = documents("deploy/grafana/provisioning/datasources/prometheus.yaml").unwrap().remove(0);
    let source = &sources["datasources"][0];
    assert_eq!(source["url"], "http://prometheus:9090");
    for panel in panels().iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], source["uid"]);
    }
}
