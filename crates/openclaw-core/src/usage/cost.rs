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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// What the tokens of a call cost instead, by how large its prompt is.
    #[serde(rename = "tieredPricing", skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// What tokens cost when a prompt is of a certain size; all of the call's tokens cost that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// With how many prompt tokens it begins, and before how many it ends, if it does.
    pub range: Vec<f64>,
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
        tiers: Vec::new(),
    };

    /// Returns what the tokens of one call cost, rounded up.
    ///
    /// ```
    /// use openclaw_core::{Price, Usage};
    ///
    /// let price = Price { input: 3.0, output: 15.0, cache_read: 0.3, ..Price::FREE };
    /// let usage = Usage { input: 1000, output: 200, cache_read: 10_000, ..Usage::default() };
    /// assert_eq!(price.of(&usage).usd(), 0.009);
    /// ```
    pub fn of(&self, usage: &Usage) -> Cost {
        self.rates(usage.prompt()).of(usage)
    }

    /// Returns the most that a call costs whose prompt has so many tokens at most, whatever of it is
    /// written to a cache.
    pub fn at_most(&self, prompt: u64, output: u64) -> Cost {
        let usage = Usage {
            input: prompt,
            output,
            ..Usage::default()
        };
        let reached = self
            .tiers
            .iter()
            .filter(|tier| tier.begins() <= float(prompt));
        reached
            .map(Rates::from)
            .chain([self.rates(prompt)])
            .map(|rates| {
                let input = rates.input.max(rates.cache_read).max(rates.cache_write);
                Rates { input, ..rates }.of(&usage)
            })
            .max()
            .unwrap_or_default()
    }

    /// Returns this with another price for calls whose prompts have more tokens than so many, which
    /// are more than those of the tiers that it has.
    #[must_use]
    pub fn dearer_above(mut self, tokens: u64, price: &Self) -> Self {
        if self.tiers.is_empty() {
            self.tiers = vec![Tier::new(0.0, &self)];
        }
        let begins = float(tokens.saturating_add(1));
        if let Some(below) = self.tiers.last_mut() {
            below.range.push(begins);
        }
        self.tiers.push(Tier::new(begins, price));
        self
    }

    /// Returns this with what it costs to have a prompt kept for an hour in the place of what it
    /// costs to have it kept for minutes.
    #[must_use]
    pub fn kept_for_an_hour(mut self) -> Self {
        self.cache_write = Rates::from(&self).cache_write_1h();
        for tier in &mut self.tiers {
            tier.cache_write = Rates::from(&*tier).cache_write_1h();
        }
        self
    }

    /// Returns what tokens cost when a prompt has so many.
    ///
    /// Where tiers overlap, the lower one goes; between two of them, and below all, the nearest
    /// does, as in OpenClaw.
    fn rates(&self, prompt: u64) -> Rates {
        let prompt = float(prompt);
        let order = |a: &&Tier, b: &&Tier| a.begins().total_cmp(&b.begins());
        let begun = || self.tiers.iter().filter(|tier| tier.begins() <= prompt);
        begun()
            .filter(|tier| tier.ends().is_none_or(|end| prompt < end))
            .min_by(order)
            .or_else(|| begun().max_by(order))
            .or_else(|| self.tiers.iter().min_by(order))
            .map_or_else(|| Rates::from(self), Rates::from)
    }
}

impl Tier {
    fn new(begins: f64, price: &Price) -> Self {
        Self {
            range: vec![begins],
            input: price.input,
            output: price.output,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
        }
    }

    fn begins(&self) -> f64 {
        self.range.first().copied().unwrap_or_default()
    }

    fn ends(&self) -> Option<f64> {
        let end = self.range.get(1).copied()?;
        (end > self.begins()).then_some(end)
    }
}

/// What the tokens of one call cost.
#[derive(Clone, Copy, Debug)]
struct Rates {
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write: f64,
}

impl Rates {
    /// What is kept for an hour costs twice as much as the prompt alone, at every provider that has
    /// a price for it.
    const fn cache_write_1h(&self) -> f64 {
        self.cache_write.max(self.input * 2.0)
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there is no `From`; the cast saturates, and what is lost is below a nano-USD"
    )]
    fn of(&self, usage: &Usage) -> Cost {
        let for_an_hour = usage.cache_write_1h.min(usage.cache_write);
        let dollars_per_million = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read),
            (
                usage.cache_write.saturating_sub(for_an_hour),
                self.cache_write,
            ),
            (for_an_hour, self.cache_write_1h()),
        ];
        let nanos: f64 = dollars_per_million
            .into_iter()
            // Nothing costs nothing, whatever the price is.
            .filter(|(tokens, _)| *tokens > 0)
            .map(|(tokens, price)| float(tokens) * price.max(0.0) * 1000.0)
            .sum();
        // What floating point adds beyond a thousandth of a nano-USD is no money.
        Cost((nanos - 0.001).ceil() as u64)
    }
}

impl From<&Price> for Rates {
    fn from(price: &Price) -> Self {
        Self {
            input: price.input,
            output: price.output,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
        }
    }
}

impl From<&Tier> for Rates {
    fn from(tier: &Tier) -> Self {
        Self {
            input: tier.input,
            output: tier.output,
            cache_read: tier.cache_read,
            cache_write: tier.cache_write,
        }
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "there is no `From`, and nobody has as many tokens as would be lost"
)]
const fn float(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            tiers: Vec::new(),
        };
        let usage = Usage {
            input: u64::MAX,
            output: u64::MAX,
            cache_read: u64::MAX,
            cache_write: u64::MAX,
            cache_write_1h: u64::MAX,
            reasoning: u64::MAX,
        };
        let mut cost = absurd.of(&usage);
        assert_eq!(cost, Cost::from_nanos(u64::MAX));
        cost += cost;
        assert_eq!(cost, Cost::from_nanos(u64::MAX));
    }

    fn tiered() -> Price {
        let tier = |range: &[f64], input: f64| Tier {
            range: range.to_vec(),
            input,
            output: input * 10.0,
            cache_read: input / 10.0,
            cache_write: input * 1.25,
        };
        Price {
            input: 9.0,
            // As a config may have them: in any order.
            tiers: vec![tier(&[201.0], 4.0), tier(&[0.0, 201.0], 2.0)],
            ..Price::FREE
        }
    }

    #[test]
    fn all_tokens_of_a_call_cost_what_its_prompt_says() {
        let cost = |input, cache_read, cache_write| {
            let usage = Usage {
                input,
                output: 1,
                cache_read,
                cache_write,
                ..Usage::default()
            };
            tiered().of(&usage).as_nanos()
        };
        assert_eq!(cost(200, 0, 0), 200 * 2000 + 20_000);
        assert_eq!(cost(201, 0, 0), 201 * 4000 + 40_000);
        assert_eq!(cost(1, 100, 100), 4000 + 40_000 + 100 * 400 + 100 * 5000);
        assert_eq!(cost(0, 0, 0), 20_000);
    }

    #[test]
    fn the_nearest_tier_goes_where_none_is() {
        let gap = Price {
            tiers: vec![
                Tier {
                    range: vec![10.0, 20.0],
                    ..tiered().tiers[1].clone()
                },
                Tier {
                    range: vec![30.0, 40.0],
                    ..tiered().tiers[0].clone()
                },
            ],
            ..Price::FREE
        };
        let dollars = [5, 15, 25, 35, 45].map(|prompt| gap.rates(prompt).input.to_string());
        assert_eq!(dollars, ["2", "2", "2", "4", "4"]);
    }

    #[test]
    fn what_is_kept_for_an_hour_costs_twice_the_prompt() {
        let usage = Usage {
            cache_write: 3,
            cache_write_1h: 2,
            ..Usage::default()
        };
        assert_eq!(tiered().of(&usage).as_nanos(), 2500 + 2 * 4000);
        let all = tiered().kept_for_an_hour().at_most(201, 0);
        assert_eq!(all.as_nanos(), 201 * 8000);
    }

    proptest! {
        #[test]
        fn no_call_costs_more_than_the_most(
            parts in (0_u64..200, 0_u64..200, 0_u64..200), output in 0_u64..9, beyond in 0_u64..200,
        ) {
            let (input, cache_read, cache_write) = parts;
            let usage = Usage { input, output, cache_read, cache_write, ..Usage::default() };
            let most = tiered().at_most(usage.prompt() + beyond, output);
            prop_assert!(tiered().of(&usage) <= most);
        }
    }
}
