//! The deployment files as values, and what they have referto started with.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::Context as _;
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// How the images of referto itself begin.
const IMAGE: &str = "referto:";

/// A file by its path in the repository.
#[must_use]
pub fn path(file: &str) -> PathBuf {
    PathBuf::from(ROOT).join(file)
}

/// A file's text.
///
/// # Errors
/// Where it cannot be read.
pub fn text(file: &str) -> anyhow::Result<String> {
    fs::read_to_string(path(file)).with_context(|| format!("cannot read {file}"))
}

/// The documents of a YAML file; a key that stands twice is an error.
///
/// # Errors
/// Where it cannot be read, or is not YAML.
pub fn documents(file: &str) -> anyhow::Result<Vec<Value>> {
    serde_saphyr::from_multiple(&text(file)?).map_err(|error| anyhow::anyhow!("{file}: {error}"))
}

/// Every object of `deploy/kubernetes`, with its file.
///
/// # Errors
/// Where one cannot be read.
pub fn kubernetes() -> anyhow::Result<Vec<(String, Value)>> {
    let mut names: Vec<String> = fs::read_dir(path("deploy/kubernetes"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<_>>()?;
    names.sort();
    let mut objects = Vec::new();
    for name in names {
        let file = format!("deploy/kubernetes/{name}");
        objects.extend(documents(&file)?.into_iter().map(|object| (file.clone(), object)));
    }
    Ok(objects)
}

/// `deploy/compose.yaml`, its anchors and merges resolved.
///
/// # Errors
/// Where it cannot be read.
pub fn compose() -> anyhow::Result<Value> {
    documents("deploy/compose.yaml")?.into_iter().next().context("no document")
}

/// A process of referto that a deployment starts.
#[derive(Debug, Clone)]
pub struct Process {
    /// Which one, for messages.
    pub name: String,
    /// Its environment, the image's included.
    pub variables: BTreeMap<String, String>,
    /// What follows the program's name.
    pub arguments: Vec<String>,
}

/// Every process of referto, in the image, in Compose and in Kubernetes.
///
/// # Errors
/// Where a file cannot be read or names what is not there.
pub fn processes() -> anyhow::Result<Vec<Process>> {
    let image = image()?;
    let mut found = vec![image.clone()];
    for (name, service) in compose()?["services"].as_object().context("no services")? {
        if service["image"].as_str().is_some_and(|name| name.starts_with(IMAGE)) {
            let mut process = Process { name: format!("compose {name}"), ..image.clone() };
            process.take(&service["environment"]);
            process.start_with(&service["command"]);
            found.push(process);
        }
    }
    let objects = kubernetes()?;
    for (_, object) in &objects {
        for container in object["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten() {
            if !container["image"].as_str().is_some_and(|name| name.starts_with(IMAGE)) {
                continue;
            }
            let mut process = Process { name: format!("kubernetes {}", object["metadata"]["name"]), ..image.clone() };
            for source in container["envFrom"].as_array().into_iter().flatten() {
                let map = &source["configMapRef"]["name"];
                let data = objects.iter().find(|(_, o)| o["kind"] == "ConfigMap" && o["metadata"]["name"] == *map);
                process.take(&data.with_context(|| format!("no config map {map}"))?.1["data"]);
            }
            for variable in container["env"].as_array().into_iter().flatten() {
                if let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
                    process.variables.insert(name.to_owned(), value.to_owned());
                }
            }
            process.start_with(&container["args"]);
            found.push(process);
        }
    }
    Ok(found)
}

/// The image as it is started without anything said.
fn image() -> anyhow::Result<Process> {
    let mut process =
        Process { name: "the image".to_owned(), variables: BTreeMap::new(), arguments: vec!["run".to_owned()] };
    let text = text("deploy/Dockerfile")?.replace("\\\n", " ");
    let (_, last_stage) = text.rsplit_once("\nFROM ").context("no stages")?;
    for line in last_stage.lines() {
        let pairs = line.strip_prefix("ENV ").into_iter().flat_map(str::split_whitespace);
        process.variables.extend(pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        }));
    }
    Ok(process)
}

impl Process {
    fn take(&mut self, variables: &Value) {
        for (name, value) in variables.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.variables.insert(name.clone(), value);
        }
    }

    fn start_with(&mut self, arguments: &Value) {
        if let Some(arguments) = arguments.as_array() {
            self.arguments = arguments.iter().map(|a| a.as_str().unwrap_or_default().to_owned()).collect();
        }
    }
}
