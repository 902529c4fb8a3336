//! The recorded answers of every API, damaged.

use std::{fs, thread};

use openclaw_testkit::fuzz;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::cuts;
use crate::event::StreamEvent;
use crate::fixtures::{APIS, Outcome, pieces};

/// Marks a value that is to go.
const GONE: &str = "\0gone";

/// What is done to an answer.
#[derive(Clone, Debug)]
enum Damage {
    /// One of its JSON values is another one.
    Value { which: Index, with: Value },
    /// One of its JSON values is gone.
    Gone { which: Index },
    /// One of its lines comes again, elsewhere.
    Again { line: Index, at: Index },
    /// Bytes are gone.
    Hole { from: Index, length: usize },
    /// Bytes stand where none belong.
    Bytes { at: Index, bytes: Vec<u8> },
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), value()).prop_map(|(which, with)| Damage::Value { which, with }),
        2 => index().prop_map(|which| Damage::Gone { which }),
        2 => (index(), index()).prop_map(|(line, at)| Damage::Again { line, at }),
        1 => (index(), 1_usize..40).prop_map(|(from, length)| Damage::Hole { from, length }),
        1 => (index(), prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(at, bytes)| Damage::Bytes { at, bytes }),
    ]
}

/// Values that stand in no documentation, and some that do.
fn value() -> impl Strategy<Value = Value> {
    let known = [
        "error",
        "stop",
        "tool_use",
        "tool_calls",
        "STOP",
        "length",
        "text",
        "thinking",
        "function_call",
        "message_stop",
        "response.completed",
        "response.output_item.added",
        "content_block_start",
        "{\"command\":",
        "}",
        "",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(0)),
        Just(json!(1)),
        select(known.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,8}", inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

impl Damage {
    fn apply(self, answer: &[u8]) -> Vec<u8> {
        match self {
            Self::Value { which, with } => with_value(answer, which, Some(with)),
            Self::Gone { which } => with_value(answer, which, None),
            Self::Again { line, at } => {
                let mut lines = lines(answer);
                if !lines.is_empty() {
                    // With an empty line after it, a line is an event of its own.
                    let line = [&lines[line.index(lines.len())][..], b"\n"].concat();
                    lines.insert(at.index(lines.len()), line);
                }
                lines.concat()
            }
            Self::Hole { from, length } => {
                let from = from.index(answer.len() + 1);
                let to = answer.len().min(from + length);
                [&answer[..from], &answer[to..]].concat()
            }
            Self::Bytes { at, bytes } => {
                let (head, tail) = answer.split_at(at.index(answer.len() + 1));
                [head, &bytes, tail].concat()
            }
        }
    }
}

/// Lines with their ends.
fn lines(answer: &[u8]) -> Vec<Vec<u8>> {
    let lines = answer.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

/// Replaces or removes a value of one of the lines that are JSON.
fn with_value(answer: &[u8], which: Index, with: Option<Value>) -> Vec<u8> {
    let mut lines = lines(answer);
    let mut documents = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let start = line.iter().position(|byte| matches!(byte, b'{' | b'['));
        let Some(start) = start else { continue };
        if let Ok(document) = serde_json::from_slice::<Value>(&line[start..]) {
            documents.push((n, start, document));
        }
    }
    let values = documents.iter().map(|(_, _, document)| count(document));
    let Some(total) = values.sum::<usize>().checked_sub(1) else {
        return lines.concat();
    };
    let mut left = which.index(total + 1);
    for (n, start, mut document) in documents {
        if let Some(place) = nth(&mut document, &mut left) {
            *place = with.unwrap_or_else(|| Value::from(GONE));
            prune(&mut document);
            lines[n].truncate(start);
            lines[n].extend(document.to_string().bytes().chain([b'\n']));
            break;
        }
    }
    lines.concat()
}

fn count(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    };
    1 + inner
}

/// Takes out what is marked as gone.
fn prune(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| item != GONE);
            items.iter_mut().for_each(prune);
        }
        Value::Object(fields) => {
            fields.retain(|_, field| field != GONE);
            fields.values_mut().for_each(prune);
        }
        _ => {}
    }
}

/// Returns the value that so many others come before.
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, left)),
        _ => None,
    }
}

/// What holds for every stream, whatever was sent.
fn check(outcome: &Outcome, sent: usize) -> Result<(), TestCaseError> {
    let stops = |event: &&StreamEvent| matches!(event, StreamEvent::Stop(_));
    let last = outcome.events.last();
    prop_assert!(outcome.events.iter().filter(stops).count() <= 1);
    match &outcome.result {
        Ok(completion) => {
            prop_assert!(last.as_ref().is_some_and(stops), "{last:?}");
            prop_assert!(completion.content.len() <= outcome.events.len());
        }
        // What an error quotes is an excerpt.
        Err(error) => prop_assert!(error.len() < 8 * 1024, "{error}"),
    }
    prop_assert!(outcome.events.len() <= 16 + sent, "more events than bytes");
    Ok(())
}

#[test]
fn damaged_answers_are_read_alike_for_any_cuts() {
    thread::scope(|scope| {
        for api in APIS {
            scope.spawn(|| {
                let answers = api.files().into_iter().map(|file| fs::read(file).unwrap());
                let answers = select(answers.collect::<Vec<_>>());
                let damages = prop::collection::vec(damage(), 0..5);
                let subject = format!("damaged answers, {}", api.name);
                fuzz(
                    &subject,
                    &(answers, damages, cuts()),
                    |(answer, damages, cuts)| {
                        let damaged = damages
                            .into_iter()
                            .fold(answer, |answer, damage| damage.apply(&answer));
                        let outcome = (api.decode)(&[&damaged]);
                        check(&outcome, damaged.len())?;
                        prop_assert_eq!((api.decode)(&pieces(&damaged, &cuts)), outcome);
                        Ok(())
                    },
                );
            });
        }
    });
}
