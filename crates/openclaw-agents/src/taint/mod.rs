//! Whether something untrusted has come into view since the principal last spoke.
//!
//! A model does what it reads. What enters a conversation is marked with where it came from
//! (`marks`), and while a mark that nobody vouches for is newer than the principal's message that
//! the run answers, what runs commands, sends something out or uses a secret asks first (`view`).
//! Files that were written meanwhile keep the mark (`left`, `background`,
//! `changed`, `written`, `given`), so that it is not lost by
//! going through the workspace. Everything is computed from the event log and not from what the
//! model sees of it, so that a compaction or a restart takes nothing away.

mod background;
mod changed;
mod given;
mod left;
mod marks;
#[cfg(test)]
mod tests;
mod view;
mod written;

use openclaw_core::access::Sender;
use openclaw_core::provenance::Trust;

use crate::tools::Effect;

pub(crate) use background::{Still, Watches, overlap, settled};
use changed::Changed;
pub(crate) use left::{Footprint, Leaving, Over};
pub(crate) use marks::{Origins, host, of_message};
pub use view::name;
pub(crate) use view::{View, Watched};
pub(crate) use written::{WrittenFiles, add_all};

/// What counts as untrusted, and what that leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaintRules {
    /// What nobody vouches for.
    pub untrusted: Vec<Origin>,
    /// What is asked for while something untrusted is in view; nothing at all turns the gate off.
    pub ask: Vec<Effect>,
}

/// A kind of place that pieces of a conversation come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The web.
    Web,
    /// Files outside of the workspace, and those that guests send.
    File,
    /// Guests.
    Person,
    /// Commands that can reach more than the workspace.
    Command,
    /// Other sessions in which something untrusted was.
    Session,
    /// Files of the workspace that were written while something untrusted was in view.
    Written,
    /// Tools that are not part of this program.
    Tool,
    /// Skills that were written while something untrusted was in view.
    Skill,
    /// What comes by the gateway's webhooks.
    Webhook,
}

impl Origin {
    /// Every origin, with the name that a config has for it.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Web, "web"),
        (Self::File, "file"),
        (Self::Person, "person"),
        (Self::Command, "command"),
        (Self::Session, "session"),
        (Self::Written, "written"),
        (Self::Tool, "tool"),
        (Self::Skill, "skill"),
        (Self::Webhook, "webhook"),
    ];
}

impl Default for TaintRules {
    fn default() -> Self {
        Self {
            untrusted: Origin::ALL.map(|(origin, _)| origin).to_vec(),
            ask: vec![Effect::Exec, Effect::Send, Effect::Secret],
        }
    }
}

impl TaintRules {
    /// Asks for nothing, whatever comes into view.
    pub const fn off() -> Self {
        Self {
            untrusted: Vec::new(),
            ask: Vec::new(),
        }
    }

    /// Tells whether anything is asked for at all.
    pub const fn is_off(&self) -> bool {
        self.ask.is_empty()
    }

    /// Tells whether something untrusted is in view of every run that answers this sender: their
    /// own words.
    pub fn distrusts(&self, sender: &Sender) -> bool {
        let said = of_message(self, sender, &[]);
        said.iter().any(|mark| mark.trust == Trust::Untrusted)
    }
}
