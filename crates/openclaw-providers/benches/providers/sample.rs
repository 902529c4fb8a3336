//! Answers of any length, made from a recorded one.

use std::fs;
use std::path::Path;

/// A recorded answer, and what tells those of its events that carry text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) api: &'static str,
    mark: &'static str,
    /// An event around a text that comes between the two.
    pub(crate) around: (&'static str, &'static str),
}

pub(crate) const SAMPLES: [Sample; 2] = [
    Sample {
        api: "anthropic-messages",
        mark: r#""type":"text_delta""#,
        around: (
            concat!(
                "event: content_block_delta\n",
                r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""#
            ),
            "\"}}\n\n",
        ),
    },
    Sample {
        api: "openai-completions",
        mark: r#""delta":{"content":"#,
        around: (
            r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-5.5","choices":[{"index":0,"delta":{"content":""#,
            "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        ),
    },
];

impl Sample {
    /// Returns what comes before the events with text, these events, and what comes after them.
    pub(crate) fn parts(self) -> (String, String, String) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sse");
        let file = fixtures.join(self.api).join("text.sse");
        let text = fs::read_to_string(file).expect("a recorded answer");
        let (mut before, mut with_text, mut after) = (String::new(), String::new(), String::new());
        for event in text.split_inclusive("\n\n") {
            let part = if event.contains(self.mark) {
                &mut with_text
            } else if with_text.is_empty() {
                &mut before
            } else {
                &mut after
            };
            part.push_str(event);
        }
        assert!(!with_text.is_empty(), "no text in the answer");
        (before, with_text, after)
    }

    /// Returns an answer of at least so many bytes.
    pub(crate) fn of_size(self, bytes: usize) -> String {
        let (before, with_text, after) = self.parts();
        let times = bytes.div_ceil(with_text.len());
        [before, with_text.repeat(times), after].concat()
    }
}
