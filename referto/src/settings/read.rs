//! Reading settings from the file, the environment and flags, and refusing what nobody declared.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use anyhow::Context as _;

use super::{KEYS, Key};

/// Variables with the prefix that are no settings.
const NOT_SETTINGS: &[&str] = &["REFERTO_KEY", "REFERTO_TEST_CASSANDRA", "REFERTO_TEST_XTASK"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => f.write_str(path),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// The value of every declared key, as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(BTreeMap<&'static str, (String, Origin)>);

impl Values {
    /// The value in force and where it came from.
    pub(crate) fn get(&self, key: &Key) -> (&str, Origin) {
        self.0.get(key.name).map_or((key.default, Origin::Default), |(value, origin)| (value, origin.clone()))
    }

    /// The value of a declared key and where it came from.
    pub(crate) fn get_named(&self, name: &str) -> (&str, Origin) {
        KEYS.iter().find(|key| key.name == name).map_or(("", Origin::Default), |key| self.get(key))
    }

    /// The value of a declared key.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get_named(name).0
    }

    /// The value of a declared key in its type.
    pub(crate) fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        name: &str,
    ) -> anyhow::Result<T> {
        let text = self.text(name);
        text.trim().parse().with_context(|| format!("{name} = {text:?}"))
    }

    /// Sets a value; later wins.
    pub(crate) fn set(&mut self, name: &str, value: String, origin: Origin) -> anyhow::Result<()> {
        let key = KEYS.iter().find(|key| key.name == name).ok_or_else(|| unknown(name, &origin))?;
        self.0.insert(key.name, (value, origin));
        Ok(())
    }
}

fn unknown(name: &str, origin: &Origin) -> anyhow::Error {
    let near = |key: &Key| strsim::jaro_winkler(key.name, name);
    let nearest = KEYS.iter().max_by(|a, b| near(a).total_cmp(&near(b))).filter(|key| near(key) > 0.7);
    match nearest {
        Some(key) => anyhow::anyhow!("{origin}: no setting is called {name:?}; the nearest is {:?}", key.name),
        None => anyhow::anyhow!("{origin}: no setting is called {name:?}; 'referto config' lists them all"),
    }
}

/// Reads the file (must exist where it was asked for) and the environment.
pub(crate) fn read(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<Values> {
    let mut values = Values::default();
    let path = file.unwrap_or(Path::new("referto.toml"));
    match std::fs::read_to_string(path) {
        Ok(text) => read_file(&mut values, &text, &path.display().to_string())?,
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    for (name, value) in environment {
        read_variable(&mut values, &name, value)?;
    }
    Ok(values)
}

fn read_file(values: &mut Values, text: &str, path: &str) -> anyhow::Result<()> {
    let table: toml::Table = text.parse().with_context(|| format!("{path} is not TOML"))?;
    let mut left: Vec<(String, toml::Value)> = table.into_iter().collect();
    while let Some((name, value)) = left.pop() {
        let value = match value {
            toml::Value::Table(inner) => {
                left.extend(inner.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
                continue;
            }
            toml::Value::String(text) => text,
            toml::Value::Array(list) if name == "role" => {
                list.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            other => anyhow::bail!("{path}: {name} is a {}: write a text, a number or true", other.type_str()),
        };
        values.set(&name, value, Origin::File(path.to_owned()))?;
    }
    Ok(())
}

fn read_variable(values: &mut Values, variable: &str, value: String) -> anyhow::Result<()> {
    let Some(rest) = variable.strip_prefix("REFERTO_").filter(|_| !NOT_SETTINGS.contains(&variable)) else {
        return Ok(());
    };
    let name = rest.to_ascii_lowercase().replace("__", ".");
    let origin = Origin::Environment(variable.to_owned());
    let file = name.strip_suffix("_file").filter(|name| KEYS.iter().any(|key| key.secret && key.name == *name));
    match file {
        Some(secret) => {
            let text = std::fs::read_to_string(&value).with_context(|| format!("{variable}: cannot read {value}"))?;
            values.set(secret, text.trim().to_owned(), origin)
        }
        None => values.set(&name, value, origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn later_wins_file_then_environment() {
        let mut values = Values::default();
        read_file(&mut values, "http = \"127.0.0.1:1\"\n[limits]\nitems = 5\n", "f").unwrap();
        read_variable(&mut values, "REFERTO_LIMITS__ITEMS", "7".into()).unwrap();
        assert_eq!(values.text("http"), "127.0.0.1:1");
        assert_eq!(values.parse::<u32>("limits.items").unwrap(), 7);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name() {
        let mut values = Values::default();
        let error = read_file(&mut values, "htpp = 1", "referto.toml").unwrap_err().to_string();
        assert!(error.contains("\"htpp\"") && error.contains("\"http\""), "{error}");
        let error = read_variable(&mut values, "REFERTO_LIMITS__ITEM", "1".into()).unwrap_err().to_string();
        assert!(error.contains("limits.items"), "{error}");
    }

    #[test]
    fn the_key_of_a_laboratory_and_foreign_variables_are_no_settings() {
        let values = read(Some(Path::new("/dev/null")), variables(&[("REFERTO_KEY", "x"), ("HOME", "y")]).into_iter());
        assert!(values.is_ok());
    }
}
