//! The trials past one machine that want the optimised binary and the machine to themselves.

use xtask::{
    servers::{
        Folder,
        cassandra::{self, Cassandra},
        kafka::{self, Broker},
    },
    step::Step,
};

use crate::needs;

/// For how long laboratories upload while processes and servers are killed.
pub(crate) const SECONDS_IN_THE_GATE: u32 = 30;
const SECONDS_IN_THE_TORTURE: u32 = 300;

/// Each process and server killed in turn, and the replicas' trial; they start servers of their own. The optimised binary
/// must be there.
pub(crate) fn killed_in_turn(seconds: u32) -> Step {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
    // The whole workspace, so that nothing is built again with other features.
    let tests = ["test", "--workspace", "--locked", "--test", "it", "chaos::", "--", "--nocapture", "--test-threads=1"];
    Step::cargo("each process and server killed in turn", &tests)
        .variable("REFERTO_TEST_CHAOS_SECONDS", &seconds.to_string())
        .variable("REFERTO_TEST_BINARY", &format!("{target}/release/referto"))
}

/// Trials that take their length from `TORTURE_SECONDS`: what they are, which tests, how long.
const LONGER: [(&str, &str, u32); 3] = [
    ("a storm of rebalances", "kafka::members", 60),
    ("a node that errs, goes silent, hangs up or is slow", "scylla::forged", 60),
    ("several processes: a zombie, a store that is away or slow, a rolling restart", "cluster::", 120),
];

/// Servers of their own, which speak TLS alone: what they are, package and feature, which tests.
const SECURED: [(&str, &str, &str, &str); 2] = [
    ("a broker with TLS and login", "journal", "kafka-tls", "kafka::tls"),
    ("a node with TLS and login", "store", "scylla-tls", "scylla::tls"),
];

/// All of it for longer.
pub(crate) fn torture() -> anyhow::Result<()> {
    needs::meet()?;
    Step::cargo("the binary", &["build", "--release", "--locked"]).run()?;
    killed_in_turn(SECONDS_IN_THE_TORTURE).run()?;
    let folder = Folder::new()?;
    let (broker, node) = (Broker::start(folder.path())?, Cassandra::start(folder.path())?);
    for (name, tests, seconds) in LONGER {
        Step::cargo(name, &["test", "--workspace", "--locked", "--test", "it", tests, "--", "--test-threads=1"])
            .variable(kafka::VARIABLE, &broker.address())
            .variable(cassandra::VARIABLE, &node.address())
            .variable("TORTURE_SECONDS", &seconds.to_string())
            .run()?;
    }
    for (name, package, feature, tests) in SECURED {
        let arguments = ["test", "--locked", "--package", package, "--features", feature, "--test", "it", "--", tests];
        Step::cargo(name, &arguments)
            .variable(kafka::VARIABLE, &broker.address())
            .variable(cassandra::VARIABLE, &node.address())
            .run()?;
    }
    Ok(())
}
