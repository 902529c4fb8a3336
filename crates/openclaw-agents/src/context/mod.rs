//! What fills the model's window: every part of the next request, with its tokens.
//!
//! Tokens are estimated as budgets estimate them, on the safe side; what the provider counted last
//! stands beside the sum.

use std::sync::Arc;

use jiff::Timestamp;
use openclaw_core::access::Sender;
use openclaw_core::events::{Change, Shortening};
use openclaw_core::hooks::Hooks;
use openclaw_core::{EventStore, ModelRef, RunId, SessionEvent, SessionKey};
use openclaw_providers::{AssistantBlock, Message, UserBlock, tokens_at_most};
use tokio::task;

use crate::agent::Agent;
use crate::compaction::{Space, View, Window, reported};
use crate::error::AgentError;
use crate::prompt::Scene;
use crate::step::Brief;
use crate::tools::ToolRegistry;
use crate::transcript;

/// A session, and whose it is.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The event log.
    pub store: EventStore,
    /// The agent whose session it is.
    pub agent: Arc<Agent>,
    /// The tools that it is told of.
    pub tools: Arc<ToolRegistry>,
    /// The session.
    pub session: SessionKey,
    /// Who looks at it.
    pub sender: Sender,
    /// Who else is told when it is summed up.
    pub hooks: Arc<dyn Hooks>,
}

/// What the next request of a session is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The model that is asked first.
    pub model: ModelRef,
    /// How much fits.
    pub space: Space,
    /// The parts, in the order of the request.
    pub parts: Vec<Part>,
    /// What the provider counted of the session's last step, its answer too, if the view has not
    /// changed since then.
    pub reported: Option<u64>,
    /// The compactions since the session's last start, oldest first.
    pub compactions: Vec<Compaction>,
}

impl Account {
    /// Returns how many tokens all parts have together, at most.
    pub fn estimated(&self) -> u64 {
        self.parts
            .iter()
            .map(|part| part.tokens)
            .fold(0, u64::saturating_add)
    }
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What kind of part.
    pub kind: PartKind,
    /// Which one, where there are several of a kind.
    pub name: Option<String>,
    /// How many there are of it.
    pub count: usize,
    /// How many tokens it has, at most.
    pub tokens: u64,
}

/// A kind of part, in the order of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A section of the system prompt.
    System,
    /// The skills that the system prompt lists.
    Skills,
    /// The files of the workspace in the system prompt.
    Files,
    /// A tool with the schema of its arguments.
    Tool,
    /// What stands in place of the earlier conversation.
    Summary,
    /// What people wrote.
    Messages,
    /// Pictures and documents in it.
    Attachments,
    /// What the model wrote, its thoughts and calls included.
    Answers,
    /// What came of its calls.
    Results,
}

/// A compaction that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Its event.
    pub seq: u64,
    /// When it was.
    pub time: Timestamp,
    /// The first event that is seen as it is.
    pub first_kept: u64,
    /// How many tokens there were before.
    pub tokens_before: u64,
    /// What else is known of it.
    pub how: Shortening,
    /// Whether it was undone.
    pub undone: bool,
}

impl Desk {
    /// Returns what the next request is made of.
    pub async fn account(&self) -> Result<Account, AgentError> {
        let events = self.events().await?;
        let brief = self.brief().await?;
        let view = View::of(&events, &RunId::generate());
        let mut parts = fixed(&brief);
        if let Some(text) = view.window.introduction() {
            parts.push(part(PartKind::Summary, None, 1, tokens_at_most(&text)));
        }
        parts.extend(said(&transcript::conversation(
            &Window::default(),
            view.seen_pieces(),
        )));
        Ok(Account {
            model: brief.model().clone(),
            space: Space::of(brief.route()),
            parts,
            reported: reported(&events).map(|usage| usage.total()),
            compactions: compactions(&events),
        })
    }

    /// Returns all events of the session.
    pub(crate) async fn events(&self) -> Result<Vec<SessionEvent>, AgentError> {
        Ok(self.store.read(&self.session, 1..=u64::MAX).await?)
    }

    /// Returns what the session's model is told in every request.
    pub(crate) async fn brief(&self) -> Result<Brief, AgentError> {
        let desk = self.clone();
        task::spawn_blocking(move || {
            let scene = Scene::of(&desk.agent, &desk.session, &desk.sender);
            let session = Some(&desk.session);
            let offered = desk.agent.offered(&desk.tools, session, &desk.sender);
            Brief::new(&desk.agent, &offered, &desk.session, &scene)
        })
        .await
        .map_err(|_panicked| AgentError::Defect)?
    }
}

/// Returns what every request has before its first message.
fn fixed(brief: &Brief) -> Vec<Part> {
    let sections = brief.sections().iter().map(|section| {
        let tokens = tokens_at_most(&section.text);
        match section.name {
            "skills" => part(PartKind::Skills, None, 1, tokens),
            "files" => part(PartKind::Files, None, 1, tokens),
            name => part(PartKind::System, Some(name.to_owned()), 1, tokens),
        }
    });
    let tools = brief.tools().iter().map(|tool| {
        let name = Some(tool.name.clone());
        part(PartKind::Tool, name, 1, tool.tokens_at_most())
    });
    sections.chain(tools).collect()
}

const fn part(kind: PartKind, name: Option<String>, count: usize, tokens: u64) -> Part {
    Part {
        kind,
        name,
        count,
        tokens,
    }
}

/// Returns what was said, by kind.
fn said(messages: &[Message]) -> Vec<Part> {
    let kinds = [
        PartKind::Messages,
        PartKind::Attachments,
        PartKind::Answers,
        PartKind::Results,
    ];
    let mut parts = kinds.map(|kind| part(kind, None, 0, 0));
    let mut add = |kind: PartKind, count: usize, tokens: u64| {
        if let Some(part) = parts.iter_mut().find(|part| part.kind == kind) {
            part.count = part.count.saturating_add(count);
            part.tokens = part.tokens.saturating_add(tokens);
        }
    };
    for message in messages {
        match message {
            Message::User(blocks) => {
                for block in blocks {
                    let kind = match block {
                        UserBlock::Text(_) => PartKind::Messages,
                        UserBlock::Image { .. } | UserBlock::Document { .. } => {
                            PartKind::Attachments
                        }
                    };
                    let alone = Message::User(vec![block.clone()]);
                    add(kind, 1, alone.tokens_at_most());
                }
            }
            Message::Assistant(blocks) => {
                let calls = blocks
                    .iter()
                    .filter(|block| matches!(block, AssistantBlock::ToolCall(_)))
                    .count();
                add(PartKind::Answers, calls.max(1), message.tokens_at_most());
            }
            Message::ToolResults(results) => {
                add(PartKind::Results, results.len(), message.tokens_at_most());
            }
        }
    }
    parts.into_iter().filter(|part| part.count > 0).collect()
}

fn compactions(events: &[SessionEvent]) -> Vec<Compaction> {
    let mut found: Vec<Compaction> = Vec::new();
    for event in events {
        match Change::of(event) {
            Some(Change::ContextCompacted {
                first_kept,
                tokens_before,
                how,
                ..
            }) => found.push(Compaction {
                seq: event.seq,
                time: event.time,
                first_kept,
                tokens_before,
                how,
                undone: false,
            }),
            Some(Change::ContextRestored { compaction }) => {
                let undone = found.iter_mut().find(|known| known.seq == compaction);
                if let Some(known) = undone {
                    known.undone = true;
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
