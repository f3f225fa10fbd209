//! What tests share with `cargo xtask`: real servers on this machine, Python with pinned packages, the deployment files.

pub mod deployment;
pub mod python;
pub mod servers;
pub mod step;
