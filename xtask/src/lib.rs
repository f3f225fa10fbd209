//! What tests share with `cargo xtask`: real servers on this machine.

pub mod servers;
