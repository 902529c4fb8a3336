//! Telling a turn that goes round in circles from one that gets somewhere.
//!
//! A call that is made again and again with the same arguments and comes to the same result each
//! time gets nowhere. The model is told so once; if it goes on, the turn ends. Calls in between do
//! not count against it, and a result that differs starts the count anew.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::calls::Call;

/// When a turn goes round in circles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopRules {
    /// Whether it is looked for at all.
    pub watch: Watch,
    /// After how many equal calls with equal results the model is told.
    pub tell_after: u32,
    /// After how many the turn ends.
    pub end_after: u32,
    /// How many times as many a tool may take whose purpose it is to be asked again.
    pub patience_with_polling: u32,
}

/// Whether circles are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// They are.
    #[default]
    On,
    /// A turn may do what it likes within its other bounds.
    Off,
}

impl Default for LoopRules {
    fn default() -> Self {
        Self {
            watch: Watch::On,
            tell_after: 4,
            end_after: 8,
            patience_with_polling: 4,
        }
    }
}

/// Tools whose purpose it is to be asked again, and what their call says then.
const POLLS: [(&str, &[&str]); 1] = [("process", &["poll", "log", "list"])];

/// Members of a result that differ from call to call and say nothing about what came of it.
const VOLATILE: [&str; 14] = [
    "cwd",
    "durationMs",
    "duration",
    "elapsed",
    "endedAt",
    "fetchedAt",
    "messageId",
    "pid",
    "runningSeconds",
    "sessionId",
    "startedAt",
    "time",
    "timestamp",
    "tookMs",
];

/// Tools whose results begin with members, one a line, as a model reads them.
const STRUCTURED: [&str; 3] = ["exec", "process", "web_fetch"];

/// Words after which a number names a process or an attempt.
const NUMBERED: [&str; 4] = ["pid", "process", "attempt", "retry"];

/// Units in which texts give times.
const UNITS: [&str; 12] = [
    "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "minutes", "us", "µs", "ns",
];

/// What one turn has called so far.
#[derive(Debug, Default)]
pub(crate) struct Circles {
    seen: HashMap<Digest, Streak>,
    told: bool,
}

type Digest = [u8; 32];

#[derive(Debug)]
struct Streak {
    result: Digest,
    length: u32,
}

/// What is to be done about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Circle {
    /// Nothing: it is no circle.
    None,
    /// The model is to be told, in these words.
    Tell(String),
    /// The turn is to end.
    End {
        /// The tool that was called.
        tool: String,
        /// How often it was.
        times: u32,
    },
}

impl Circles {
    /// Takes note of a call and what it came to.
    pub(crate) fn note(
        &mut self,
        rules: &LoopRules,
        call: &Call,
        own_name: &str,
        result: &str,
    ) -> Circle {
        if rules.watch == Watch::Off {
            return Circle::None;
        }
        let key = digest(&(&call.tool, &call.params.to_string()));
        let result = digest(&(own_name, &stable(own_name, result)));
        let streak = self.seen.entry(key).or_insert(Streak { result, length: 0 });
        if streak.result != result {
            *streak = Streak { result, length: 0 };
        }
        streak.length = streak.length.saturating_add(1);
        let times = streak.length;
        let patience = if polls(own_name, &call.params) {
            rules.patience_with_polling.max(1)
        } else {
            1
        };
        if times >= rules.end_after.saturating_mul(patience) {
            let tool = call.tool.clone();
            return Circle::End { tool, times };
        }
        if times >= rules.tell_after.saturating_mul(patience) && !self.told {
            self.told = true;
            return Circle::Tell(format!(
                "(Note of the program: `{}` was called {times} times with the same arguments and \
                 came to the same result each time. Calling it again will not change that. Try \
                 something else, or answer with what is known and say what is in the way.)",
                call.tool
            ));
        }
        Circle::None
    }
}

fn polls(tool: &str, params: &Value) -> bool {
    let action = params
        .get("action")
        .and_then(Value::as_str)
        .unwrap_or_default();
    POLLS
        .iter()
        .any(|(name, actions)| *name == tool && actions.contains(&action))
}

fn digest(parts: &(impl AsRef<str>, impl AsRef<str>)) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(parts.0.as_ref());
    hasher.update([0]);
    hasher.update(parts.1.as_ref());
    hasher.finalize().into()
}

/// Returns a result without what differs however little has changed.
fn stable(tool: &str, result: &str) -> String {
    match serde_json::from_str::<Value>(result) {
        Ok(Value::Object(members)) => {
            let kept = members
                .into_iter()
                .filter(|(name, _)| !VOLATILE.contains(&name.as_str()));
            let kept = kept.map(|(name, value)| match value {
                Value::String(text) => (name, Value::String(stable_text(tool, &text))),
                other => (name, other),
            });
            Value::Object(kept.collect()).to_string()
        }
        _ if STRUCTURED.contains(&tool) => stable_text(tool, &without_volatile(result)),
        _ => stable_text(tool, result),
    }
}

/// Returns a text without those of its first lines that are members which differ each time.
fn without_volatile(text: &str) -> String {
    let mut heads = true;
    let kept = text.lines().filter(|line| {
        let name = line.split_once(": ").map(|(name, _)| name);
        // What a command wrote itself begins with the first value of several lines.
        heads &= name.is_some_and(|name| name.chars().all(char::is_alphanumeric));
        !(heads && name.is_some_and(|name| VOLATILE.contains(&name)))
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// Of what commands write, how long they took and which process they were says nothing.
fn stable_text(tool: &str, text: &str) -> String {
    if !matches!(tool, "exec" | "process") {
        return text.to_owned();
    }
    let mut kept = Vec::new();
    let mut before = "";
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '.');
        let number = bare.parse::<f64>().is_ok();
        let unit_follows = words.peek().is_some_and(|next| {
            UNITS.contains(&next.trim_matches(|c: char| !c.is_alphanumeric() && c != 'µ'))
        });
        let numbered = NUMBERED
            .iter()
            .any(|name| before.eq_ignore_ascii_case(name));
        let volatile = is_duration(bare) || number && (unit_follows || numbered);
        kept.push(if volatile { "…" } else { word });
        before = bare;
    }
    kept.join(" ")
}

/// Tells whether a word is a time such as `0.35s`.
fn is_duration(word: &str) -> bool {
    let Some(end) = word.find(|c: char| !c.is_ascii_digit() && c != '.') else {
        return false;
    };
    let (number, unit) = word.split_at_checked(end).unwrap_or_default();
    number.parse::<f64>().is_ok() && UNITS.contains(&unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(tool: &str, params: Value) -> Call {
        Call {
            id: "c".into(),
            tool: tool.to_owned(),
            params,
        }
    }

    /// Notes one call again and again, and returns when the model was told and when it ended.
    fn noted(tool: &str, params: &Value, result: impl Fn(u32) -> String) -> (Vec<u32>, u32) {
        let (mut circles, mut told) = (Circles::default(), Vec::new());
        for n in 1.. {
            match circles.note(
                &LoopRules::default(),
                &call(tool, params.clone()),
                tool,
                &result(n),
            ) {
                Circle::None if n == 100 => return (told, n),
                Circle::None => {}
                Circle::Tell(_) => told.push(n),
                Circle::End { times, .. } => {
                    assert_eq!(times, n);
                    return (told, n);
                }
            }
        }
        (told, 0)
    }

    #[test]
    fn the_same_call_with_the_same_result_is_told_once_and_then_ends_the_turn() {
        assert_eq!(noted("ls", &json!({}), |_| "a".to_owned()), (vec![4], 8));
    }

    #[test]
    fn polling_is_borne_longer() {
        let poll = json!({ "action": "poll", "sessionId": "x" });
        assert_eq!(
            noted("process", &poll, |_| "running".to_owned()),
            (vec![16], 32)
        );
        let kill = json!({ "action": "kill", "sessionId": "x" });
        assert_eq!(noted("process", &kill, |_| "none".to_owned()), (vec![4], 8));
    }

    #[test]
    fn how_long_a_command_took_is_no_progress() {
        let took = |n| format!("1 test failed; finished in 0.{n}s (pid {n}, {n} ms)");
        assert_eq!(noted("exec", &json!({}), took), (vec![4], 8));
        let structured =
            |n| json!({ "output": "no", "exitCode": 1, "durationMs": n, "pid": n }).to_string();
        assert_eq!(noted("exec", &json!({}), structured), (vec![4], 8));
    }

    #[test]
    fn how_long_a_command_took_is_no_progress_in_the_form_that_a_model_reads() {
        let took = |n| {
            let result = json!({
                "exitCode": 1, "durationMs": 10 + n, "sandbox": "workspace", "stdout": "a\nb",
            });
            crate::tools::model_text(&result)
        };
        assert!(took(1).contains("durationMs: 11\n"));
        assert_eq!(noted("exec", &json!({}), took), (vec![4], 8));
        let runs = |n| format!("sessionId: s\nstatus: running\nrunningSeconds: {n}\noutput: ");
        let poll = json!({ "action": "poll", "sessionId": "s" });
        assert_eq!(noted("process", &poll, runs), (vec![16], 32));
        let wrote = |n| format!("exitCode: 0\nstdout:\nstep\ndurationMs: {n}");
        assert_eq!(noted("exec", &json!({}), wrote), (vec![], 100));
    }

    #[test]
    fn a_result_that_differs_is_progress() {
        assert_eq!(
            noted("exec", &json!({}), |n| format!("{n} of 100 done")),
            (vec![], 100)
        );
        assert_eq!(
            noted("read", &json!({}), |n| format!("took 0.{n}s")),
            (vec![], 100)
        );
    }

    #[test]
    fn calls_in_between_do_not_break_a_circle() {
        let (mut circles, mut ends) = (Circles::default(), 0);
        for n in 0..16 {
            let call = call("ls", json!({ "path": n % 2 }));
            let circle = circles.note(&LoopRules::default(), &call, "ls", "same");
            ends += u32::from(matches!(circle, Circle::End { .. }));
        }
        assert_eq!(ends, 2);
    }
}
