//! What the deployment files have this program started with: arguments it takes, settings it knows, values it reads.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;
use xtask::deployment::{self, Process};

fn referto(arguments: &[&str], process: &Process) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_referto"));
    command.args(arguments).env_clear().envs(&process.variables).output().unwrap()
}

/// Its environment as this machine can have it: secrets in files, roles as settings.
fn here(mut process: Process, secrets: &Value, folder: &std::path::Path) -> Process {
    for (name, value) in &mut process.variables {
        if name.ends_with("_FILE") {
            let secret = value.rsplit('/').next().unwrap();
            let content = secrets[secret].as_str().unwrap_or_else(|| panic!("{name}: the example has no {secret}"));
            let file = folder.join(secret);
            fs::write(&file, content).unwrap();
            *value = file.display().to_string();
        }
    }
    if let Some(role) = process.arguments.iter().position(|argument| argument == "--role") {
        process.variables.insert("REFERTO_ROLE".to_owned(), process.arguments[role + 1].clone());
    }
    if !cfg!(feature = "scylla-tls") {
        // The image's build has TLS; this one would refuse what asks for it. The name is looked at below.
        process.variables.remove("REFERTO_SCYLLA__TLS_CA");
    }
    process
}

#[test]
fn every_setting_is_known_and_its_value_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let example = deployment::documents("deploy/kubernetes/11-secret.example.yaml").unwrap().remove(0);
    let processes = deployment::processes().unwrap();
    // The image, five services of Compose, a job and three deployments.
    assert_eq!(processes.len(), 10, "{processes:?}");
    let plain = Process { variables: [].into(), ..processes[0].clone() };
    let known: Value = serde_json::from_slice(&referto(&["config", "--json"], &plain).stdout).unwrap();
    let known: Vec<_> = known["settings"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    for process in processes {
        for variable in process.variables.keys() {
            let name = variable.strip_prefix("REFERTO_").expect("ours").to_lowercase().replace("__", ".");
            let name = name.strip_suffix("_file").unwrap_or(&name);
            assert!(known.contains(&name), "{}: {variable} is no setting", process.name);
        }
        let process = here(process, &example["stringData"], folder.path());
        let output = referto(&["config"], &process);
        let refused = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {refused}", process.name);
    }
}

#[test]
fn every_command_line_is_one() {
    for process in deployment::processes().unwrap() {
        // Help is given once what stands before it was understood.
        let arguments: Vec<_> = process.arguments.iter().map(String::as_str).chain(["--help"]).collect();
        let plain = Process { variables: [].into(), ..process.clone() };
        let output = referto(&arguments, &plain);
        let text = String::from_utf8_lossy(&output.stdout);
        let command = process.arguments.iter().take_while(|argument| !argument.starts_with('-'));
        let usage = command.fold("Usage: referto".to_owned(), |usage, word| usage + " " + word);
        assert!(output.status.success() && text.contains(&usage), "{}: {:?}\n{text}", process.name, process.arguments);
    }
}

#[test]
fn every_role_has_the_servers_and_the_key() {
    for process in deployment::processes().unwrap() {
        let set = |name: &str| process.variables.get(name).map(String::as_str);
        if process.name == "the image" {
            // As it comes it runs whole, on files of its own.
            assert_eq!(set("REFERTO_JOURNAL"), None);
            continue;
        }
        assert_eq!((set("REFERTO_JOURNAL"), set("REFERTO_STORE")), (Some("kafka"), Some("scylla")), "{}", process.name);
        assert_eq!(set("REFERTO_KAFKA__DURABILITY"), Some("replicated"), "{}", process.name);
        // Every process names uploads and persons with the same key.
        assert!(set("REFERTO_SECRET_KEY_FILE").is_some(), "{}", process.name);
    }
}
