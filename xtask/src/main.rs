//! `cargo xtask`: the project's one gate and its longer trials.
//!
//! * `cargo xtask test`: what must pass before anything lands: format, lints, documentation, every test, and the
//!   commands of the README. Ends with a line that counts the tests.
//! * `cargo xtask torture`: the crash and power-cut tests for longer, and the large demo.
//! * `cargo xtask kafka [HOW MANY]`: a broker to work against, until its end is asked for.
//! * `cargo xtask measure`: what referto costs beside its floors, in one run; see `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a program that reports what it runs")]

mod count;
mod needs;
mod readme;
mod step;

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use xtask::servers::{self, Folder, kafka::Broker};

use crate::{count::Counts, step::Step};

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let done = match asked.first().map(String::as_str) {
        Some("test") => test(),
        Some("torture") => torture(),
        Some("kafka") => kafka(asked.get(1).map(String::as_str)),
        Some("measure") => measure(&asked[1..]),
        _ => {
            eprintln!("cargo xtask test | torture | kafka | measure");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn test() -> anyhow::Result<()> {
    needs::meet()?;
    Step::cargo("format", &["fmt", "--all", "--check"]).run()?;
    Step::cargo("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]).run()?;
    Step::cargo("documentation", &["doc", "--workspace", "--no-deps", "--locked"])
        .variable("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    let folder = Folder::new()?;
    println!("== servers");
    let broker = Broker::start(folder.path())?;
    let tests = Step::cargo("tests", &["test", "--workspace", "--locked", "--no-fail-fast"])
        .variable(servers::kafka::VARIABLE, &broker.address());
    let (tests_passed, output) = tests.run_and_read()?;
    let mut counts = Counts::of(&output);
    counts.add(readme::demo()?.run().is_ok());
    println!("{counts}");
    if !tests_passed || !counts.all_passed() {
        bail!("some tests failed");
    }
    Ok(())
}

/// A broker for tests that are run by hand, or as many as are asked for, which replicate each other.
fn kafka(count: Option<&str>) -> anyhow::Result<()> {
    needs::meet()?;
    let count = count.unwrap_or("1").parse().context("cargo xtask kafka [HOW MANY BROKERS]")?;
    let folder = Folder::new()?;
    let brokers = Broker::cluster(folder.path(), count)?;
    let addresses: Vec<_> = brokers.iter().map(Broker::address).collect();
    println!("{}={}", servers::kafka::VARIABLE, addresses.join(","));
    println!("it runs until you press Enter");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn torture() -> anyhow::Result<()> {
    needs::meet()?;
    let tests = [
        "test",
        "--release",
        "--locked",
        "--package",
        "referto",
        "--test",
        "it",
        "--",
        "--nocapture",
        "crash",
        "power",
    ];
    Step::cargo("crashes and power cuts", &tests).variable("TORTURE_ROUNDS", "20").run()?;
    let demo = ["run", "--release", "--locked", "--", "demo", "--once", "--json", "--reports", "200000"];
    Step::cargo("the demo with 200,000 reports", &demo).run()
}

fn measure(arguments: &[String]) -> anyhow::Result<()> {
    Step::cargo("the binary", &["build", "--release", "--locked"]).run()?;
    let mut command = vec!["run", "--release", "--locked", "--package", "benches", "--"];
    command.extend(arguments.iter().map(String::as_str));
    Step::cargo("referto beside its floors", &command).run()
}
