//! Who has shown too many wrong credentials, and for how long nothing of theirs is looked at.
//!
//! The window is cut into slots that are counted apart, so that an address takes the same room
//! however many wrong credentials are allowed. A slot that is partly out of the window still counts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use governor::clock::Clock as _;
use openclaw_config::LockoutSettings;
use parking_lot::Mutex;

use super::cells::{ROOM, forget_idlest};
use super::clock::Ticks;
use super::{Place, Wait, is_loopback};

/// Into how many slots the window is cut.
const SLOTS: usize = 12;
/// The same, for times.
const SLOTS_IN_TIME: u64 = 12;

/// Wrong credentials, by address.
#[derive(Debug)]
pub(super) struct Lockouts {
    book: Mutex<Book>,
    clock: Ticks,
}

#[derive(Debug)]
struct Book {
    settings: LockoutSettings,
    offenders: HashMap<Place, Offender>,
}

/// What one address has done; times are nanoseconds of the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Offender {
    /// How often in each slot, from the present one back; the last reaches out of the window.
    counts: [u32; SLOTS + 1],
    /// The number of the present slot.
    slot: u64,
    /// When it may try again; in the past where it is not locked out.
    locked_until: u64,
    /// When nothing of this matters any more.
    useful_until: u64,
}

impl Lockouts {
    pub(super) fn new(settings: LockoutSettings, clock: Ticks) -> Self {
        let book = Book {
            settings,
            offenders: HashMap::new(),
        };
        Self {
            book: Mutex::new(book),
            clock,
        }
    }

    /// Takes up changed settings; whoever is locked out stays so until then.
    pub(super) fn configure(&self, settings: LockoutSettings) {
        let mut book = self.book.lock();
        if book.settings.window != settings.window {
            // The slots are of another length now, so that what was counted in them says nothing.
            let now = self.clock.now().as_u64();
            book.offenders
                .retain(|_, offender| offender.locked_until > now);
        }
        book.settings = settings;
    }

    /// Returns how long an address is locked out yet.
    pub(super) fn locked(&self, from: Option<IpAddr>) -> Option<Wait> {
        let book = self.book.lock();
        if book.exempts(from) {
            return None;
        }
        let offender = book.offenders.get(&Place::of(from))?;
        offender.wait(self.clock.now().as_u64())
    }

    /// Counts a wrong credential; enough of them lock the address out.
    pub(super) fn wrong(&self, from: Option<IpAddr>) {
        let now = self.clock.now().as_u64();
        let book = &mut *self.book.lock();
        if book.exempts(from) {
            return;
        }
        let settings = &book.settings;
        let place = Place::of(from);
        if book.offenders.len() >= ROOM && !book.offenders.contains_key(&place) {
            forget_idlest(&mut book.offenders, |offender| offender.useful_until);
        }
        let offender = book.offenders.entry(place).or_default();
        offender.count(now, settings);
    }

    /// Forgets everything about an address.
    pub(super) fn forget(&self, from: Option<IpAddr>) {
        self.book.lock().offenders.remove(&Place::of(from));
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.book.lock().offenders.len()
    }
}

impl Book {
    fn exempts(&self, from: Option<IpAddr>) -> bool {
        self.settings.exempt_loopback && from.is_some_and(is_loopback)
    }
}

impl Offender {
    fn wait(&self, now: u64) -> Option<Wait> {
        let left = self.locked_until.checked_sub(now)?;
        (left > 0).then(|| Wait(Duration::from_nanos(left)))
    }

    fn count(&mut self, now: u64, settings: &LockoutSettings) {
        // One that comes while it is locked out makes it no longer, or it might never end.
        if self.locked_until > now {
            return;
        }
        let window = nanos(settings.window);
        self.move_to(now / (window / SLOTS_IN_TIME).max(1));
        if let Some(present) = self.counts.first_mut() {
            *present = present.saturating_add(1);
        }
        self.useful_until = now.saturating_add(window);
        let count = self
            .counts
            .iter()
            .fold(0_u32, |sum, n| sum.saturating_add(*n));
        if count >= settings.attempts.get() {
            self.counts = [0; SLOTS + 1];
            self.locked_until = now.saturating_add(nanos(settings.lockout));
            self.useful_until = self.locked_until;
        }
    }

    fn move_to(&mut self, slot: u64) {
        let passed = slot.saturating_sub(self.slot);
        let passed = usize::try_from(passed).unwrap_or(usize::MAX);
        let passed = passed.min(self.counts.len());
        self.counts.rotate_right(passed);
        self.counts.iter_mut().take(passed).for_each(|n| *n = 0);
        self.slot = slot;
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
