//! Admission on the real embedded journal and store.

mod admission;
mod house;
mod outage;
mod outages;
