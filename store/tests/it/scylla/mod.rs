//! The store on a real server; each test passes where none is given, and says so.

mod between;
mod conformance;
mod expiry;
mod fault;
mod faults;
mod forged;
mod kill;
mod node;
mod schema;
mod tls;
