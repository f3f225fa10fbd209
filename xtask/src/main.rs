//! `cargo xtask`: the project's one gate and its longer trials.
//!
//! * `cargo xtask test`: what must pass before anything lands: format, lints, documentation, every test, HL7 as others
//!   read it, and the commands of the README. Ends with a line that counts the tests.
//! * `cargo xtask torture`: the crash and power-cut tests for longer, ten times the mutations of HL7 files, and the large
//!   demo. `cargo xtask torture --cluster`: the trials past one machine for longer.
//! * `cargo xtask up [BROKERS]`: a broker (or several) and a node to work against, and the settings for them, until its
//!   end is asked for.
//! * `cargo xtask measure`: what referto costs beside its floors, in one run; see `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a program that reports what it runs")]

mod cluster;
mod count;
mod hl7;
mod needs;
mod readme;

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use xtask::{
    python::Python,
    servers::{
        Folder,
        cassandra::{self, Cassandra},
        kafka::{self, Broker},
    },
    step::Step,
};

use crate::count::Counts;

/// One mutation in so many is read again by the gate, in a quarter of a minute, and by the torture. All four million
/// take hours.
const MUTATIONS_IN_THE_GATE: u32 = 400;
const MUTATIONS_IN_THE_TORTURE: u32 = 40;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let done = match asked.first().map(String::as_str) {
        Some("test") => test(),
        Some("torture") if asked.get(1).is_some_and(|with| with == "--cluster") => cluster::torture(),
        Some("torture") => torture(),
        Some("up") => up(asked.get(1).map_or("1", String::as_str)),
        Some("measure") => measure(&asked[1..]),
        _ => {
            eprintln!("cargo xtask test | torture [--cluster] | up [BROKERS] | measure");
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
    Step::cargo("the tests' build", &["test", "--workspace", "--locked", "--no-run"]).run()?;
    // Tests wait more than they compute: meanwhile what the demo needs is built, behind them.
    let mut optimised = Step::cargo("the optimised build", &["build", "--release", "--locked"]).behind()?;
    let folder = Folder::new()?;
    println!("== servers");
    let (broker, node) = (Broker::start(folder.path())?, Cassandra::start(folder.path())?);
    let tests = Step::cargo("tests", &["test", "--workspace", "--locked", "--no-fail-fast"])
        .variable(kafka::VARIABLE, &broker.address())
        .variable(cassandra::VARIABLE, &node.address());
    let (tests_passed, output) = tests.run_and_read()?;
    let mut counts = Counts::of(&output);
    let python = Python::ready()?;
    counts.add(hl7::written(&python).is_ok_and(|step| step.run().is_ok()));
    counts.add(hl7::mutated(&python, MUTATIONS_IN_THE_GATE).run().is_ok());
    optimised.wait()?;
    counts.add(readme::demo()?.run().is_ok());
    // The demo has built the optimised binary.
    counts.add(cluster::killed_in_turn(cluster::SECONDS_IN_THE_GATE).run().is_ok());
    println!("{counts}");
    if !tests_passed || !counts.all_passed() {
        bail!("some tests failed");
    }
    Ok(())
}

/// Servers to work against: the settings on stdout, for a shell to take.
fn up(brokers: &str) -> anyhow::Result<()> {
    needs::meet()?;
    let count = brokers.parse().context("cargo xtask up [HOW MANY BROKERS]")?;
    let folder = Folder::new()?;
    let (brokers, node) = (Broker::cluster(folder.path(), count)?, Cassandra::start(folder.path())?);
    let addresses = brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",");
    // Acknowledgements need two replicas, and the loss of one broker leaves them only where there are three.
    let durability = if count < 3 { "single" } else { "replicated" };
    for (name, value) in [
        ("REFERTO_JOURNAL", "kafka"),
        ("REFERTO_KAFKA__BROKERS", &addresses),
        ("REFERTO_KAFKA__DURABILITY", durability),
        ("REFERTO_STORE", "scylla"),
        ("REFERTO_SCYLLA__NODES", &node.address()),
        ("REFERTO_SCYLLA__REPLICATION", "1"),
        (kafka::VARIABLE, &addresses),
        (cassandra::VARIABLE, &node.address()),
    ] {
        println!("export {name}={value}");
    }
    eprintln!("they run until stdin ends (Ctrl-D), and their data goes with them");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
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
    Step::cargo("examples", &["test", "--workspace", "--locked", "--no-run"]).run()?;
    hl7::mutated(&Python::ready()?, MUTATIONS_IN_THE_TORTURE).run()?;
    let demo = ["run", "--release", "--locked", "--", "demo", "--once", "--json", "--reports", "200000"];
    Step::cargo("the demo with 200,000 reports", &demo).run()
}

fn measure(arguments: &[String]) -> anyhow::Result<()> {
    Step::cargo("the binary", &["build", "--release", "--locked"]).run()?;
    let mut command = vec!["run", "--release", "--locked", "--package", "benches", "--"];
    command.extend(arguments.iter().map(String::as_str));
    Step::cargo("referto beside its floors", &command).run()
}
