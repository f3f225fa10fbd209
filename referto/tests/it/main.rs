//! The binary as its users meet it: real processes, real sockets, real files.

mod crash;
mod demo;
mod door;
mod hl7_files;
mod http;
mod load;
mod operate;
mod power;
mod replay;
mod sample;
#[cfg(feature = "scylla")]
mod scylla;
mod server;
