//! The binary as its users meet it: real processes, real sockets, real files.

#[cfg(all(feature = "kafka", feature = "scylla"))]
mod chaos;
#[cfg(all(feature = "kafka", feature = "scylla"))]
mod cluster;
mod crash;
mod demo;
#[cfg(all(feature = "kafka", feature = "scylla"))]
mod deployment;
mod door;
mod hl7_files;
mod hl7_mutants;
mod hl7_orders;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod load;
mod operate;
mod power;
mod replay;
mod sample;
#[cfg(all(feature = "kafka", feature = "scylla"))]
mod schema;
#[cfg(feature = "scylla")]
mod scylla;
mod server;
