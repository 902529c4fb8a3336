//! Texts that are shown in part, each with a note that says so and where the rest is.

use openclaw_core::events::Shortening;
use openclaw_providers::{Arguments, AssistantBlock, ToolResult, UserBlock};
use serde_json::Value;

use crate::transcript::{Piece, Said, Step};

/// The longest line that stands for a result, in bytes.
const LINE: usize = 200;

/// The longest text in the arguments of a call whose result is shown as a line, in bytes.
const ARGUMENT: usize = 400;

/// How much of a piece is seen.
#[derive(Clone, Copy, Debug)]
struct Measure {
    /// Whether it is one of those whose results are seen as lines.
    is_old: bool,
    /// The most bytes of one text.
    longest: Option<usize>,
}

/// Returns a piece as it is seen in a view that is shortened like this.
pub(crate) fn seen(piece: Piece, how: &Shortening) -> Said {
    let measure = Measure {
        is_old: how
            .results_cut_before
            .is_some_and(|before| piece.seq < before),
        longest: how
            .longest
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    };
    match piece.said {
        Said::User(blocks) => {
            let blocks = blocks.into_iter().map(|block| measure.said(block));
            Said::User(blocks.collect())
        }
        Said::Step(step) => {
            let blocks = step.blocks.into_iter().map(|block| measure.wrote(block));
            let answers = step.answers.into_iter();
            Said::Step(Step {
                blocks: blocks.collect(),
                answers: answers.map(|answer| measure.answered(answer)).collect(),
            })
        }
    }
}

impl Measure {
    fn said(self, block: UserBlock) -> UserBlock {
        match block {
            UserBlock::Text(text) => UserBlock::Text(shortened(text, self.longest)),
            UserBlock::Image { mime, .. } if self.is_old => {
                UserBlock::Text(format!("[a picture ({mime}) that is not shown any more]"))
            }
            UserBlock::Document { name, .. } if self.is_old => {
                UserBlock::Text(format!("[the file {name}, which is not shown any more]"))
            }
            file @ (UserBlock::Image { .. } | UserBlock::Document { .. }) => file,
        }
    }

    fn wrote(self, block: AssistantBlock) -> AssistantBlock {
        match block {
            AssistantBlock::Text(text) => AssistantBlock::Text(shortened(text, self.longest)),
            AssistantBlock::ToolCall(mut call) => {
                let most = if self.is_old {
                    Some(ARGUMENT)
                } else {
                    self.longest
                };
                if let (Arguments::Object(object), Some(_)) = (&mut call.arguments, most) {
                    for value in object.values_mut() {
                        shorten_in(value, most);
                    }
                }
                AssistantBlock::ToolCall(call)
            }
            thinking @ AssistantBlock::Thinking(_) => thinking,
        }
    }

    fn answered(self, answer: ToolResult) -> ToolResult {
        let content = if self.is_old {
            line(answer.content)
        } else {
            shortened(answer.content, self.longest)
        };
        ToolResult { content, ..answer }
    }
}

fn shorten_in(value: &mut Value, longest: Option<usize>) {
    match value {
        Value::String(text) => *text = shortened(std::mem::take(text), longest),
        Value::Array(values) => {
            for value in values {
                shorten_in(value, longest);
            }
        }
        Value::Object(object) => {
            for value in object.values_mut() {
                shorten_in(value, longest);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns a result as one line.
fn line(text: String) -> String {
    let first = text.lines().next().unwrap_or_default();
    if first.len() == text.trim_end().len() && text.len() <= LINE {
        return text;
    }
    let shown = head(first, LINE);
    format!(
        "{shown} [… cut: {} bytes in all; call the tool again if the rest is needed]",
        text.len()
    )
}

/// Returns a text with its middle left out, if it is longer than `longest` bytes.
pub(crate) fn shortened(text: String, longest: Option<usize>) -> String {
    let Some(longest) = longest.filter(|longest| text.len() > *longest) else {
        return text;
    };
    let (begin, end) = (head(&text, longest / 3 * 2), tail(&text, longest / 3));
    let left_out = text.len().saturating_sub(begin.len() + end.len());
    format!(
        "{begin}\n[… {left_out} of {} bytes are left out here, because they do not fit into the \
         model's window. The record has all of them: ask for the part that is needed, with an \
         offset or a narrower search, or have the person send it in parts. …]\n{end}",
        text.len()
    )
}

/// Returns the beginning of a text, of at most so many bytes.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or_default()
}

fn tail(text: &str, bytes: usize) -> &str {
    let start = text.ceil_char_boundary(text.len().saturating_sub(bytes));
    text.get(start..).unwrap_or_default()
}
