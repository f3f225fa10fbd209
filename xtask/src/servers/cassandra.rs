//! Apache Cassandra: one node on loopback, which stands in for ScyllaDB, whose language and driver it shares.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, ensure};

use super::{
    Java, ROOT, free_ports, jars,
    keys::{self, Keys},
};

/// The user that a secured node has from the start, and the password.
pub const LOGIN: (&str, &str) = ("cassandra", "cassandra");

/// The variable that tells tests where a node answers CQL.
pub const VARIABLE: &str = "REFERTO_TEST_CASSANDRA";

/// CQL, version 4: OPTIONS, the one request that needs nothing before it.
const OPTIONS: [u8; 9] = [0x04, 0, 0, 0, 0x05, 0, 0, 0, 0];
/// The answer's kind, in the fifth byte of its head.
const SUPPORTED: u8 = 0x06;

/// A node on loopback. Dropping it kills it; its folder stays with who made it.
pub struct Cassandra {
    folder: PathBuf,
    jars: PathBuf,
    port: u16,
    keys: Option<Keys>,
    java: Option<Java>,
}

impl Cassandra {
    /// Starts a node; its data goes into `folder`, which exists.
    ///
    /// # Errors
    /// When it does not come up; the log's last lines say why.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(folder, false)
    }

    /// As [`Cassandra::start`], a node that answers over TLS alone, and only who logs in. The one user there is, it
    /// makes a moment after it has started.
    ///
    /// # Errors
    /// As [`Cassandra::start`].
    pub fn start_secured(folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(folder, true)
    }

    fn start_with(folder: &Path, is_secured: bool) -> anyhow::Result<Self> {
        let [port, storage, storage_tls] = free_ports()?;
        let ours = Path::new(ROOT).join("deploy/local/cassandra");
        let folder = folder.join("cassandra");
        let (conf, temporary) = (folder.join("conf"), folder.join("tmp"));
        fs::create_dir_all(&conf)?;
        fs::create_dir_all(temporary)?;
        for name in ["logback.xml", "cassandra-rackdc.properties", "jvm.options"] {
            fs::copy(ours.join(name), conf.join(name))?;
        }
        let mut settings = fs::read_to_string(ours.join("cassandra.yaml"))?;
        for (name, value) in [
            ("@FOLDER@", folder.display().to_string()),
            ("@PORT@", port.to_string()),
            ("@STORAGE_PORT@", storage.to_string()),
            ("@SSL_STORAGE_PORT@", storage_tls.to_string()),
        ] {
            settings = settings.replace(name, &value);
        }
        let keys = is_secured.then(|| Keys::make(&conf)).transpose()?;
        if let Some(keys) = &keys {
            settings = settings.replace("authenticator: AllowAllAuthenticator", "authenticator: PasswordAuthenticator");
            settings += &format!(
                "client_encryption_options: {{enabled: true, optional: false, store_type: PKCS12, keystore: \"{}\", \
                 keystore_password: {}, require_client_auth: false}}\n",
                keys.store.display(),
                keys::PASSWORD
            );
        }
        fs::write(conf.join("cassandra.yaml"), settings)?;
        let mut node = Self { folder, jars: jars(&ours.join("pom.xml"))?, port, keys, java: None };
        node.restart()?;
        Ok(node)
    }

    /// Where it answers CQL, as `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The PEM files of the authority that signed a secured node's certificate, and of one that did not.
    #[must_use]
    pub fn authorities(&self) -> Option<[&Path; 2]> {
        self.keys.as_ref().map(Keys::authorities)
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.java.as_ref().map(Java::id)
    }

    /// Ends it as a crash does: nothing is flushed.
    pub fn kill(&mut self) {
        self.java = None;
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// As [`Cassandra::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let java = self.java.insert(Java::start(self.command()?, &self.folder.join("node.log"), "Startup complete")?);
        java.wait_ready()?;
        if self.keys.is_some() {
            // Asked in clear it would not answer.
            return Ok(());
        }
        self.ask().context("Cassandra started and does not answer")
    }

    /// One real request.
    fn ask(&self) -> anyhow::Result<()> {
        let mut connection = TcpStream::connect(self.address())?;
        connection.set_read_timeout(Some(Duration::from_secs(60)))?;
        connection.write_all(&OPTIONS)?;
        let mut head = [0; 9];
        connection.read_exact(&mut head)?;
        ensure!(head[4] == SUPPORTED, "an answer of kind {}", head[4]);
        Ok(())
    }

    fn command(&self) -> anyhow::Result<Command> {
        let of = |name: &str| self.folder.join(name).display().to_string();
        let agent = fs::read_dir(&self.jars)?
            .filter_map(Result::ok)
            .find(|entry| entry.file_name().to_string_lossy().starts_with("jamm-"))
            .context("Maven brought no jamm")?;
        let arguments = [
            format!("@{}", of("conf/jvm.options")),
            format!("-javaagent:{}", agent.path().display()),
            format!("-Djava.io.tmpdir={}", of("tmp")),
            format!("-Djna.tmpdir={}", of("tmp")),
            format!("-Dcassandra.config=file://{}", of("conf/cassandra.yaml")),
            format!("-Dcassandra.storagedir={}", self.folder.display()),
            format!("-Dcassandra.logdir={}", self.folder.display()),
            format!("-Dlogback.configurationFile=file://{}", of("conf/logback.xml")),
        ];
        let mut command = Java::command(&[self.folder.join("conf"), self.jars.join("*")], &arguments);
        command.arg("org.apache.cassandra.service.CassandraDaemon");
        Ok(command)
    }
}
