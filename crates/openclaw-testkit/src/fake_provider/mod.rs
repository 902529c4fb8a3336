//! A model API on a loopback port that answers by script and checks every request.
//!
//! One script serves every wire format: a [`Reply`] is written once and sent in the format of the
//! endpoint that was asked. Every request is held against the [`Rule`]s at once; the test fails
//! with everything that was found when the provider is dropped, or at
//! [`FakeProvider::assert_clean`].
//!
//! ```no_run
//! use openclaw_testkit::{FakeProvider, Reply, WireFormat};
//! use serde_json::json;
//!
//! let provider = FakeProvider::start();
//! provider.reply(Reply::status(429).retry_after(1));
//! provider.reply(Reply::tool_calls([("exec", json!({"command": "ls"}))]).with_text("Looking. "));
//! provider.reply(Reply::text("There is nothing here."));
//! let url = provider.base_url(WireFormat::Anthropic);
//! // … let the program under test talk to `url` …
//! assert_eq!(provider.requests().len(), 3);
//! ```
//!
//! It knows only what it is told: it answers requests that break rules all the same, and it does
//! not check keys before it answers; [`Reply::status`] is how to refuse.

mod answer;
mod body;
mod chunking;
mod progress;
mod render;
mod reply;
mod rules;
mod script;
mod seen;
mod server;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

pub use self::chunking::Chunking;
pub use self::reply::{FakeCall, Reply, Stop};
use self::rules::UserTexts;
pub use self::rules::{Rule, Violation};
use self::script::Script;
pub use self::seen::{Said, SeenCall, SeenRequest, SeenResult, Turn};
pub use self::wire::WireFormat;
use crate::loopback::Loopback;

/// A model API on a loopback port.
///
/// # Panics
/// Dropping it fails the test if a request broke a rule, unless the test is failing already.
#[derive(Debug)]
pub struct FakeProvider {
    script: Arc<Script>,
    server: Loopback,
}

impl FakeProvider {
    /// Starts a provider with an empty script on a free port.
    pub fn start() -> Self {
        let script = Arc::new(Script::new());
        let server = server::start(Arc::clone(&script));
        Self { script, server }
    }

    /// Starts a provider with a script.
    pub fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let provider = Self::start();
        provider.script.extend(replies);
        provider
    }

    /// Puts an answer at the end of the script; each request takes one.
    pub fn reply(&self, reply: Reply) -> &Self {
        self.script.extend([reply]);
        self
    }

    /// Says what to answer whenever the script is at its end.
    pub fn otherwise(
        &self,
        reply: impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static,
    ) -> &Self {
        self.script.otherwise(Arc::new(reply));
        self
    }

    /// Expects this API key with every request to come.
    pub fn expect_key(&self, key: impl Into<String>) -> &Self {
        self.script
            .expect(|expected| expected.key = Some(key.into()));
        self
    }

    /// Expects that the user never writes the same text twice, so that a text that stands twice
    /// in a conversation was doubled on the way.
    pub fn expect_distinct_user_texts(&self) -> &Self {
        self.script
            .expect(|expected| expected.user_texts = UserTexts::Distinct);
        self
    }

    /// Lets requests to come break a rule.
    pub fn allow(&self, rule: Rule) -> &Self {
        self.script.expect(|expected| expected.allowed.push(rule));
        self
    }

    /// Keeps only so many of the latest requests; all are kept otherwise.
    pub fn keep_requests(&self, count: usize) -> &Self {
        self.script.keep(count);
        self
    }

    /// Returns where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Returns the base URL as OpenClaw's config writes it for a wire format.
    pub fn base_url(&self, wire: WireFormat) -> String {
        match wire {
            WireFormat::Anthropic | WireFormat::Ollama => format!("http://{}", self.addr()),
            WireFormat::OpenAi | WireFormat::Responses => format!("http://{}/v1", self.addr()),
            WireFormat::Google => format!("http://{}/v1beta", self.addr()),
            // The version stands in the base URL, since OpenClaw's config has no place for it.
            WireFormat::Azure => format!(
                "http://{}/openai?api-version=2024-12-01-preview",
                self.addr()
            ),
            WireFormat::AzureResponses => format!("http://{}/openai/v1", self.addr()),
        }
    }

    /// Returns the key that is expected.
    pub fn key(&self) -> Option<String> {
        self.script.key()
    }

    /// Returns the requests so far, oldest first.
    pub fn requests(&self) -> Vec<Arc<SeenRequest>> {
        self.script.requests()
    }

    /// Returns the latest request.
    ///
    /// # Panics
    /// When there was none.
    pub fn last_request(&self) -> Arc<SeenRequest> {
        self.requests().pop().expect("a request so far")
    }

    /// Returns how many answers of the script are left.
    pub fn unused_replies(&self) -> usize {
        self.script.unused()
    }

    /// Waits until there were so many requests; panics after half a minute.
    pub async fn wait_for_requests(&self, count: u64) {
        let reached = |stage: &progress::Stage| stage.requests >= count;
        let what = format!("{count} requests");
        self.script.progress.reaches(&what, reached).await;
    }

    /// Waits until so many answers fell silent, all told; panics after half a minute.
    pub async fn wait_for_holds(&self, count: usize) {
        let reached = |stage: &progress::Stage| stage.holds >= count;
        let what = format!("{count} held answers");
        self.script.progress.reaches(&what, reached).await;
    }

    /// Lets every answer that is silent now go on.
    pub fn release(&self) {
        self.script.progress.release();
    }

    /// Returns when clients went away before their answer was over.
    pub fn hang_ups(&self) -> Vec<Instant> {
        self.script.progress.now().hang_ups
    }

    /// Waits until clients went away so many times, all told; panics after half a minute.
    pub async fn wait_for_hang_ups(&self, count: usize) {
        let reached = |stage: &progress::Stage| stage.hang_ups.len() >= count;
        let what = format!("{count} clients to hang up");
        self.script.progress.reaches(&what, reached).await;
    }

    /// Returns what was found so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.script.violations()
    }

    /// Returns what was found so far and forgets it, so that it fails no test.
    pub fn take_violations(&self) -> Vec<Violation> {
        self.script.take_violations()
    }

    /// Fails the test if a request broke a rule.
    ///
    /// # Panics
    /// When one did, with all of them.
    #[track_caller]
    pub fn assert_clean(&self) {
        // They are taken, so that the drop after this panic has nothing to add.
        let found = self.take_violations();
        let list: Vec<String> = found.iter().map(Violation::to_string).collect();
        assert!(
            list.is_empty(),
            "requests to the fake provider broke {} rules:\n{}",
            list.len(),
            list.join("\n")
        );
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.assert_clean();
        }
    }
}
