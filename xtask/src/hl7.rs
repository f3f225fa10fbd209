//! What referto reads and writes in HL7, checked by readers that nobody here wrote.

use std::{env, path::PathBuf};

use xtask::{python::Python, step::Step};

/// The real messages.
const FILES: &str = "schemas/tests/data/hl7";

/// Acknowledgements and reports that we wrote, validated strictly by hl7apy.
///
/// # Errors
/// Where the samples cannot be written.
pub(crate) fn written(python: &Python) -> anyhow::Result<Step> {
    let samples = target().join("hl7-samples").display().to_string();
    Step::shell("HL7 samples", &format!("rm -rf '{samples}'")).run()?;
    Step::program("HL7 samples", example("hl7_samples")).arguments(&[&samples]).run()?;
    Ok(python.script("written HL7, validated by hl7apy", "validate.py", &[&samples]))
}

/// Mutated messages: what is accepted of them, as an independent reading says. One mutation in `every`.
pub(crate) fn mutated(python: &Python, every: u32) -> Step {
    let (every, mutants) = (every.to_string(), example("mutants").display().to_string());
    python.script("mutated HL7, read by another", "differential.py", &["--every", &every, &mutants, FILES])
}

/// Examples are built with the tests.
fn example(name: &str) -> PathBuf {
    target().join("debug/examples").join(name)
}

fn target() -> PathBuf {
    let ours = || concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into();
    env::var_os("CARGO_TARGET_DIR").map_or_else(ours, PathBuf::from)
}
