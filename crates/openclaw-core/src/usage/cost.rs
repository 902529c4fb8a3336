//! Money: what tokens cost, and what calls did.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Usage;

/// An amount in billionths of a US dollar (nano-USD), which holds the price of a single token.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Cost(u64);

impl Cost {
    /// Makes an amount of nano-USD.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the amount in nano-USD.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the amount in US dollars, to be shown and not to be calculated with.
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "there is no `From`, and what is lost is below what is shown"
    )]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// What a model's tokens cost, in US dollars per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Price {
    /// Prompt tokens that are not cached.
    pub input: f64,
    /// Tokens that the model writes.
    pub output: f64,
    /// Prompt tokens that are read from the provider's cache.
    pub cache_read: f64,
    /// Prompt tokens that are written to the provider's cache.
    pub cache_write: f64,
}

impl Price {
    /// What a model on one's own machine costs.
    pub const FREE: Self = Self {
        input: 0.0,
        output: 0.0,
        cache_read: 0.0,
        cache_write: 0.0,
    };

    /// Returns what these tokens cost, rounded up.
    ///
    /// ```
    /// use openclaw_core::{Price, Usage};
    ///
    /// let price = Price { input: 3.0, output: 15.0, cache_read: 0.3, cache_write: 3.75 };
    /// let usage = Usage { input: 1000, output: 200, cache_read: 10_000, ..Usage::default() };
    /// assert_eq!(price.of(&usage).usd(), 0.009);
    /// ```
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there is no `From`; the cast saturates, and what is lost is below a nano-USD"
    )]
    pub fn of(&self, usage: &Usage) -> Cost {
        let dollars_per_million = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
        ];
        let nanos: f64 = dollars_per_million
            .into_iter()
            .map(|(tokens, price)| tokens as f64 * price.max(0.0) * 1000.0)
            .sum();
        // What floating point adds beyond a thousandth of a nano-USD is no money.
        Cost((nanos - 0.001).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_its_tokens_cost_and_never_less() {
        let price = Price {
            input: 0.0375,
            output: 0.15,
            ..Price::FREE
        };
        let usage = |input, output| Usage {
            input,
            output,
            ..Usage::default()
        };
        assert_eq!(price.of(&usage(0, 0)), Cost::from_nanos(0));
        assert_eq!(price.of(&usage(1, 0)), Cost::from_nanos(38));
        assert_eq!(price.of(&usage(2, 1)), Cost::from_nanos(225));
        assert_eq!(price.of(&usage(1_000_000, 0)), Cost::from_nanos(37_500_000));
    }

    #[test]
    fn prices_and_counts_from_outside_do_not_overflow() {
        let absurd = Price {
            input: f64::MAX,
            output: f64::NAN,
            cache_read: -1.0,
            cache_write: f64::INFINITY,
        };
        let usage = Usage {
            input: u64::MAX,
            output: u64::MAX,
            cache_read: u64::MAX,
            cache_write: u64::MAX,
            reasoning: u64::MAX,
        };
        let mut cost = absurd.of(&usage);
        assert_eq!(cost, Cost::from_nanos(u64::MAX));
        cost += cost;
        assert_eq!(cost, Cost::from_nanos(u64::MAX));
    }
}
