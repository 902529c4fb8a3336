//! What a connection knows of the runs that are under way, to put pieces together.

use std::collections::BTreeMap;

use openclaw_core::{CallId, RunId, SessionKey};

/// How many bytes of a tool's output are shown while it runs.
const TAIL: usize = 8 << 10;

/// A run that is under way.
#[derive(Debug)]
pub(super) struct Running {
    /// The name that clients know it by: the sender's own, where it has one.
    pub(super) name: String,
    pub(super) session: SessionKey,
    /// How many events of it were made.
    pub(super) seq: u64,
    /// Whether its beginning was told.
    pub(super) begun: bool,
    pub(super) started: i64,
    writing: Writing,
    /// The tools that run.
    pub(super) calls: BTreeMap<CallId, Calling>,
}

/// What the model is writing.
#[derive(Debug, Default)]
struct Writing {
    /// The step that it belongs to.
    step: u32,
    /// What the model has written in that step.
    text: String,
    /// How many bytes of it were told.
    told: usize,
    /// Whether what was told before belongs to an earlier step.
    anew: bool,
    known: Known,
}

/// How much of a step is known here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    /// All that was written so far.
    #[default]
    Whole,
    /// Pieces are missing.
    Torn,
    /// Nothing yet, and the run began before this connection: of the first step that is heard of,
    /// the beginning is missing.
    Joined,
}

/// A tool that runs.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) tool: String,
    pub(super) started: i64,
    /// The last of what it wrote.
    pub(super) tail: String,
    /// Whether there is more of it than was told.
    pub(super) news: bool,
}

/// What is to be told of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// All of the step so far.
    pub(super) text: String,
    /// What was not told before.
    pub(super) delta: String,
    /// Whether it takes the place of what was told before.
    pub(super) replaces: bool,
}

impl Running {
    pub(super) fn new(run: &RunId, name: Option<String>, session: SessionKey, now: i64) -> Self {
        Self {
            name: name.unwrap_or_else(|| run.to_string()),
            session,
            seq: 0,
            begun: false,
            started: now,
            writing: Writing::default(),
            calls: BTreeMap::new(),
        }
    }

    /// Returns the number of the next event.
    pub(super) fn next(&mut self) -> u64 {
        self.seq = self.seq.saturating_add(1);
        self.seq
    }

    /// Adds a piece of text.
    pub(super) fn add(&mut self, step: u32, piece: &str) {
        let writing = &mut self.writing;
        if step != writing.step {
            writing.anew = writing.told > 0;
            writing.known = match writing.known {
                Known::Joined => Known::Torn,
                Known::Whole | Known::Torn => Known::Whole,
            };
            (writing.step, writing.told) = (step, 0);
            writing.text.clear();
        }
        if writing.known != Known::Torn {
            writing.text.push_str(piece);
        }
    }

    /// Notes that the run began before this connection.
    pub(super) fn join(&mut self) {
        self.writing.known = Known::Joined;
    }

    /// Notes that pieces are missing: what is known of the step is no beginning of it any more.
    pub(super) fn tear(&mut self) {
        if self.writing.known == Known::Whole {
            self.writing.known = Known::Torn;
        }
    }

    /// Returns what has not been told of the text.
    pub(super) fn untold(&mut self) -> Option<Told> {
        let writing = &mut self.writing;
        let delta = writing.text.get(writing.told..)?;
        if delta.is_empty() {
            return None;
        }
        let told = Told {
            text: writing.text.clone(),
            delta: delta.to_owned(),
            replaces: writing.anew,
        };
        (writing.told, writing.anew) = (writing.text.len(), false);
        Some(told)
    }

    /// Tells whether anything of it waits to be told.
    pub(super) fn has_news(&self) -> bool {
        self.writing.text.len() > self.writing.told || self.calls.values().any(|call| call.news)
    }

    /// Adds output of a tool, keeping the last of it.
    pub(super) fn wrote(&mut self, call: &CallId, text: &str) {
        let Some(calling) = self.calls.get_mut(call) else {
            return;
        };
        calling.tail.push_str(text);
        calling.news = true;
        let over = calling.tail.len().saturating_sub(TAIL);
        let whole = (over..=calling.tail.len()).find(|at| calling.tail.is_char_boundary(*at));
        if let Some(at) = whole.filter(|_| over > 0) {
            calling.tail.drain(..at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Running {
        let session = SessionKey::parse("agent:main:main").unwrap();
        Running::new(&RunId::from("r"), None, session, 0)
    }

    fn told(text: &str, delta: &str) -> Told {
        Told {
            text: text.to_owned(),
            delta: delta.to_owned(),
            replaces: false,
        }
    }

    fn told_anew(text: &str) -> Told {
        Told {
            replaces: true,
            ..told(text, text)
        }
    }

    #[test]
    fn a_text_is_told_piece_by_piece_and_whole() {
        let mut run = running();
        run.add(1, "Hel");
        run.add(1, "lo");
        assert_eq!(run.untold(), Some(told("Hello", "Hello")));
        assert_eq!(run.untold(), None);
        run.add(1, "!");
        assert_eq!(run.untold(), Some(told("Hello!", "!")));
        run.add(2, "Next");
        assert_eq!(run.untold(), Some(told_anew("Next")));
    }

    #[test]
    fn a_text_with_a_hole_is_not_told_on() {
        let mut run = running();
        run.add(1, "Hel");
        run.tear();
        run.add(1, "o");
        assert_eq!(run.untold(), Some(told("Hel", "Hel")));
        run.add(2, "whole");
        assert_eq!(run.untold(), Some(told_anew("whole")));
    }

    #[test]
    fn a_text_that_began_before_is_not_told_from_its_middle() {
        let mut run = running();
        run.join();
        run.add(2, "llo");
        assert_eq!(run.untold(), None);
        run.add(3, "whole");
        assert_eq!(run.untold(), Some(told("whole", "whole")));
    }

    #[test]
    fn the_last_of_a_tools_output_is_kept() {
        let mut run = running();
        let call = CallId::from("c");
        run.calls.insert(
            call.clone(),
            Calling {
                tool: "exec".to_owned(),
                started: 0,
                tail: String::new(),
                news: false,
            },
        );
        run.wrote(&call, &"ä".repeat(TAIL));
        let tail = &run.calls[&call].tail;
        assert!(tail.len() <= TAIL && tail.ends_with('ä'));
    }
}
