//! The directory and the `labs` commands over a store in memory.

mod directory;
mod labs;
mod stub;
