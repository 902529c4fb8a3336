//! Tool calls, which come in pieces that every server labels in its own way.

use std::collections::BTreeMap;

use openclaw_core::{CallId, Usage};
use openclaw_testkit::fuzz;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::cuts;
use crate::event::{StopReason, StreamEvent};
use crate::fixtures::{APIS, pieces};
use crate::fold::Fold;
use crate::request::{Arguments, AssistantBlock};

/// Which labels the pieces of a call have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Labels {
    /// An index; the first piece has id and name too.
    Index,
    /// An index, the id and the name, in every piece.
    All,
    /// The id; the first piece has the name too.
    Id,
    /// None but those of the first piece; a call is whole before the next one begins.
    First,
}

/// A call as a model means it, and where its arguments are cut.
#[derive(Clone, Debug)]
struct Meant {
    name: &'static str,
    arguments: String,
    cuts: Vec<Index>,
}

fn meant() -> impl Strategy<Value = Meant> {
    let object = prop::collection::btree_map("[a-zü\"\\\\🦀]{0,6}", any::<String>(), 0..4);
    let arguments = prop_oneof![
        4 => object.prop_map(|object| json!(object).to_string()),
        1 => any::<String>(),
        1 => Just(String::new()),
    ];
    let name = select(&["exec", "read", "ls"]);
    (name, arguments, cuts()).prop_map(|(name, arguments, cuts)| Meant {
        name,
        arguments,
        cuts,
    })
}

impl Meant {
    /// Returns the pieces of the arguments, cut between characters.
    fn pieces(&self) -> Vec<String> {
        let chars = self.arguments.chars().count();
        let mut cuts = self.cuts.iter().map(|cut| cut.index(chars + 1));
        let mut cuts: Vec<usize> = cuts.by_ref().chain([chars]).collect();
        cuts.sort_unstable();
        let mut from = 0;
        let pieces = cuts.into_iter().map(|to| {
            let piece = self.arguments.chars().skip(from).take(to - from).collect();
            from = to;
            piece
        });
        pieces.collect()
    }
}

fn id(n: usize) -> String {
    format!("id_{n}")
}

/// A piece of the call `n` as OpenAI's API has it.
fn piece(labels: Labels, (n, call): (usize, &Meant), begun: &[usize], text: &str) -> Value {
    let first = !begun.contains(&n);
    let indexed = matches!(labels, Labels::Index | Labels::All);
    let mut function = json!({"arguments": text});
    if first || labels == Labels::All {
        function["name"] = json!(call.name);
    }
    let mut piece = json!({"function": function});
    if indexed {
        piece["index"] = json!(n);
    }
    if first || matches!(labels, Labels::All | Labels::Id) {
        piece["id"] = json!(id(n));
    }
    piece
}

/// Returns the stream, and the calls in the order in which they begin.
fn stream(labels: Labels, calls: &[Meant], picks: &[Index]) -> (Vec<u8>, Vec<usize>) {
    let mut left: Vec<_> = calls.iter().map(|call| call.pieces().into_iter()).collect();
    let mut begun = Vec::new();
    let mut chunks = Vec::new();
    let mut picks = picks.iter().cycle();
    loop {
        let open: Vec<usize> = (0..left.len()).filter(|n| left[*n].len() > 0).collect();
        if open.is_empty() {
            break;
        }
        let pick = picks.next().map_or(0, |pick| pick.index(open.len()));
        let n = open[if labels == Labels::First { 0 } else { pick }];
        let text = left[n].next().unwrap();
        let piece = piece(labels, (n, &calls[n]), &begun, &text);
        if !begun.contains(&n) {
            begun.push(n);
        }
        chunks.push(json!({"choices": [{"delta": {"tool_calls": [piece]}}]}));
    }
    chunks.push(json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}));
    let chunks = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    let stream = chunks.chain(["data: [DONE]\n\n".to_owned()]);
    (stream.collect::<String>().into_bytes(), begun)
}

fn labels() -> impl Strategy<Value = Labels> {
    select(&[Labels::Index, Labels::All, Labels::Id, Labels::First])
}

#[test]
fn calls_are_put_together_whatever_their_pieces_are_labelled_with() {
    let openai = APIS.iter().find(|api| api.name == "openai-completions");
    let decode = openai.unwrap().decode;
    let calls = prop::collection::vec(meant(), 1..5);
    let picks = prop::collection::vec(any::<Index>(), 1..20);
    let cases = (labels(), calls, picks, cuts());
    fuzz(
        "tool calls in pieces",
        &cases,
        |(labels, calls, picks, cuts)| {
            let (stream, begun) = stream(labels, &calls, &picks);
            let completion = decode(&pieces(&stream, &cuts)).result;
            let completion = completion.map_err(TestCaseError::fail)?;
            let read = completion.content.iter().map(|block| match block {
                AssistantBlock::ToolCall(call) => (
                    call.id.0.clone(),
                    call.name.as_str(),
                    call.arguments.clone(),
                ),
                other => panic!("{other:?}"),
            });
            let expected = begun.iter().map(|n| {
                let call = &calls[*n];
                (id(*n), call.name, Arguments::parse(&call.arguments))
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            prop_assert_eq!(completion.stop, StopReason::ToolUse);
            Ok(())
        },
    );
}

fn event() -> impl Strategy<Value = StreamEvent> {
    let index = 0_u32..4;
    let text = || "[a-z{}\"]{0,4}";
    prop_oneof![
        4 => index.clone().prop_map(|index| StreamEvent::ToolCallStart {
            index,
            id: CallId(format!("call_{index}")),
            name: "exec".into(),
        }),
        8 => (index.clone(), text())
            .prop_map(|(index, json)| StreamEvent::ToolCallArguments { index, json }),
        2 => index.prop_map(|index| StreamEvent::ToolCallEnd { index }),
        2 => text().prop_map(StreamEvent::Text),
        2 => text().prop_map(StreamEvent::Thinking),
        1 => text().prop_map(StreamEvent::ThinkingSignature),
        1 => text().prop_map(StreamEvent::RedactedThinking),
        1 => Just(StreamEvent::Usage(Usage::default())),
    ]
}

/// Returns the arguments of the calls in their order; none if a piece belongs to no open call.
fn assembled(events: &[StreamEvent]) -> Option<Vec<String>> {
    let mut order = Vec::new();
    let mut calls = BTreeMap::new();
    for event in events {
        match event {
            StreamEvent::ToolCallStart { index, .. } => {
                if calls.insert(*index, (String::new(), true)).is_some() {
                    return None;
                }
                order.push(*index);
            }
            StreamEvent::ToolCallArguments { index, json } => {
                let (text, _) = calls.get_mut(index).filter(|(_, open)| *open)?;
                text.push_str(json);
            }
            StreamEvent::ToolCallEnd { index } => {
                let (_, open) = calls.get_mut(index).filter(|(_, open)| *open)?;
                *open = false;
            }
            _ => {}
        }
    }
    let texts = order.iter().map(|index| calls[index].0.clone());
    Some(texts.collect())
}

#[test]
fn the_fold_takes_what_belongs_to_an_open_call_and_nothing_else() {
    let cases = prop::collection::vec(event(), 0..24);
    fuzz("fold of any events", &cases, |mut events| {
        events.push(StreamEvent::Stop(StopReason::ToolUse));
        let mut fold = Fold::new("test".into());
        let folded = events.iter().try_for_each(|event| fold.push(event));
        let folded = folded.and_then(|()| fold.finish());
        let calls = folded.ok().map(|completion| {
            let calls = completion
                .content
                .into_iter()
                .filter_map(|block| match block {
                    AssistantBlock::ToolCall(call) => Some(call.arguments),
                    _ => None,
                });
            calls.collect::<Vec<_>>()
        });
        let expected = assembled(&events);
        let expected =
            expected.map(|texts| texts.iter().map(|text| Arguments::parse(text)).collect());
        prop_assert_eq!(calls, expected);
        Ok(())
    });
}
