//! The deployment files, read as what runs them reads them, and compared with what the program has.

mod compose;
mod dashboard;
mod image;
mod kubernetes;
mod kubernetes_links;
mod metrics;
mod prometheus;
