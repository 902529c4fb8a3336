//! One limit for each of many keys, in bounded memory.
//!
//! governor keeps one number for each key: when everything that was used will be given back. So the
//! key whose number is the smallest has been idle the longest, and one whose time has come cannot be
//! told from a new one. When the room is used up, the idlest quarter is forgotten at once, so that a
//! flood of new keys pays for its own tidying, a few steps for each of them.

use std::collections::HashMap;
use std::hash::Hash;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use parking_lot::{Mutex, RwLock};

use super::Wait;
use super::clock::Ticks;

/// How many keys are remembered.
pub(super) const ROOM: usize = 4096;

/// A limit for each key apart.
#[derive(Debug)]
pub(super) struct Limiter<K: Hash + Eq + Clone> {
    inner: RwLock<Counted<K>>,
    clock: Ticks,
}

#[derive(Debug)]
struct Counted<K: Hash + Eq + Clone> {
    quota: Quota,
    limiter: RateLimiter<K, Cells<K>, Ticks, NoOpMiddleware<Nanos>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(super) fn new(quota: Quota, clock: &Ticks) -> Self {
        Self {
            inner: RwLock::new(Counted::new(quota, clock)),
            clock: clock.clone(),
        }
    }

    /// Counts one more for a key, or says how long it has to wait.
    pub(super) fn check(&self, key: &K) -> Result<(), Wait> {
        let until = match self.inner.read().limiter.check_key(key) {
            Ok(()) => return Ok(()),
            Err(until) => until,
        };
        Err(Wait(until.wait_time_from(self.clock.now())))
    }

    /// Sets another limit, and starts anew with it; the same limit changes nothing.
    pub(super) fn configure(&self, quota: Quota) {
        let mut inner = self.inner.write();
        if inner.quota != quota {
            *inner = Counted::new(quota, &self.clock);
        }
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        let inner = self.inner.read();
        inner.limiter.len()
    }
}

impl<K: Hash + Eq + Clone> Counted<K> {
    fn new(quota: Quota, clock: &Ticks) -> Self {
        let limiter = RateLimiter::new(quota, Cells::default(), clock.clone());
        Self { quota, limiter }
    }
}

/// The numbers of the keys that were used last.
#[derive(Debug)]
struct Cells<K>(Mutex<HashMap<K, Nanos>>);

impl<K> Default for Cells<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone> StateStore for Cells<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut cells = self.0.lock();
        if let Some(cell) = cells.get_mut(key) {
            let (outcome, next) = decide(Some(*cell))?;
            *cell = next;
            return Ok(outcome);
        }
        let (outcome, next) = decide(None)?;
        if cells.len() >= ROOM {
            forget_idlest(&mut cells, |cell| *cell);
        }
        cells.insert(key.clone(), next);
        Ok(outcome)
    }
}

#[cfg(test)]
impl<K: Hash + Eq + Clone> governor::state::keyed::ShrinkableKeyedStateStore<K> for Cells<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.lock().retain(|_, cell| *cell > drop_below);
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

/// Makes room: forgets the quarter of the entries that were of no more use first.
pub(super) fn forget_idlest<K: Hash + Eq, V, O: Ord + Copy>(
    entries: &mut HashMap<K, V>,
    useful_until: impl Fn(&V) -> O,
) {
    let mut times: Vec<O> = entries.values().map(&useful_until).collect();
    let quarter = times.len() / 4;
    if quarter == 0 {
        return;
    }
    let (_, limit, _) = times.select_nth_unstable(quarter - 1);
    let (limit, mut left) = (*limit, quarter);
    // Many may have the same time, and no more than the quarter goes.
    entries.retain(|_, entry| {
        let goes = left > 0 && useful_until(entry) <= limit;
        left -= usize::from(goes);
        !goes
    });
}
