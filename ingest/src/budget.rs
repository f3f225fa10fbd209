//! The bytes that all uploads in hand may hold together.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::metrics;

/// A budget of bytes, given out first come, first served: a large upload is not passed by small ones for ever.
pub(crate) struct Budget {
    free_kib: Arc<Semaphore>,
    total_kib: u32,
    wait: Duration,
}

/// No part of the budget came free in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

impl Budget {
    /// A budget of `bytes`; who asks waits at most for `wait`.
    pub(crate) fn new(bytes: usize, wait: Duration) -> Arc<Self> {
        let total_kib = kib(bytes).max(1);
        Arc::new(Self { free_kib: Arc::new(Semaphore::new(total_kib as usize)), total_kib, wait })
    }

    /// Holds nothing yet.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { budget: Arc::clone(self), permit: None }
    }
}

/// One upload's part of the budget; given back when dropped.
pub(crate) struct Held {
    budget: Arc<Budget>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Makes this part `bytes` large in all: waits where it grows, gives back where it shrinks. An upload that alone
    /// needs more than the whole budget holds all of it.
    ///
    /// # Errors
    /// [`Overloaded`]; what was held is still held.
    pub(crate) async fn resize(&mut self, bytes: usize) -> Result<(), Overloaded> {
        let (have, want) = (self.kib(), kib(bytes).min(self.budget.total_kib));
        if want > have {
            let more = self.take(want.saturating_sub(have)).await?;
            metrics::bytes_in_hand(i64::from(want.saturating_sub(have)) * 1024);
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
        } else if let Some(permit) = &mut self.permit {
            let back = permit.split(have.saturating_sub(want) as usize);
            metrics::bytes_in_hand(i64::from(want) * 1024 - i64::from(have) * 1024);
            drop(back);
        }
        Ok(())
    }

    async fn take(&self, kib: u32) -> Result<OwnedSemaphorePermit, Overloaded> {
        let free = &self.budget.free_kib;
        // The usual case needs no timer. A semaphore with waiters has nothing free, so nobody is passed here.
        if let Ok(permit) = Arc::clone(free).try_acquire_many_owned(kib) {
            return Ok(permit);
        }
        match timeout(self.budget.wait, Arc::clone(free).acquire_many_owned(kib)).await {
            Ok(Ok(permit)) => Ok(permit),
            // Closed is never: nobody closes it.
            Ok(Err(_)) | Err(_) => Err(Overloaded),
        }
    }

    fn kib(&self) -> u32 {
        let permits = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(permits).unwrap_or(u32::MAX)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        metrics::bytes_in_hand(i64::from(self.kib()) * -1024);
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_is_waited_for_given_back_and_never_more_than_all() {
        let budget = Budget::new(10 << 10, Duration::from_secs(5));
        let (mut one, mut two) = (budget.hold(), budget.hold());
        one.resize(8 << 10).await.unwrap();
        assert_eq!(two.resize(3 << 10).await, Err(Overloaded));
        one.resize(7 << 10).await.unwrap();
        two.resize(3 << 10).await.unwrap();
        drop(one);
        two.resize(99 << 20).await.unwrap();
        assert_eq!((two.kib(), budget.free_kib.available_permits()), (10, 0));
        two.resize(0).await.unwrap();
        drop(two);
        assert_eq!(budget.free_kib.available_permits(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_part_is_not_passed_by_small_ones() {
        let budget = Budget::new(10 << 10, Duration::from_secs(5));
        let (mut first, mut large, mut small) = (budget.hold(), budget.hold(), budget.hold());
        first.resize(5 << 10).await.unwrap();
        let waits = tokio::spawn(async move {
            large.resize(10 << 10).await.unwrap();
            large
        });
        tokio::task::yield_now().await;
        let passes = tokio::spawn(async move { small.resize(1 << 10).await.map(|()| small) });
        tokio::task::yield_now().await;
        assert!(!passes.is_finished());
        drop(first);
        let large = waits.await.unwrap();
        assert!(!passes.is_finished());
        drop(large);
        passes.await.unwrap().unwrap();
    }
}
