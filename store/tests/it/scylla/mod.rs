//! The store on a real server; each test passes where none is given, and says so.

mod conformance;
mod faults;
mod kill;
mod node;
mod schema;
