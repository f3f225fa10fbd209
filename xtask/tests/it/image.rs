//! The image: what it is built from, and how it runs.

use xtask::deployment::{path, processes, text};

/// An instruction's argument in the last stage.
pub(crate) fn instruction(name: &str) -> String {
    let text = text("deploy/Dockerfile").unwrap();
    let (_, last_stage) = text.rsplit_once("\nFROM ").unwrap();
    let line = last_stage.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// Every listening address of the image, by setting.
pub(crate) fn port(setting: &str) -> String {
    let image = processes().unwrap().remove(0);
    let (address, port) = image.variables[setting].rsplit_once(':').unwrap();
    assert_eq!(address, "0.0.0.0", "{setting}: loopback reaches nobody in a container");
    port.to_owned()
}

#[test]
fn it_runs_without_root_and_ends_with_a_drain() {
    let (user, group) = instruction("USER").split_once(':').map(|(u, g)| (u.to_owned(), g.to_owned())).unwrap();
    assert!(user.parse::<u32>().unwrap() >= 10_000 && group.parse::<u32>().unwrap() >= 10_000, "a number, not root's");
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
    assert!(instruction("ENTRYPOINT").starts_with("[\""), "no shell, which would keep the signal");
    assert_eq!(instruction("EXPOSE"), format!("{} {}", port("REFERTO_HTTP"), port("REFERTO_ADMIN")));
}

#[test]
fn its_bases_are_pinned_and_its_build_is_locked() {
    let text = text("deploy/Dockerfile").unwrap();
    for base in ["ARG BUILDER=", "ARG BASE="] {
        let name = text.lines().find_map(|line| line.strip_prefix(base)).unwrap();
        let tag = name.split_once(':').unwrap().1;
        assert!(tag.starts_with(|c: char| c.is_ascii_digit()), "{name} is another tomorrow");
    }
    let root = xtask::deployment::text("Cargo.toml").unwrap();
    let version = root.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(
        text.contains(&format!("ARG BUILDER=rust:{version}")),
        "built with another Rust than the workspace asks for"
    );
    assert!(text.contains("--locked --release --package referto --features kafka-tls,scylla-tls"));
}

#[test]
fn its_context_has_every_member_of_the_workspace() {
    let ignore = text(".dockerignore").unwrap();
    let lines: Vec<_> = ignore.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[0], "*", "a list of what is taken, so that secrets are not");
    let root = text("Cargo.toml").unwrap();
    let members = root.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.len() > 8);
    for taken in members.into_iter().chain(["Cargo.toml", "Cargo.lock", ".cargo"]) {
        assert!(path(taken).exists() && lines.contains(&format!("!{taken}").as_str()), "{taken} is not in the context");
    }
}
