//! What has to be true of a conversation in any wire format.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Findings, Rule, UserTexts, member};
use crate::fake_provider::seen::{Said, SeenCall, SeenRequest, SeenResult, Turn, text_of};

pub(super) fn check(seen: &SeenRequest, user_texts: UserTexts, findings: &mut Findings) {
    let messages = member(&seen.body, "messages");
    let mut walk = Walk {
        messages,
        open: Vec::new(),
        answered: BTreeSet::new(),
        calls: BTreeSet::new(),
        findings,
    };
    for turn in &seen.turns {
        walk.turn(turn);
    }
    walk.close();
    ends(&seen.turns, messages, findings);
    if user_texts == UserTexts::Distinct {
        distinct(&seen.turns, findings);
    }
}

fn ends(turns: &[Turn], messages: &Value, findings: &mut Findings) {
    if turns.is_empty() {
        findings.add(Rule::Role, "messages", "an empty conversation", messages);
    }
    let model = |turn: &&Turn| matches!(turn.said, Said::Assistant { .. });
    if let Some(turn) = turns.first().filter(model) {
        let message = "the conversation begins with the model";
        findings.add(Rule::Role, &turn.at, message, &Value::Null);
    }
    if let Some(turn) = turns.last().filter(model) {
        let message = "the conversation ends with the model";
        findings.add(Rule::Role, &turn.at, message, &Value::Null);
    }
}

fn distinct(turns: &[Turn], findings: &mut Findings) {
    let mut texts = BTreeSet::new();
    for turn in turns {
        let Said::User(parts) = &turn.said else {
            continue;
        };
        for text in parts.iter().filter_map(text_of) {
            if !texts.insert(text) {
                let message = "the user wrote this once, and it stands here again";
                findings.add(Rule::Repeated, &turn.at, message, &text.into());
            }
        }
    }
}

/// A way through the conversation.
struct Walk<'a> {
    messages: &'a Value,
    /// The calls of the last message of the model that have no result yet, and where they stand.
    open: Vec<(&'a str, &'a str)>,
    /// The calls of that message that have one.
    answered: BTreeSet<&'a str>,
    /// All calls so far.
    calls: BTreeSet<&'a str>,
    findings: &'a mut Findings,
}

impl<'a> Walk<'a> {
    fn turn(&mut self, turn: &'a Turn) {
        match &turn.said {
            Said::User(parts) => {
                self.close();
                self.answered.clear();
                self.no_twins(turn, parts);
            }
            Said::Assistant { parts, calls } => {
                self.close();
                self.answered.clear();
                self.no_twins(turn, parts);
                if parts.is_empty() && calls.is_empty() {
                    let message = "the model says nothing and calls nothing";
                    self.findings
                        .add(Rule::Content, &turn.at, message, &Value::Null);
                }
                self.call(turn, calls);
            }
            Said::Result(result) => self.result(turn, result),
        }
    }

    fn call(&mut self, turn: &'a Turn, calls: &'a [SeenCall]) {
        let mut here = BTreeSet::new();
        for call in calls {
            let id = call.id.as_str();
            let json = Value::from(id);
            if !here.insert(id) {
                let message = format!("two calls with the id `{id}` in one message");
                self.findings.add(Rule::CallId, &turn.at, message, &json);
            } else if !self.calls.insert(id) {
                let message = format!("an earlier message has the call `{id}` already");
                self.findings.add(Rule::Repeated, &turn.at, message, &json);
            }
            self.open.push((id, turn.at.as_str()));
        }
    }

    fn result(&mut self, turn: &Turn, result: &'a SeenResult) {
        let id = result.call_id.as_str();
        if let Some(place) = self.open.iter().position(|(open, _)| *open == id) {
            self.open.remove(place);
            self.answered.insert(id);
            return;
        }
        let message = if self.answered.contains(id) {
            format!("the call `{id}` is answered a second time")
        } else {
            format!("a result for `{id}`, which the message before does not call")
        };
        self.findings
            .add(Rule::Orphan, &turn.at, message, self.messages);
    }

    /// Reports what is still without a result when something else comes.
    fn close(&mut self) {
        for (id, at) in std::mem::take(&mut self.open) {
            let message = format!("the call `{id}` has no result right after its message");
            self.findings
                .add(Rule::Unanswered, at, message, self.messages);
        }
    }

    fn no_twins(&mut self, turn: &Turn, parts: &[Value]) {
        for (part, next) in parts.iter().zip(parts.iter().skip(1)) {
            if part == next {
                let message = "the same thing twice in a row";
                self.findings.add(Rule::Repeated, &turn.at, message, part);
            }
        }
    }
}
