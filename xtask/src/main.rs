//! `cargo xtask`: the project's one gate and its longer trials.
//!
//! * `cargo xtask test`: what must pass before anything lands: format, lints, documentation, every test, and the
//!   commands of the README. Ends with a line that counts the tests.
//! * `cargo xtask torture`: the crash and power-cut tests for longer, and the large demo.
//! * `cargo xtask cassandra`: a node for the tests of one crate, for as long as stdin is open.
//! * `cargo xtask measure`: what referto costs beside its floors, in one run; see `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a program that reports what it runs")]

mod count;
mod needs;
mod readme;
mod servers;
mod step;

use std::process::ExitCode;

use anyhow::bail;

use crate::{count::Counts, servers::cassandra::Cassandra, step::Step};

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let done = match asked.first().map(String::as_str) {
        Some("test") => test(),
        Some("torture") => torture(),
        Some("measure") => measure(&asked[1..]),
        Some("cassandra") => servers::cassandra::serve(),
        _ => {
            eprintln!("cargo xtask test | torture | measure | cassandra");
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
    let cassandra = Cassandra::start()?;
    let tests = Step::cargo("tests", &["test", "--workspace", "--locked", "--no-fail-fast"])
        .variable("REFERTO_TEST_CASSANDRA", &cassandra.address())
        .variable("REFERTO_TEST_XTASK", &std::env::current_exe()?.display().to_string());
    let (tests_passed, output) = tests.run_and_read()?;
    let mut counts = Counts::of(&output);
    counts.add(readme::demo()?.run().is_ok());
    println!("{counts}");
    if !tests_passed || !counts.all_passed() {
        bail!("some tests failed");
    }
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
