//! What the gate needs on the machine: installed where it can be, named where it cannot.

use std::process::{Command, Stdio};

use anyhow::bail;

/// A program and the Debian package that has it.
const PROGRAMS: &[(&str, &str)] = &[("cc", "build-essential"), ("java", "openjdk-17-jre-headless"), ("mvn", "maven")];

/// Meets the needs, or says which are not met and how.
pub(crate) fn meet() -> anyhow::Result<()> {
    for component in ["fmt", "clippy"] {
        let probe = Command::new("cargo").args([component, "--version"]).stdout(Stdio::null()).status();
        if !probe.is_ok_and(|status| status.success()) {
            bail!("cargo {component} is missing: rustup component add rustfmt clippy");
        }
    }
    for (program, package) in PROGRAMS {
        if runs(program) || (install(package) && runs(program)) {
            continue;
        }
        bail!("{program} is missing: on Debian, apt-get install {package}");
    }
    Ok(())
}

fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Works as root on Debian; elsewhere the caller names the package.
fn install(package: &str) -> bool {
    Command::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends", package])
        .status()
        .is_ok_and(|s| s.success())
}
