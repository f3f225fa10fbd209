//! What is measured, and its floors: for `cargo xtask measure` (`main.rs`) and for criterion (`benches/`).
//!
//! * [`decode`]: a body into reports, beside a split of the same bytes, and a tape of the same JSON.
//! * [`commit`]: the journal's and the store's transactions, beside [`raw_loop`], SQLite alone with the same rows.
//! * [`reports`]: what is decoded and stored; [`table`]: rounds of ours and floor by turns, and their ratio.

pub mod commit;
pub mod decode;
pub mod raw_loop;
pub mod reports;
pub mod table;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
