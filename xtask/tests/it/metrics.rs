//! Which metrics the program has, and which ones an expression speaks of.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use xtask::deployment::path;

/// Labels that a scrape adds, and a histogram's own.
const SCRAPED: [&str; 4] = ["job", "instance", "service", "le"];

/// The metrics that the code declares, each with the labels that the contract gives it.
pub(crate) fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let contract = fs::read_to_string(path("docs/contracts.md")).unwrap();
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path("")).unwrap() {
        // Metrics are declared in each crate's metrics.rs alone.
        let file = entry.unwrap().path().join("src/metrics.rs");
        let Ok(code) = fs::read_to_string(file) else { continue };
        for name in code.split('"').skip(1).step_by(2).filter(|text| is_ours(text)) {
            found.insert(name.to_owned(), labels(&contract, name));
        }
    }
    assert!(found.len() > 15, "the code's metrics were not found: {found:?}");
    found
}

fn is_ours(text: &str) -> bool {
    text.starts_with("referto_") && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// `name{a,b}` in the contract.
fn labels(contract: &str, name: &str) -> BTreeSet<String> {
    let braces = contract.split(&format!("`{name}{{")).nth(1).and_then(|rest| rest.split('}').next());
    braces.into_iter().flat_map(|labels| labels.split(',')).map(|label| label.trim().to_owned()).collect()
}

/// What is wrong with an expression's metrics and labels.
pub(crate) fn wrong(expression: &str, declared: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known: BTreeSet<&str> = SCRAPED.into();
    let mut ours = 0;
    for (name, selector) in words(expression).into_iter().filter(|(name, _)| name.starts_with("referto_")) {
        ours += 1;
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let base = base.filter(|base| base.ends_with("_duration_seconds")).unwrap_or(name);
        let Some(labels) = declared.get(base).filter(|_| base != name || !name.ends_with("_duration_seconds")) else {
            wrong.push(format!("no metric {name}"));
            continue;
        };
        known.extend(labels.iter().map(String::as_str));
        for label in selected(selector).filter(|label| !labels.contains(*label) && !SCRAPED.contains(label)) {
            wrong.push(format!("{name} has no label {label}"));
        }
    }
    if ours == 0 && !words(expression).iter().any(|(name, _)| *name == "up") {
        wrong.push("speaks of nothing of ours".to_owned());
    }
    for by in expression.split("by (").skip(1) {
        for label in by.split(')').next().unwrap_or_default().split(',').map(str::trim) {
            if !known.contains(label) {
                wrong.push(format!("by {label}, which none of its metrics has"));
            }
        }
    }
    wrong
}

/// Each identifier with the selector that follows it.
fn words(expression: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut rest = expression;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_lowercase()) {
        let word = &rest[begin..];
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
        let after = &word[end..];
        let selector = after.strip_prefix('{').and_then(|inner| inner.split('}').next()).unwrap_or_default();
        words.push((&word[..end], selector));
        rest = after;
    }
    words
}

fn selected(selector: &str) -> impl Iterator<Item = &str> {
    // A value's commas stand between quotes.
    let outside = selector.split('"').step_by(2);
    outside
        .flat_map(|part| part.split(','))
        .map(|part| part.trim_matches(['=', '!', '~', ' ']))
        .filter(|l| !l.is_empty())
}

#[test]
fn a_metric_or_label_that_is_not_there_is_seen() {
    let declared = declared();
    let wrong = |expression| wrong(expression, &declared);
    for good in [
        "max(referto_lag_seconds{topic=\"uploads\"}) > 120",
        "sum by (le) (rate(referto_journal_append_duration_seconds_bucket{le=~\"5|5[.]0\"}[5m]))",
        "sum(rate(referto_http_requests_total{route=~\"/v1/reports|/hl7\", code!=\"503\"}[1h]))",
        "up{job=\"referto\"} == 0",
    ] {
        assert!(wrong(good).is_empty(), "{good}: {:?}", wrong(good));
    }
    for bad in [
        "referto_messages_uncertain > 0",
        "referto_lag_seconds_bucket",
        "referto_journal_append_duration_seconds > 1",
        "referto_lag_seconds{lab=\"x\"}",
        "sum by (lab) (referto_lag_seconds)",
        "node_load1 > 5",
    ] {
        assert!(!wrong(bad).is_empty(), "{bad}");
    }
}
