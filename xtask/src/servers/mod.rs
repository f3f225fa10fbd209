//! Real servers for tests: from Maven Central's jars, on loopback, in a folder that goes away.
//!
//! Jars are resolved once, into `target/servers/<digest of the pom>`; later starts touch no network. A server belongs
//! to the process that started it and ends with it, however that ends.

pub mod cassandra;
pub mod kafka;
mod keys;

use std::{
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use anyhow::{Context as _, bail};

/// The workspace's root.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The folder with the jars that `pom` names; asks Maven for them the first time.
pub(crate) fn jars(pom: &Path) -> anyhow::Result<PathBuf> {
    let text = fs::read(pom).with_context(|| format!("cannot read {}", pom.display()))?;
    let mut digest = DefaultHasher::new();
    text.hash(&mut digest);
    let folder = Path::new(ROOT).join("target/servers").join(format!("{:016x}", digest.finish()));
    if folder.join("whole").exists() {
        return Ok(folder);
    }
    // Beside it first: a resolve that was cut short is never taken for whole.
    let part = folder.with_extension(std::process::id().to_string());
    let status = Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(pom)
        .args(["org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", part.display()))
        .status()
        .context("cannot run mvn (on Debian: apt-get install maven)")?;
    if !status.success() {
        bail!("mvn could not resolve {} ({status})", pom.display());
    }
    fs::write(part.join("whole"), [])?;
    // Lost to another process that resolved the same at the same time: its jars are as good.
    if fs::rename(&part, &folder).is_err() {
        fs::remove_dir_all(&part)?;
    }
    Ok(folder)
}

/// A new folder of the system's temporary ones, gone with this value.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new() -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("referto-servers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be deleted is left to the system's own cleaning.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Ports of loopback that nothing listens on now, all different.
pub(crate) fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let held = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// A running Java program, killed when it is dropped.
pub(crate) struct Java {
    child: Child,
    log: PathBuf,
    ready: &'static str,
    is_ready: mpsc::Receiver<()>,
}

impl Java {
    /// The command of a Java program that the kernel ends with the thread that starts it: start it on one that stays.
    pub(crate) fn command(classes: &[PathBuf], arguments: &[impl AsRef<OsStr>]) -> Command {
        let classes: Vec<_> = classes.iter().map(|path| path.display().to_string()).collect();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "java"]).args(arguments);
        command.arg("-cp").arg(classes.join(":")).stdin(Stdio::null());
        command
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Starts it. All of its output goes to `log`; a line that has `ready` in it says that it serves.
    pub(crate) fn start(mut command: Command, log: &Path, ready: &'static str) -> anyhow::Result<Self> {
        let mut file = fs::File::options().create(true).append(true).open(log)?;
        command.stderr(file.try_clone()?).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (said, is_ready) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line.contains(ready) {
                    let _ = said.try_send(());
                }
                // A log that cannot be written is no reason to stop a server.
                let _ = std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes());
            }
        });
        Ok(Self { child, log: log.to_owned(), ready, is_ready })
    }

    /// Waits until it says that it serves.
    pub(crate) fn wait_ready(&mut self) -> anyhow::Result<()> {
        // Two minutes: a loaded machine with a cold disk. It comes back at once where the program ends.
        if self.is_ready.recv_timeout(Duration::from_secs(120)).is_err() {
            self.kill();
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            let last: Vec<_> = text.lines().rev().take(20).collect();
            let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
            bail!("no {:?} in {}: {last}", self.ready, self.log.display());
        }
        Ok(())
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        self.kill();
    }
}
