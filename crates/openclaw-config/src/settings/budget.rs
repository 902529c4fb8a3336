//! `budget`: what models may cost; a setting of this program's own.

use openclaw_core::{Cost, Price, Usage};
use serde_json::Value;

use super::own_providers::unknown;
use super::reader::whole_number;
use crate::problem::{KeyPath, Problem};

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "budget";

/// What may be capped.
const CAPS: [&str; 5] = ["turn", "session", "agent", "day", "unattended"];
const USD: &str = "usd";
const TOKENS: &str = "tokens";

/// The most that a cap may be set to, in US dollars.
const MOST_USD: f64 = 1_000_000.0;

/// What models may cost, for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetSettings {
    /// One message and everything that is done to answer it (`turn`).
    pub turn: Option<Cap>,
    /// One session (`session`).
    pub session: Option<Cap>,
    /// One agent in a day (`agent`).
    pub agent: Option<Cap>,
    /// Everything in a day (`day`).
    pub day: Option<Cap>,
    /// One run that nobody waits for (`unattended`).
    pub unattended: Option<Cap>,
}

/// A cap; where both are given, the one that is reached first counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cap {
    /// In money (`usd`).
    pub usd: Option<Cost>,
    /// In tokens of every kind (`tokens`).
    pub tokens: Option<u64>,
}

/// Returns everything that is wrong with a `budget` at this place.
pub(super) fn problems(path: &KeyPath, budget: &Value) -> Vec<Problem> {
    let Some(caps) = budget.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (key, cap) in caps {
        let at = path.key(key);
        if !CAPS.contains(&key.as_str()) {
            problems.push(unknown(at, key, &CAPS));
            continue;
        }
        match cap.as_object() {
            Some(members) if members.is_empty() => {
                problems.push(Problem::new(at, "needs `usd`, `tokens` or both"));
            }
            Some(members) => problems.extend(members.iter().filter_map(|(key, value)| {
                let at = at.key(key);
                match key.as_str() {
                    USD if money(value).is_none() => Some(Problem::new(
                        at,
                        format!("expected US dollars: a number from 0 to {MOST_USD}"),
                    )),
                    TOKENS if whole_number(value).is_none() => {
                        Some(Problem::new(at, "expected a whole number from 0 on"))
                    }
                    USD | TOKENS => None,
                    _ => Some(unknown(at, key, &[USD, TOKENS])),
                }
            })),
            None => problems.push(Problem::new(at, "expected an object")),
        }
    }
    problems
}

/// Reads a `budget` that was judged; what is wrong with it is left out.
pub(super) fn read(budget: Option<&Value>) -> BudgetSettings {
    let cap = |key: &str| {
        let cap = budget?.get(key)?.as_object()?;
        Some(Cap {
            usd: cap.get(USD).and_then(money),
            tokens: cap.get(TOKENS).and_then(whole_number),
        })
    };
    BudgetSettings {
        turn: cap("turn"),
        session: cap("session"),
        agent: cap("agent"),
        day: cap("day"),
        unattended: cap("unattended"),
    }
}

fn money(value: &Value) -> Option<Cost> {
    let usd = value.as_f64()?;
    (0.0..=MOST_USD).contains(&usd).then(|| {
        let price = Price {
            input: usd,
            ..Price::FREE
        };
        // A price is per million tokens, so that a million of them cost just that.
        price.of(&Usage {
            input: 1_000_000,
            ..Usage::default()
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn caps_are_money_or_tokens_or_both() {
        let budget = json!({ "day": { "usd": 4.5, "tokens": 1e6 }, "turn": { "usd": 0 } });
        assert_eq!(problems(&KeyPath::root().key(KEY), &budget), []);
        assert_eq!(
            read(Some(&budget)),
            BudgetSettings {
                day: Some(Cap {
                    usd: Some(Cost::from_nanos(4_500_000_000)),
                    tokens: Some(1_000_000),
                }),
                turn: Some(Cap {
                    usd: Some(Cost::from_nanos(0)),
                    tokens: None,
                }),
                ..BudgetSettings::default()
            }
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        for (budget, message) in [
            (json!([]), "budget: expected an object"),
            (
                json!({"week": {"usd": 1}}),
                "budget.week: Unrecognized key: \"week\"",
            ),
            (json!({"day": 5}), "budget.day: expected an object"),
            (
                json!({"day": {}}),
                "budget.day: needs `usd`, `tokens` or both",
            ),
            (
                json!({"day": {"usd": -1}}),
                "budget.day.usd: expected US dollars: a number from 0 to 1000000",
            ),
            (
                json!({"day": {"usd": "5"}}),
                "budget.day.usd: expected US dollars: a number from 0 to 1000000",
            ),
            (
                json!({"day": {"tokens": 1.5}}),
                "budget.day.tokens: expected a whole number from 0 on",
            ),
            (
                json!({"day": {"tokens": -1}}),
                "budget.day.tokens: expected a whole number from 0 on",
            ),
            (
                json!({"day": {"eur": 1}}),
                "budget.day.eur: Unrecognized key: \"eur\"",
            ),
        ] {
            let told = problems(&KeyPath::root().key(KEY), &budget);
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(message), "{told:?}");
        }
    }
}
