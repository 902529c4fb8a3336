//! What a model decided in one step, and in what two decisions differ.

use openclaw_core::{ProviderId, Usage};

use crate::calls::Call;

/// What a model decided in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The provider that was asked, where that is known.
    pub provider: Option<ProviderId>,
    /// The model that answered, as its provider names it.
    pub model: String,
    /// What it wrote for the reader.
    pub text: String,
    /// What it wanted done, in its order.
    pub calls: Vec<Call>,
    /// The tokens that the step took, where that is known.
    pub usage: Option<Usage>,
    /// Why the model stopped, where that is known.
    pub stop: Option<String>,
}

/// Something that two decisions differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The tool calls: tools or arguments.
    Calls,
    /// The text.
    Text,
    /// The reason for stopping.
    Stop,
    /// The tokens of the prompt, cached or not, or of the answer.
    Tokens,
}

impl Difference {
    /// Everything that decisions can differ in.
    pub const ALL: [Self; 4] = [Self::Calls, Self::Text, Self::Stop, Self::Tokens];

    /// Returns the name that scripts and people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Text => "text",
            Self::Stop => "stop",
            Self::Tokens => "tokens",
        }
    }
}

impl Decision {
    /// Returns in what another decision differs from this one; what one of them does not tell is
    /// no difference.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let differs = |difference: &Difference| match difference {
            Difference::Calls => !CallChanges::between(&self.calls, &other.calls).is_empty(),
            Difference::Text => self.text != other.text,
            Difference::Stop => differ(self.stop.as_ref(), other.stop.as_ref()),
            Difference::Tokens => differ(self.usage.map(shape), other.usage.map(shape)),
        };
        Difference::ALL.into_iter().filter(differs).collect()
    }
}

/// What part of a prompt a cache held differs from call to call and says nothing about the model.
fn shape(usage: Usage) -> (u64, u64) {
    (usage.prompt(), usage.output)
}

fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// Two calls are the same when tool and arguments are; ids are the provider's.
pub(super) fn same(one: &Call, other: &Call) -> bool {
    one.tool == other.tool && one.params == other.params
}

/// From one step's calls to another's; their order does not count, for they run side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct CallChanges<'a> {
    /// Calls of both.
    pub kept: Vec<&'a Call>,
    /// Calls of the first only.
    pub left_out: Vec<&'a Call>,
    /// Calls of the second only.
    pub added: Vec<&'a Call>,
}

impl<'a> CallChanges<'a> {
    /// Compares the calls of two steps.
    pub fn between(first: &'a [Call], second: &'a [Call]) -> Self {
        let mut added: Vec<&Call> = second.iter().collect();
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for call in first {
            match added.iter().position(|other| same(call, other)) {
                Some(place) => {
                    added.remove(place);
                    kept.push(call);
                }
                None => left_out.push(call),
            }
        }
        Self {
            kept,
            left_out,
            added,
        }
    }

    /// Tells whether both have the same calls.
    pub const fn is_empty(&self) -> bool {
        self.left_out.is_empty() && self.added.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(id: &str, params: Value) -> Call {
        Call {
            id: id.into(),
            tool: "exec".to_owned(),
            params,
        }
    }

    fn decision(calls: Vec<Call>) -> Decision {
        Decision {
            provider: Some("p".into()),
            model: "m".to_owned(),
            text: "Looking.".to_owned(),
            calls,
            usage: Some(Usage {
                input: 10,
                output: 5,
                ..Usage::default()
            }),
            stop: Some("tool_use".to_owned()),
        }
    }

    #[test]
    fn order_and_ids_of_calls_and_the_order_of_arguments_do_not_count() {
        let one = decision(vec![
            call("1", json!({"a": 1, "b": [2]})),
            call("2", json!({})),
        ]);
        let other = decision(vec![
            call("x", json!({})),
            call("y", json!({"b": [2], "a": 1})),
        ]);
        assert_eq!(one.differences(&other), []);
    }

    #[test]
    fn a_call_that_is_made_twice_is_not_the_same_as_once() {
        let one = decision(vec![call("1", json!({}))]);
        let two = decision(vec![call("1", json!({})), call("2", json!({}))]);
        assert_eq!(one.differences(&two), [Difference::Calls]);
        let changes = CallChanges::between(&one.calls, &two.calls);
        assert_eq!(
            (
                changes.kept.len(),
                changes.left_out.len(),
                changes.added.len()
            ),
            (1, 0, 1)
        );
    }

    #[test]
    fn a_cache_that_held_the_prompt_is_no_difference_and_more_tokens_are() {
        let usage = |input, cache_read, output| {
            Some(Usage {
                input,
                cache_read,
                output,
                ..Usage::default()
            })
        };
        let with = |usage| Decision {
            usage,
            ..decision(vec![])
        };
        let recorded = with(usage(10, 0, 5));
        assert_eq!(recorded.differences(&with(usage(2, 8, 5))), []);
        for other in [usage(10, 1, 5), usage(10, 0, 6)] {
            assert_eq!(recorded.differences(&with(other)), [Difference::Tokens]);
        }
    }

    #[test]
    fn what_is_not_on_record_is_no_difference() {
        let imported = Decision {
            usage: None,
            stop: None,
            ..decision(vec![])
        };
        assert_eq!(imported.differences(&decision(vec![])), []);
    }
}
