//! What the benchmarks append: conversations in made-up words, the same in every run.
//!
//! A stored event has 300 bytes to 4 KB, about 1 KB on average, and short ones are frequent.

use openclaw_core::events::NewEvent;
use openclaw_core::{CallId, RunId, SessionEventKind, SessionKey};
use serde_json::json;

/// How many different words there are.
const WORDS: u64 = 2048;
/// How many events open a session; turns of [`TURN`] events follow.
pub(crate) const OPENING: u64 = 4;
/// How many events a turn has: a message, a tool call with its result, and the answer.
pub(crate) const TURN: u64 = 4;
/// The least and the most text that an event carries, in bytes.
const TEXT: (u64, u64) = (150, 3900);

/// Returns the key of the session with this number.
pub(crate) fn session(number: u64) -> SessionKey {
    SessionKey::parse(&format!("agent:main:bench:direct:{number:06}")).unwrap()
}

/// A source of events.
#[derive(Debug)]
pub(crate) struct Workload {
    numbers: Numbers,
    words: Vec<String>,
}

impl Workload {
    /// Makes a source; the same seed gives the same events.
    pub(crate) fn new(seed: u64) -> Self {
        let mut letters = Numbers(0);
        let words = (0..WORDS)
            .map(|_| {
                let length = letters.below(9) + 2;
                (0..length).map(|_| letters.letter()).collect()
            })
            .collect();
        Self {
            numbers: Numbers(seed),
            words,
        }
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.numbers.below(end)
    }

    /// Returns the events of a session from `seq` on.
    pub(crate) fn events(&mut self, session: u64, seq: u64, count: u64) -> Vec<NewEvent> {
        (seq..seq + count)
            .map(|seq| self.event(session, seq))
            .collect()
    }

    /// Returns the event that a session has at `seq`.
    pub(crate) fn event(&mut self, session: u64, seq: u64) -> NewEvent {
        let content = self.text();
        if seq == 1 {
            return SessionEventKind::SessionStarted {
                channel: "bench".into(),
                peer_id: format!("{session:06}").into(),
            }
            .into();
        }
        if seq <= OPENING {
            return SessionEventKind::StateChanged {
                key: format!("bench.note{}", seq % 2),
                value: content.into(),
            }
            .into();
        }
        let since = seq - OPENING - 1;
        let (turn, place) = (since / TURN, since % TURN);
        let run = RunId(format!("bench-run-{session:06}-{turn:06}"));
        let call = CallId(format!("bench-call-{session:06}-{turn:06}"));
        let tool = "read_file".to_owned();
        let kind = match place {
            0 => SessionEventKind::MessageReceived {
                content,
                attachments: Vec::new(),
            },
            1 => SessionEventKind::ToolCalled {
                tool,
                params: json!({ "path": content }),
            },
            2 => SessionEventKind::ToolResult {
                tool,
                result: json!({ "content": content }),
                success: true,
            },
            _ => SessionEventKind::AgentResponse {
                content,
                model: "bench-1".to_owned(),
                tokens: self.below(4000),
            },
        };
        let event = NewEvent::from(kind)
            .in_run(&run, Some(seq - place))
            .at_step(1);
        match place {
            1 | 2 => event.about_call(&call),
            _ => event,
        }
    }

    fn text(&mut self) -> String {
        let (least, most) = TEXT;
        // The fourth power of an even spread has its mean at a fifth of the way.
        let length = least + scaled(self.numbers.part().powi(4), most - least);
        let length = usize::try_from(length).unwrap();
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            // A few words make up most of a text, as in any language.
            let word = scaled(self.numbers.part().powi(3), WORDS);
            text.push_str(&self.words[usize::try_from(word).unwrap()]);
            text.push(' ');
        }
        text
    }
}

/// `SplitMix64`: numbers that look random and need no crate.
#[derive(Debug)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// Returns a number from 0 up to, and without, 1.
    fn part(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn letter(&mut self) -> char {
        char::from(b'a' + u8::try_from(self.below(26)).unwrap())
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a small whole is exact enough"
)]
fn scaled(part: f64, whole: u64) -> u64 {
    (part * whole as f64) as u64
}
