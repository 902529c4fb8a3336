//! What the fake is to answer, and what it has seen and found so far.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::progress::Progress;
use super::reply::Reply;
use super::rules::{self, Expected, Rule, Violation};
use super::seen::SeenRequest;

/// Makes up the answer to a request.
pub(super) type Otherwise = dyn Fn(&SeenRequest) -> Reply + Send + Sync;

#[derive(Debug)]
pub(super) struct Script {
    pub(super) progress: Arc<Progress>,
    state: Mutex<State>,
}

struct State {
    queue: VecDeque<Reply>,
    otherwise: Option<Arc<Otherwise>>,
    expected: Expected,
    requests: VecDeque<Arc<SeenRequest>>,
    /// How many of the latest requests are kept.
    keep: usize,
    number: u64,
    violations: Vec<Violation>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("queue", &self.queue)
            .field("number", &self.number)
            .field("violations", &self.violations)
            .finish_non_exhaustive()
    }
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            progress: Arc::new(Progress::new()),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                otherwise: None,
                expected: Expected::default(),
                requests: VecDeque::new(),
                keep: usize::MAX,
                number: 0,
                violations: Vec::new(),
            }),
        }
    }

    pub(super) fn extend(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().queue.extend(replies);
    }

    pub(super) fn otherwise(&self, reply: Arc<Otherwise>) {
        self.state.lock().otherwise = Some(reply);
    }

    pub(super) fn expect(&self, change: impl FnOnce(&mut Expected)) {
        change(&mut self.state.lock().expected);
    }

    pub(super) fn keep(&self, requests: usize) {
        self.state.lock().keep = requests;
    }

    pub(super) fn key(&self) -> Option<String> {
        self.state.lock().expected.key.clone()
    }

    pub(super) fn unused(&self) -> usize {
        self.state.lock().queue.len()
    }

    pub(super) fn requests(&self) -> Vec<Arc<SeenRequest>> {
        self.state.lock().requests.iter().cloned().collect()
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.state.lock().violations.clone()
    }

    pub(super) fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut self.state.lock().violations)
    }

    /// Counts, examines and keeps a request, and says what to answer if that is in the script.
    pub(super) fn take(&self, mut seen: SeenRequest) -> (Arc<SeenRequest>, Option<Reply>) {
        let (seen, queued, otherwise) = {
            let mut state = self.state.lock();
            state.number += 1;
            seen.number = state.number;
            let found = rules::examine(&mut seen, &state.expected);
            state.violations.extend(found);
            let seen = Arc::new(seen);
            state.requests.push_back(Arc::clone(&seen));
            while state.requests.len() > state.keep {
                state.requests.pop_front();
            }
            let answerable = seen.wire.is_some() && seen.body.is_object();
            let queued = answerable.then(|| state.queue.pop_front()).flatten();
            let otherwise = state.otherwise.clone().filter(|_| answerable);
            (seen, queued, otherwise)
        };
        let reply = match (queued, otherwise) {
            (Some(reply), _) => Some(reply),
            (None, Some(otherwise)) => self.made_up(&seen, &otherwise),
            (None, None) => {
                self.off_script(&seen, "the script has no further answer");
                None
            }
        };
        self.progress.seen(seen.number);
        (seen, reply)
    }

    fn made_up(&self, seen: &SeenRequest, otherwise: &Arc<Otherwise>) -> Option<Reply> {
        let reply = catch_unwind(AssertUnwindSafe(|| otherwise(seen))).ok();
        if reply.is_none() {
            self.off_script(seen, "the test's reply function panicked");
        }
        reply
    }

    fn off_script(&self, seen: &SeenRequest, message: &str) {
        let mut state = self.state.lock();
        if !state.expected.allowed.contains(&Rule::Script) {
            let texts = seen.user_texts();
            state.violations.push(Violation {
                rule: Rule::Script,
                request: seen.number,
                at: String::new(),
                message: message.to_owned(),
                json: texts.last().map_or(Value::Null, |text| Value::from(*text)),
            });
        }
    }
}
