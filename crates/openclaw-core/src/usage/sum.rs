//! Sums over many calls: tokens, money, and how long they took.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Cost, Usage};

/// What a number of model calls took together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageSum {
    /// How many calls there were, failed ones too.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of them used tokens at a price that nobody knows; they are not in `cost`.
    pub unpriced: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost, as far as that is known.
    pub cost: Cost,
    /// How long they took to their end.
    pub latency: Durations,
    /// How long they took to the first token.
    pub first_token: Durations,
}

impl AddAssign<&Self> for UsageSum {
    fn add_assign(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failed = self.failed.saturating_add(other.failed);
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        self.usage += other.usage;
        self.cost += other.cost;
        self.latency.merge(&other.latency);
        self.first_token.merge(&other.first_token);
    }
}

/// How many values below which there is a class for each.
const EXACT: u64 = 16;
/// Into how many classes each doubling is divided.
const CLASSES: u64 = 8;

/// Many durations, counted in classes whose widths grow with them: what is read from them is off
/// by a sixteenth at most, however many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Durations(BTreeMap<u64, u64>);

impl Durations {
    /// Counts one, in milliseconds.
    pub fn add(&mut self, ms: u64) {
        let count = self.0.entry(class(ms)).or_default();
        *count = count.saturating_add(1);
    }

    /// Takes in what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (class, more) in &other.0 {
            let count = self.0.entry(*class).or_default();
            *count = count.saturating_add(*more);
        }
    }

    /// Returns the duration in milliseconds that so many of a hundred do not exceed.
    ///
    /// ```
    /// let mut durations = openclaw_core::usage::Durations::default();
    /// (1..=1000).for_each(|ms| durations.add(ms));
    /// let median = durations.percentile(50).unwrap();
    /// assert!(median.abs_diff(500) <= 500 / 16, "{median}");
    /// ```
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.0.values().fold(0, |sum, n| sum.saturating_add(*n));
        let rank = total.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen = 0_u64;
        self.0.iter().find_map(|(class, count)| {
            seen = seen.saturating_add(*count);
            (seen >= rank).then(|| middle(*class))
        })
    }
}

fn class(ms: u64) -> u64 {
    if ms < EXACT {
        return ms;
    }
    let doublings = u64::from(ms.ilog2()).saturating_sub(u64::from(EXACT.ilog2()));
    // The highest four bits: one that is always set, and three that tell the class.
    let bits = ms >> doublings.saturating_add(1);
    EXACT
        .saturating_add(doublings.saturating_mul(CLASSES))
        .saturating_add(bits.saturating_sub(CLASSES))
}

fn middle(class: u64) -> u64 {
    let Some(above) = class.checked_sub(EXACT) else {
        return class;
    };
    let width = 1_u64
        .checked_shl(u32::try_from(above / CLASSES + 1).unwrap_or(u32::MAX))
        .unwrap_or(u64::MAX);
    (CLASSES + above % CLASSES)
        .saturating_mul(width)
        .saturating_add(width / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_duration_is_told_within_a_sixteenth(ms in 0_u64..10_000_000) {
            let mut durations = Durations::default();
            durations.add(ms);
            let told = durations.percentile(95).unwrap();
            prop_assert!(told.abs_diff(ms) <= ms.div_ceil(16), "{ms} is told as {told}");
        }

        #[test]
        fn longer_durations_are_in_no_lower_class(a: u64, b: u64) {
            prop_assert!(a > b || class(a) <= class(b));
        }
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Durations::default().percentile(50), None);
    }

    #[test]
    fn sums_survive_absurd_numbers() {
        let mut sum = UsageSum {
            calls: u64::MAX,
            cost: Cost::from_nanos(u64::MAX),
            ..UsageSum::default()
        };
        let other = sum.clone();
        sum += &other;
        assert_eq!(
            (sum.calls, sum.cost),
            (u64::MAX, Cost::from_nanos(u64::MAX))
        );
    }
}
