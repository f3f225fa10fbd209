//! The binary as its users meet it: real processes, real sockets, real files.

mod crash;
mod demo;
mod door;
mod hl7_files;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod load;
mod operate;
mod power;
mod replay;
mod sample;
mod server;
