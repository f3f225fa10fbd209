//! A `referto run` of the release binary on a fresh folder.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// A running server; killed with this.
pub(crate) struct Referto {
    child: Child,
    folder: TempDir,
    admin: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) key: String,
}

fn binary() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("referto");
    ensure!(path.exists(), "{} is not built: use cargo xtask measure", path.display());
    Ok(path)
}

/// A command on a data folder.
pub(crate) fn command(data: &Path, settings: &[(&str, String)]) -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    command.envs(settings.iter().map(|(name, value)| (name, value))).env("REFERTO_LOG", "error");
    command.arg("--data").arg(data);
    Ok(command)
}

/// Adds a laboratory and gives its key.
pub(crate) fn add_lab(data: &Path, settings: &[(&str, String)], id: &str) -> anyhow::Result<String> {
    let mut command = command(data, settings)?;
    let added = command.args(["labs", "add", id, "--name", id]).stderr(Stdio::null()).output()?;
    ensure!(added.status.success(), "no laboratory could be added");
    Ok(String::from_utf8(added.stdout)?.trim().to_owned())
}

/// Under the target folder: on the disk that the project is on, not in memory.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    Ok(tempfile::tempdir_in(binary()?.parent().context("a folder")?)?)
}

impl Referto {
    /// Starts it in a role, on a journal and a store of its own.
    pub(crate) fn start(role: &str) -> anyhow::Result<Self> {
        let folder = folder()?;
        let key = add_lab(folder.path(), &[], "bench")?;
        Self::run(folder, key, role, &[])
    }

    /// Starts it in a role, with settings that say where its journal and store are.
    pub(crate) fn start_on(settings: &[(&str, String)], role: &str) -> anyhow::Result<Self> {
        Self::run(folder()?, String::new(), role, settings)
    }

    fn run(folder: TempDir, key: String, role: &str, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let arguments = ["--json", "run", "--role", role, "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let mut child = command(folder.path(), settings)?.args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let listening: serde_json::Value = serde_json::from_str(&line).context("referto run did not serve")?;
        let address =
            |name: &str| -> anyhow::Result<SocketAddr> { Ok(listening[name].as_str().context("an address")?.parse()?) };
        Ok(Self { http: address("http")?, admin: address("admin")?, child, folder, key })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until admission has nothing before it; returns how long that took.
    pub(crate) fn wait_until_stored(&self) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        loop {
            let mut stream = TcpStream::connect(self.admin)?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            let lag = text.lines().find_map(|line| line.strip_prefix("referto_lag_records{topic=\"uploads\"} "));
            // The place is written up to a second after the last batch; what is stored is stored before.
            let stored = stored(&text)?;
            if lag == Some("0") || stored >= expected(&text)? {
                return Ok(begin.elapsed());
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Stops it in good order and gives its folder.
    pub(crate) fn stop(mut self) -> anyhow::Result<TempDir> {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        ensure!(told.success(), "it cannot be told to stop");
        ensure!(self.child.wait()?.success(), "it did not drain");
        Ok(std::mem::replace(&mut self.folder, tempfile::tempdir()?))
    }
}

fn sum(text: &str, prefix: &str) -> anyhow::Result<f64> {
    let lines = text.lines().filter(|line| line.starts_with(prefix));
    lines.map(|line| Ok(line.rsplit(' ').next().unwrap_or("0").parse::<f64>()?)).sum()
}

fn stored(text: &str) -> anyhow::Result<f64> {
    sum(text, "referto_items_total{")
}

fn expected(text: &str) -> anyhow::Result<f64> {
    sum(text, "referto_reports_received_total{")
}

impl Drop for Referto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
