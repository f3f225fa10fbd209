//! A process of a cluster: one role, its log in a file of its own.

use std::{fs::File, net::SocketAddr, path::PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    http,
    server::{Folder, Server, Start, wait_for},
};

/// A running process, and the folder that it leaves behind.
pub(super) struct Node {
    pub(super) server: Server,
    folder: Folder,
    log: PathBuf,
}

impl Node {
    /// Starts it; an error where it ends before it serves.
    pub(super) fn start(
        role: &str,
        folder: Folder,
        settings: &[(&'static str, String)],
        at: (SocketAddr, SocketAddr),
    ) -> Result<Self, (std::io::Error, String)> {
        let log = folder.file("log");
        let file = File::options().create(true).append(true).open(&log).expect("a log");
        // What a member of a group is given and loses is told at this level.
        let variables = [&[("REFERTO_LOG", "warn,journal=debug".to_owned())], settings].concat();
        match Server::start_logging(&folder, Start { arguments: &["--role", role], variables: &variables, at }, file) {
            Ok(server) => Ok(Self { server, folder, log }),
            Err(error) => Err((error, std::fs::read_to_string(log).unwrap_or_default())),
        }
    }

    /// SIGTERM; its folder, once it has drained well.
    pub(super) fn stop(self) -> Folder {
        let Self { server, folder, log } = self;
        assert_eq!(server.stop(), Some(0), "drained: {}", std::fs::read_to_string(log).unwrap_or_default());
        folder
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.server.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// How often its log has said this.
    pub(super) fn told(&self, words: &str) -> usize {
        self.log().matches(words).count()
    }

    /// How often it was given partitions, and how often it lost some.
    pub(super) fn rebalances(&self) -> (usize, usize) {
        (self.told("partitions came"), self.told("partitions go"))
    }

    /// The sum of a metric's series whose names and labels begin so; none where there is none.
    pub(super) fn metric(&self, series: &str) -> Option<f64> {
        let text = http::get("/metrics").to(self.server.admin).text();
        let values = text.lines().filter(|line| line.starts_with(series)).filter_map(|line| line.rsplit(' ').next());
        values.filter_map(|value| value.parse::<f64>().ok()).reduce(|sum, value| sum + value)
    }

    /// Items that it stored.
    pub(super) fn stored(&self) -> f64 {
        self.metric("referto_items_total").unwrap_or_default()
    }

    /// Waits until its readers are where the topic ends.
    #[track_caller]
    pub(super) fn wait_for_no_lag(&self) {
        wait_for(|| (self.metric("referto_lag_records{topic=\"uploads\"}") == Some(0.0)).then_some(()));
    }
}
