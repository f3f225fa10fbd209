//! One Apache Cassandra node on loopback: it stands in for ScyllaDB, whose language and driver it shares.
//!
//! Its jars are fetched once, by Maven, into `target/servers/`; after that a start touches no network. Each node has
//! free ports and a fresh folder, and both go with it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// What the log says once the node answers.
const READY: &str = "Startup complete";
/// How long a start may take: seconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// CQL, version 4: OPTIONS, the one request that needs nothing before it.
const OPTIONS: [u8; 9] = [0x04, 0, 0, 0, 0x05, 0, 0, 0, 0];
/// The answer's kind, in the fifth byte of its head.
const SUPPORTED: u8 = 0x06;

/// A node and its process. Dropped, it ends, and its folder goes.
pub(crate) struct Cassandra {
    jars: PathBuf,
    folder: PathBuf,
    ports: [u16; 3],
    child: Option<Child>,
}

impl Cassandra {
    /// Fetches what is missing, starts a node and waits until it answers a request.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let ports = free_ports().context("no free ports")?;
        let folder = Path::new(ROOT).join(format!("target/servers/cassandra-{}-{}", std::process::id(), ports[0]));
        let mut node = Self { jars: jars()?, folder, ports, child: None };
        node.configure().context("cannot configure Cassandra")?;
        node.again()?;
        Ok(node)
    }

    /// Where it answers CQL.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// Ends it at once, as a power cut of the process: nothing is flushed.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts it on what its folder has.
    pub(crate) fn again(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        let log = self.folder.join("server.log");
        let mut child = self.command()?.spawn().context("cannot run java")?;
        let output = child.stdout.take().context("no stdout")?;
        self.child = Some(child);
        // Full only if nobody waits any more.
        let (ready, is_ready) = sync_channel(1);
        let file = File::options().create(true).append(true).open(&log)?;
        thread::spawn(move || copy(BufReader::new(output), file, &ready));
        if is_ready.recv_timeout(PATIENCE) != Ok(()) {
            bail!("Cassandra did not start:\n{}", tail(&log));
        }
        self.ask().context("Cassandra started and does not answer")
    }

    /// One real request.
    fn ask(&self) -> anyhow::Result<()> {
        let mut connection = TcpStream::connect(self.address())?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(&OPTIONS)?;
        let mut head = [0; 9];
        connection.read_exact(&mut head)?;
        ensure!(head[4] == SUPPORTED, "an answer of kind {}", head[4]);
        Ok(())
    }

    fn configure(&self) -> anyhow::Result<()> {
        let (from, to) = (files(), self.folder.join("conf"));
        fs::create_dir_all(&to)?;
        fs::create_dir_all(self.folder.join("tmp"))?;
        for name in ["logback.xml", "cassandra-rackdc.properties"] {
            fs::copy(from.join(name), to.join(name))?;
        }
        let mut settings = fs::read_to_string(from.join("cassandra.yaml"))?;
        for (name, value) in [
            ("@FOLDER@", self.folder.display().to_string()),
            ("@PORT@", self.ports[0].to_string()),
            ("@STORAGE_PORT@", self.ports[1].to_string()),
            ("@SSL_STORAGE_PORT@", self.ports[2].to_string()),
        ] {
            settings = settings.replace(name, &value);
        }
        fs::write(to.join("cassandra.yaml"), settings)?;
        Ok(())
    }

    fn command(&self) -> anyhow::Result<Command> {
        let of = |name: &str| self.folder.join(name).display().to_string();
        let agent = fs::read_dir(&self.jars)?
            .filter_map(Result::ok)
            .find(|entry| entry.file_name().to_string_lossy().starts_with("jamm-"))
            .context("Maven brought no jamm")?;
        let mut command = Command::new("java");
        command
            .arg(format!("@{}", files().join("jvm.options").display()))
            .arg(format!("-javaagent:{}", agent.path().display()))
            .arg(format!("-Djava.io.tmpdir={}", of("tmp")))
            .arg(format!("-Djna.tmpdir={}", of("tmp")))
            .arg(format!("-Dcassandra.config=file://{}", of("conf/cassandra.yaml")))
            .arg(format!("-Dcassandra.storagedir={}", self.folder.display()))
            .arg(format!("-Dcassandra.logdir={}", self.folder.display()))
            .arg(format!("-Dlogback.configurationFile=file://{}", of("conf/logback.xml")))
            .args(["-cp", &format!("{}:{}/*", of("conf"), self.jars.display())])
            .arg("org.apache.cassandra.service.CassandraDaemon")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Ok(command)
    }
}

impl Drop for Cassandra {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn files() -> PathBuf {
    Path::new(ROOT).join("deploy/local/cassandra")
}

/// The folder of the jars that the pom asks for, filled by Maven where it is not there yet.
fn jars() -> anyhow::Result<PathBuf> {
    let pom = fs::read(files().join("pom.xml"))?;
    // FNV-1a: names a folder, guards nothing.
    let digest = pom
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let folder = Path::new(ROOT).join(format!("target/servers/{digest:016x}"));
    let (jars, whole) = (folder.join("lib"), folder.join("whole"));
    if !whole.exists() {
        println!("== Cassandra's jars, once");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("pom.xml"), pom)?;
        let maven = ["-q", "-B", "dependency:copy-dependencies"];
        let status = Command::new("mvn").args(maven).current_dir(&folder).status().context("cannot run mvn")?;
        ensure!(status.success(), "Maven could not fetch Cassandra's jars ({status})");
        fs::write(whole, "")?;
    }
    Ok(jars)
}

/// Ports that nobody has now.
fn free_ports() -> std::io::Result<[u16; 3]> {
    let held =
        [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// Writes the log to its file and says when it says that it is ready.
fn copy(output: impl std::io::BufRead, mut file: File, ready: &SyncSender<()>) {
    for line in output.lines() {
        let Ok(line) = line else { break };
        if writeln!(file, "{line}").is_err() {
            break;
        }
        if line.contains(READY) {
            let _ = ready.try_send(());
        }
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Keeps a node for as long as stdin is open, and says where it is. A line `kill` ends its process, `start` starts it
/// again on the same data: for tests that do so to a node of their own.
pub(crate) fn serve() -> anyhow::Result<()> {
    let mut node = Cassandra::start()?;
    println!("REFERTO_TEST_CASSANDRA={}", node.address());
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "kill" => {
                node.kill()?;
                println!("killed");
            }
            "start" => {
                node.again()?;
                println!("started");
            }
            _ => {}
        }
    }
    Ok(())
}
