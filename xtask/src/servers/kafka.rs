//! Apache Kafka: one broker for a test run, one of its own for a test that kills it, three for what needs replicas.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use super::{
    Java, ROOT, free_ports, jars,
    keys::{self, Keys},
};

/// The user that a secured broker has from the start, and the password.
pub const LOGIN: (&str, &str) = ("referto", "by-scram-alone");

/// The variable that tells tests where a broker listens.
pub const VARIABLE: &str = "REFERTO_TEST_KAFKA";

/// A cluster's id, the same each time: its folder is new each time anyway.
const CLUSTER: &str = "cmVmZXJ0by10ZXN0cy0wMQ";

/// Started quickly and kept small: a test's broker lives for seconds.
const JAVA: &[&str] = &["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/// A broker on loopback. Dropping it kills it; its folder stays with who made it.
pub struct Broker {
    folder: PathBuf,
    jars: PathBuf,
    port: u16,
    keys: Option<Keys>,
    java: Option<Java>,
}

/// What one broker of a cluster is told.
struct Node {
    id: usize,
    port: u16,
    /// Where it sends its clients.
    advertised: u16,
    controller_port: u16,
    /// How long it may be silent before the others give it up.
    session: Duration,
    is_secured: bool,
}

impl Node {
    /// On free ports, in clear.
    fn new(id: usize) -> anyhow::Result<Self> {
        let [port, controller_port] = free_ports()?;
        Ok(Self { id, port, advertised: port, controller_port, session: SESSION, is_secured: false })
    }
}

/// Short, so that one that was killed comes back soon.
const SESSION: Duration = Duration::from_secs(1);

impl Broker {
    /// Starts a broker that is a cluster by itself; its data goes into `folder`, which exists.
    ///
    /// # Errors
    /// When it does not come up; the log's last lines say why.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::cluster(folder, 1)?.remove(0))
    }

    /// As [`Broker::start`], with clients that are sent to `port` of loopback, where something stands between.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn start_behind(port: u16, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::start_all(folder, &[Node { advertised: port, ..Node::new(1)? }])?.remove(0))
    }

    /// As [`Broker::start`], a broker that answers over TLS alone, and only who logs in (SCRAM-SHA-512).
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn start_secured(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::start_all(folder, &[Node { is_secured: true, ..Node::new(1)? }])?.remove(0))
    }

    /// Starts `count` brokers that replicate each other, each in a folder of its own below `folder`.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn cluster(folder: &Path, count: usize) -> anyhow::Result<Vec<Self>> {
        Self::patient_cluster(folder, count, SESSION)
    }

    /// The same, with brokers that are given up only when they were silent for so long.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn patient_cluster(folder: &Path, count: usize, session: Duration) -> anyhow::Result<Vec<Self>> {
        let nodes = (1..=count).map(|id| Ok(Node { session, ..Node::new(id)? })).collect::<anyhow::Result<Vec<_>>>()?;
        Self::start_all(folder, &nodes)
    }

    fn start_all(folder: &Path, nodes: &[Node]) -> anyhow::Result<Vec<Self>> {
        let voters: Vec<_> =
            nodes.iter().map(|node| format!("{}@127.0.0.1:{}", node.id, node.controller_port)).collect();
        let voters = voters.join(",");
        let mut brokers = nodes
            .iter()
            .map(|node| Self::format(folder, node, &voters, nodes.len()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        // All before the first is waited for: none is ready before most are there.
        brokers.iter_mut().try_for_each(Self::launch)?;
        brokers.iter_mut().try_for_each(Self::wait_ready)?;
        Ok(brokers)
    }

    fn format(folder: &Path, node: &Node, voters: &str, count: usize) -> anyhow::Result<Self> {
        let ours = Path::new(ROOT).join("deploy/local/kafka");
        let folder = folder.join(format!("kafka-{}", node.id));
        fs::create_dir_all(&folder)?;
        let keys = node.is_secured.then(|| Keys::make(&folder)).transpose()?;
        let broker = Self { folder, jars: jars(&ours.join("pom.xml"))?, port: node.port, keys, java: None };
        let mut properties = fs::read_to_string(ours.join("server.properties"))?;
        if let Some(keys) = &broker.keys {
            // Of two lines with one name the later holds.
            properties += &fs::read_to_string(ours.join("secured.properties"))?
                .replace("@STORE@", &keys.store.display().to_string())
                .replace("@STORE_PASSWORD@", keys::PASSWORD)
                .replace("@AUTHORITY@", &keys.authority.display().to_string())
                .replace("@USER@", LOGIN.0)
                .replace("@PASSWORD@", LOGIN.1);
        }
        for (name, value) in [
            ("@NODE@", node.id.to_string()),
            ("@VOTERS@", voters.to_owned()),
            ("@PORT@", node.port.to_string()),
            ("@ADVERTISED@", node.advertised.to_string()),
            ("@CONTROLLER_PORT@", node.controller_port.to_string()),
            ("@FOLDER@", broker.folder.display().to_string()),
            ("@REPLICAS@", count.min(3).to_string()),
            ("@IN_SYNC@", count.min(2).to_string()),
            ("@SESSION@", node.session.as_millis().to_string()),
        ] {
            properties = properties.replace(name, &value);
        }
        fs::write(broker.properties(), properties)?;
        let mut format = broker.command(&["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config"]);
        format.arg(broker.properties());
        if node.is_secured {
            format.arg("--add-scram").arg(format!("SCRAM-SHA-512=[name={},password={}]", LOGIN.0, LOGIN.1));
        }
        let done = format.output().context("cannot run java (on Debian: apt-get install openjdk-17-jre-headless)")?;
        ensure!(done.status.success(), "kafka could not format its folder: {}", String::from_utf8_lossy(&done.stdout));
        Ok(broker)
    }

    /// Where it listens, as `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The PEM files of the authority that signed a secured broker's certificate, and of one that did not.
    #[must_use]
    pub fn authorities(&self) -> Option<[&Path; 2]> {
        self.keys.as_ref().map(Keys::authorities)
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.java.as_ref().map(Java::id)
    }

    /// Ends it as a crash does: no goodbye to anybody.
    pub fn kill(&mut self) {
        self.java = None;
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        self.launch()?;
        self.wait_ready()
    }

    fn launch(&mut self) -> anyhow::Result<()> {
        let mut command = self.command(&["kafka.Kafka"]);
        command.arg(self.properties());
        self.java = Some(Java::start(command, &self.folder.join("broker.log"), "Kafka Server started")?);
        Ok(())
    }

    fn wait_ready(&mut self) -> anyhow::Result<()> {
        self.java.as_mut().context("the broker was not started")?.wait_ready()?;
        if self.keys.is_some() {
            // Asked in clear it would not answer.
            return Ok(());
        }
        self.answers()
    }

    /// The command of one of Kafka's own tools, by its class; its arguments are to be added.
    #[must_use]
    pub fn tool(&self, class: &str) -> Command {
        let mut command = Java::command(&[self.jars.join("*")], &["-Xmx512m", &log()]);
        command.arg(class);
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Java::command(&[self.jars.join("*")], &[JAVA, &[&log()]].concat());
        command.args(arguments);
        command
    }

    fn properties(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    /// Waits for the answer to one real request: which requests the broker takes (`ApiVersions`, version 0).
    #[allow(clippy::disallowed_methods, reason = "nothing tells when a port begins to answer")]
    fn answers(&self) -> anyhow::Result<()> {
        // Length; API key 18, version 0, correlation 7, no client id.
        const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
        let limit = Instant::now() + Duration::from_secs(30);
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        loop {
            let asked = TcpStream::connect_timeout(&address, Duration::from_secs(1)).and_then(|mut stream| {
                stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                stream.write_all(&REQUEST)?;
                let mut answer = [0; 10];
                stream.read_exact(&mut answer)?;
                Ok(answer)
            });
            match asked {
                // The correlation, and error 0.
                Ok(answer) if answer[4..] == [0, 0, 0, 7, 0, 0] => return Ok(()),
                Err(error) if Instant::now() > limit => return Err(error).context("the broker does not answer"),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

/// The option that makes Kafka's programs say little.
fn log() -> String {
    format!("-Dlog4j2.configurationFile=file:{ROOT}/deploy/local/kafka/log4j2.yaml")
}
