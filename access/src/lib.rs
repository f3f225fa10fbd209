//! Laboratories and their keys, and the directory that the doors authenticate from.
//!
//! The store holds each laboratory as a document ([`lab`]); [`labs`] changes them; [`Directory`] is this node's own
//! last good copy, in memory and on disk, so that uploads are authenticated with the store down.
//!
//! A key is shown once, when it is made ([`key`]): documents, copies and logs have its SHA-256 alone.

pub mod directory;
pub mod key;
pub mod lab;
pub mod labs;
mod refusal;

pub use directory::{AuthError, Directory};
pub use key::IssuedKey;
pub use lab::{Key, Lab, Zone};
pub use labs::{AccessError, NewLab, add, list, revoke, rotate};
pub use refusal::bearer;
