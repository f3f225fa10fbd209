//! A real `referto run` of the binary under test, on free ports and a folder of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Answer};

/// Names another binary to try in place of the one built with the tests: an optimised one, or one that is broken on
/// purpose.
const BINARY: &str = "REFERTO_TEST_BINARY";

/// The binary under test.
pub(crate) fn referto() -> Command {
    let binary = std::env::var_os(BINARY).unwrap_or_else(|| env!("CARGO_BIN_EXE_referto").into());
    let mut command = Command::new(binary);
    // Settings of whoever runs the tests are not the tests'.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("REFERTO_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command of the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    referto().args(arguments).output().expect("referto starts")
}

/// What a command that succeeded printed.
#[track_caller]
pub(crate) fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A data folder; goes with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Copies a database, with what stands in its write-ahead log, into another folder.
    pub(crate) fn copy_database(&self, name: &str, to: &Folder) {
        to.remove_database(name);
        for file in [name.to_owned(), format!("{name}-wal")] {
            if self.file(&file).exists() {
                std::fs::copy(self.file(&file), to.file(&file)).expect("a copy");
            }
        }
    }

    /// Removes a database, its write-ahead log and its index.
    pub(crate) fn remove_database(&self, name: &str) {
        for file in [name.to_owned(), format!("{name}-wal"), format!("{name}-shm")] {
            let _ = std::fs::remove_file(self.file(&file));
        }
    }

    /// Runs a command of the binary on this folder.
    pub(crate) fn referto(&self, arguments: &[&str]) -> Output {
        self.referto_with(&[], arguments)
    }

    /// The same with settings.
    pub(crate) fn referto_with(&self, settings: &[(&str, String)], arguments: &[&str]) -> Output {
        let mut command = referto();
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.arg("--data").arg(self.path()).args(arguments).output().expect("referto starts")
    }

    /// Adds a laboratory and returns its key.
    pub(crate) fn add_lab(&self, id: &str, more: &[&str]) -> String {
        printed(self.referto(&[&["labs", "add", id, "--name", id], more].concat())).trim().to_owned()
    }

    /// The tasks emitted so far.
    pub(crate) fn tasks(&self) -> Vec<Value> {
        printed(self.referto(&["tasks"]))
            .lines()
            .map(|line| serde_json::from_str(line).expect("a task is JSON"))
            .collect()
    }
}

/// A free port of loopback.
pub(crate) const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How a server is started.
pub(crate) struct Start<'a> {
    pub(crate) arguments: &'a [&'a str],
    pub(crate) variables: &'a [(&'a str, String)],
    /// Its addresses for laboratories and for probes.
    pub(crate) at: (SocketAddr, SocketAddr),
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self { arguments: &[], variables: &[], at: (ANY, ANY) }
    }
}

/// A running server; killed with the test where it still runs.
pub(crate) struct Server {
    child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Server {
    pub(crate) fn start(folder: &Folder) -> Self {
        Self::start_with(folder, Start::default()).expect("referto run serves")
    }

    /// Starts it, and waits until it serves; an error where it ends before.
    pub(crate) fn start_with(folder: &Folder, start: Start<'_>) -> std::io::Result<Self> {
        Self::start_logging(folder, start, Stdio::inherit())
    }

    /// The same, with its log going elsewhere.
    pub(crate) fn start_logging(folder: &Folder, start: Start<'_>, log: impl Into<Stdio>) -> std::io::Result<Self> {
        let mut child = referto()
            .arg("--data")
            .arg(folder.path())
            .args(["--json", "run", "--http", &start.at.0.to_string(), "--admin", &start.at.1.to_string()])
            .args(start.arguments)
            .env("REFERTO_LOG", "warn")
            // No balancer has to see that it leaves.
            .env("REFERTO_DRAIN_GRACE_SECONDS", "0")
            .envs(start.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        BufReader::new(stdout).read_line(&mut line)?;
        let listening: Value = match serde_json::from_str(&line) {
            Ok(listening) => listening,
            Err(_) => {
                let status = child.wait()?;
                return Err(std::io::Error::other(format!("it ended with {status}")));
            }
        };
        let address = |name: &str| listening[name].as_str().and_then(|text| text.parse().ok()).expect("an address");
        Ok(Self { http: address("http"), admin: address("admin"), child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// True once the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state can be read").is_some()
    }

    /// SIGTERM, and its exit code once it has drained.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told to stop");
        self.child.wait().expect("it ends").code()
    }

    /// Follows an upload to its outcome.
    pub(crate) fn outcome(&self, key: &str, location: &str) -> Value {
        wait_for(|| {
            let answer = http::get(location).key(key).to(self.http);
            assert_eq!(answer.status, 200, "{}", answer.text());
            Some(answer.json()).filter(|state| state["state"] == "done")
        })
    }

    /// Uploads and follows to the outcome.
    pub(crate) fn upload(&self, key: &str, content_type: &str, body: impl Into<Vec<u8>>) -> (Answer, Value) {
        let answer = http::post("/v1/reports", content_type, body).key(key).to(self.http);
        assert_eq!(answer.status, 202, "{}", answer.text());
        let location = answer.header("location").expect("a location").to_owned();
        let outcome = self.outcome(key, &location);
        (answer, outcome)
    }

    /// Peak resident memory in bytes, as the kernel counts it.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until there is something, for a minute.
#[track_caller]
pub(crate) fn wait_for<T>(attempt: impl FnMut() -> Option<T>) -> T {
    wait_within(Duration::from_secs(60), attempt)
}

/// Tries until there is something, for that long.
#[track_caller]
pub(crate) fn wait_within<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(begin.elapsed() < limit, "waited {} s in vain", limit.as_secs());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
