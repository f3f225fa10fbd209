//! The command line, as the contract has it.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// Exit code: done.
pub(crate) const DONE: u8 = 0;
/// Exit code: refused items, or a ledger that does not balance.
pub(crate) const REFUSED: u8 = 1;
/// Exit code: usage, settings.
pub(crate) const USAGE: u8 = 2;
/// Exit code: cannot reach or start.
pub(crate) const CANNOT: u8 = 3;

/// Why a command ends, and with which exit code.
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: USAGE, error: error.into() }
    }
}

/// Whatever else goes wrong: it could not reach or start.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: CANNOT, error: error.into() }
    }
}

/// referto takes in laboratory results for a region: each accepted once, never lost, stored, and the person told.
#[derive(Parser)]
#[command(name = "referto", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Default)]
pub(crate) struct Common {
    /// Settings file (default: referto.toml, where there is one)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder (default: referto-data)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// One JSON object on stdout, all else on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole system on this machine, with generated laboratories, and the proof that nothing was lost
    Demo(Demo),
    /// Serve: doors, workers, status
    Run(Run),
    /// Validate files offline; every fault with its line
    Check(Check),
    /// Laboratories and their keys
    Labs {
        #[command(subcommand)]
        command: Labs,
    },
    /// Admit again what the journal keeps; tells nobody twice
    Replay(Replay),
    /// The notifications topic, one JSON a line
    Tasks(Tasks),
    /// The tables of a store on ScyllaDB or Cassandra, and the topics of a journal on Kafka
    Schema {
        #[command(subcommand)]
        command: Schema,
    },
    /// Every setting, its default and meaning, and what is in force
    Config,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Address to listen on (loopback only)
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Reports to generate
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) reports: usize,
    /// Exit when done: 0 only when the ledger adds up
    #[arg(long)]
    pub(crate) once: bool,
    /// Seed of the generator
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Args)]
pub(crate) struct Run {
    /// What this process does: all, or some of ingest, workers, status
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',')]
    pub(crate) role: Vec<String>,
    /// Address for laboratories (default 127.0.0.1:8080)
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Address for HL7 over MLLP (default 127.0.0.1:2575; not served yet)
    #[arg(long, value_name = "ADDR")]
    pub(crate) mllp: Option<SocketAddr>,
    /// Address for probes and metrics (default 127.0.0.1:9464)
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct Check {
    /// Files; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Labs {
    /// Add a laboratory; prints its key once, alone on stdout
    Add {
        /// Its id: a-z 0-9 - _ .
        id: String,
        /// Its name
        #[arg(long)]
        name: String,
        /// A sending facility (MSH-4) it may name; without any, none is compared
        #[arg(long, value_name = "MSH4")]
        facility: Vec<String>,
        /// An address range it may connect from over MLLP
        #[arg(long, value_name = "CIDR")]
        peer: Vec<String>,
        /// A subject alternative name of its client certificate
        #[arg(long, value_name = "SAN")]
        certificate: Vec<String>,
        /// The zone of its times without one
        #[arg(long, default_value = "Europe/Rome")]
        zone: String,
        /// Its uploads are stored and never tell anyone
        #[arg(long)]
        sandbox: bool,
    },
    /// List them
    List,
    /// Give a laboratory a new key; the old one stops
    Rotate {
        /// Its id
        id: String,
        /// Hours for which the old key still works
        #[arg(long, value_name = "HOURS", default_value_t = 0)]
        grace: u32,
    },
    /// Stop a laboratory's keys
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Schema {
    /// Print the statements and commands with their reasons; to apply by hand, or to read
    Print {
        /// For which server; the one at scylla.nodes where not given
        #[arg(long, value_name = "NAME-VERSION", value_parser = ["cassandra-5.0", "scylladb-5.4", "scylladb-2025.1"])]
        server: Option<String>,
    },
    /// Make what is missing, set what may change, refuse unsafe topics; can be run again at will
    Apply,
}

#[derive(Args)]
pub(crate) struct Replay {
    /// First position, of one partition; or 'start', of all
    #[arg(long, value_name = "P.O|start")]
    pub(crate) from: String,
    /// Last position; only its partition is read
    #[arg(long, value_name = "P.O")]
    pub(crate) to: Option<String>,
    /// Only this submission's records
    #[arg(long, value_name = "ID")]
    pub(crate) submission: Option<String>,
    /// Count, store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Tasks {
    /// First position, of one partition; or 'start', of all
    #[arg(long, value_name = "P.O|start", default_value = "start")]
    pub(crate) from: String,
}
