//! One command of the gate, announced and timed.
#![allow(clippy::print_stdout, reason = "it reports what it runs")]

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail};

/// A command with a name that people read.
pub struct Step {
    name: &'static str,
    command: Command,
}

impl Step {
    /// A program, at the workspace's root.
    pub fn program(name: &'static str, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        Self { name, command }
    }

    /// A cargo command.
    pub fn cargo(name: &'static str, arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::program(name, cargo).arguments(arguments)
    }

    /// A line of shell.
    pub fn shell(name: &'static str, line: &str) -> Self {
        Self::program(name, "sh").arguments(&["-c", line])
    }

    /// With more arguments.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// With an environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// Where it cannot be run, or fails.
    pub fn run(mut self) -> anyhow::Result<()> {
        let started = self.announce();
        let status = self.command.status().with_context(|| format!("cannot run {:?}", self.command))?;
        self.done(started);
        if !status.success() {
            bail!("{} failed ({status}): {:?}", self.name, self.command);
        }
        Ok(())
    }

    /// Starts it behind everything else that runs, and shows nothing of it: whoever needs what it makes asks for it again,
    /// and sees.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn behind(self) -> anyhow::Result<Child> {
        let mut command = Command::new("nice");
        command.args(["-n", "15"]).arg(self.command.get_program()).args(self.command.get_args());
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().with_context(|| format!("cannot run {command:?}"))
    }

    /// Runs it, shows what it prints on stdout and gives that back, with whether it succeeded.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn run_and_read(mut self) -> anyhow::Result<(bool, String)> {
        let started = self.announce();
        let mut child =
            self.command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run {:?}", self.command))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut output = String::new();
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            output.push_str(&line);
            output.push('\n');
        }
        std::io::stdout().flush()?;
        let status = child.wait()?;
        self.done(started);
        Ok((status.success(), output))
    }

    fn announce(&self) -> Instant {
        println!("== {}", self.name);
        Instant::now()
    }

    fn done(&self, started: Instant) {
        println!("== {}: {} s", self.name, started.elapsed().as_secs());
    }
}
