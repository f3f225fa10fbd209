//! What every adapter does: functions over the trait, run by each adapter's tests, the real servers' included.
//!
//! A case opens as many empty stores as it needs. A fault found in one adapter becomes a case here.

mod admission;
mod fixture;
mod labs;
pub mod load;
mod marks;
mod reading;
mod replay;

use std::sync::Arc;

pub use self::fixture::Latest;

use crate::{BoxFuture, Store};

/// Gives an empty store at each call.
pub type Open = Arc<dyn Fn() -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync>;

/// One promise of the trait: its name, and the function that panics where it is not kept.
pub type Case = (&'static str, fn(Open) -> BoxFuture<'static, ()>);

/// Every case.
pub const CASES: &[Case] = &[
    ("the same batch again changes nothing", |open| Box::pin(replay::again(open))),
    ("any cut and any redelivery of the same records gives the same rows", |open| Box::pin(replay::redelivery(open))),
    ("outcomes follow from what stood before", |open| Box::pin(admission::outcomes(open))),
    ("an accepted item replaces a refused or dead one, and nothing else is replaced", |open| {
        Box::pin(admission::replacement(open))
    }),
    ("a version keeps its first place, and each issue time is one more", |open| Box::pin(admission::versions(open))),
    ("touched reports come once, in order, repeats too", |open| Box::pin(admission::touched(open))),
    ("an upload's facts are those of its first record", |open| Box::pin(admission::first_facts(open))),
    ("an upload refused whole is done", |open| Box::pin(admission::rejected(open))),
    ("what a row holds comes back as it was", |open| Box::pin(admission::round_trip(open))),
    ("a content as large as any store takes comes back", |open| Box::pin(admission::largest(open))),
    ("each batch wakes who waits", |open| Box::pin(admission::wakes(open))),
    ("marks of emission are written before the batch that brings them", |open| Box::pin(marks::emitted(open))),
    ("places move forward only", |open| Box::pin(marks::places(open))),
    ("what stood before a fence is told apart", |open| Box::pin(marks::fences(open))),
    ("items are paged by index", |open| Box::pin(reading::items(open))),
    ("a day's uploads are paged, newest first", |open| Box::pin(reading::submissions(open))),
    ("reports are found by number, day and person", |open| Box::pin(reading::reports(open))),
    ("a phone's persons are known, up to a few", |open| Box::pin(reading::phones(open))),
    ("work lists are paged, longest waiting first, and counted", |open| Box::pin(reading::held(open))),
    ("a cursor is of one list alone", |open| Box::pin(reading::cursors(open))),
    ("a laboratory's document is written by who knows the last", |open| Box::pin(labs::compare_and_set(open))),
];
