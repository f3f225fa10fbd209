//! The door over real sockets.

mod bad_input;
mod bounds;
mod client;
mod durable;
mod hl7;
mod journal;
mod receipts;
mod repeats;
mod serving;
mod site;
mod uploads;
