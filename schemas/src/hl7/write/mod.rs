//! What is written in HL7 v2: acknowledgements of messages (`ack`, with what it takes of the message in `sent`, its ERR
//! segments in `err` and table 0357 in `codes`), and stored reports as ORU^R01 (`report`, with a file for each kind of segment).

mod ack;
mod codes;
mod err;
mod observation;
mod patient;
mod report;
mod segment;
mod sent;
mod specimen;
mod status;
mod time;

pub use self::{
    ack::{Answer, acknowledge},
    report::{Outgoing, OutgoingHeader, Unwritable, write_reports},
};
