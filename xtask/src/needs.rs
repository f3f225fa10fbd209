//! What the gate needs on the machine: installed where it can be, named where it cannot.

use std::process::{Command, Stdio};

use anyhow::bail;

/// A program, what it is asked to see whether it is there, and the Debian package that has it.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("cc", &["--version"], "build-essential"),
    ("make", &["--version"], "build-essential"),
    // `ensurepip` comes with the package, `venv` without it is there and does not work.
    ("python3", &["-c", "import ensurepip, venv"], "python3-venv"),
    // For the servers that tests run against.
    ("java", &["--version"], "openjdk-17-jre-headless"),
    ("mvn", &["--version"], "maven"),
    ("setpriv", &["--version"], "util-linux"),
    // Reads and tries the alerts. Debian has it with the server, 24 MB, which it starts where systemd runs.
    ("promtool", &["--version"], "prometheus"),
];

/// Meets the needs, or says which are not met and how.
pub(crate) fn meet() -> anyhow::Result<()> {
    for component in ["fmt", "clippy"] {
        let probe = Command::new("cargo").args([component, "--version"]).stdout(Stdio::null()).status();
        if !probe.is_ok_and(|status| status.success()) {
            bail!("cargo {component} is missing: rustup component add rustfmt clippy");
        }
    }
    for (program, arguments, package) in PROGRAMS {
        if runs(program, arguments) || (install(package) && runs(program, arguments)) {
            continue;
        }
        bail!("{program} is missing: on Debian, apt-get install {package}");
    }
    Ok(())
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
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
