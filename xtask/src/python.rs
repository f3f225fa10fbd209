//! Python with pinned packages: readers of HL7 and of Compose files that nobody here wrote.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
};

use anyhow::Context as _;

use crate::step::Step;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// An environment of its own, made once for each list of packages.
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The environment, made where it is missing; packages are checked against the digests in `requirements.txt`.
    ///
    /// # Errors
    /// Where Python's venv is missing, or the packages cannot be had.
    pub fn ready() -> anyhow::Result<Self> {
        let list = fs::read(format!("{ROOT}/xtask/python/requirements.txt")).context("no list of packages")?;
        let mut hasher = DefaultHasher::new();
        list.hash(&mut hasher);
        let folder = PathBuf::from(format!("{ROOT}/target/python/{:016x}", hasher.finish()));
        let (interpreter, made) = (folder.join("bin/python"), folder.join("made"));
        if !made.exists() {
            // What an interrupted run left behind is made anew.
            let folder = folder.display();
            let line = format!(
                "rm -rf '{folder}' && python3 -m venv '{folder}' && '{folder}/bin/python' -m pip install --quiet \
                 --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r xtask/python/requirements.txt"
            );
            Step::shell("Python packages", &line).run()?;
            fs::write(&made, "")?;
        }
        Ok(Self { interpreter })
    }

    /// A script of `xtask/python` with its arguments.
    pub fn script(&self, name: &'static str, script: &str, arguments: &[&str]) -> Step {
        Step::program(name, &self.interpreter).arguments(&[&format!("xtask/python/{script}")]).arguments(arguments)
    }
}
