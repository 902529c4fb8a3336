//! Lists of tools that are allowed and denied, as they stand in a config.

use std::fmt;

use super::pattern::Pattern;

/// Where a rule stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The path of keys, such as `tools.deny`.
    pub path: String,
    /// The file, and where it is known the line, as people write it: `openclaw.json:12`.
    pub file: Option<String>,
}

/// One entry of a list: what somebody wrote, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What somebody wrote, such as `group:fs`.
    pub written: String,
    /// The file that it stands in, and the line, where that is known.
    pub file: Option<String>,
    /// The tools that it stands for.
    pub tools: Vec<Pattern>,
}

/// What one place allows and denies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The place, without the key of the list.
    pub place: Place,
    /// Only these (`allow`); an empty list allows everything.
    pub allow: Option<Vec<Entry>>,
    /// These beside what a profile allows (`alsoAllow`).
    pub also_allow: Option<Vec<Entry>>,
    /// None of these (`deny`).
    pub deny: Vec<Entry>,
}

/// Everything that one place says about tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The tools to begin with (`profile`).
    pub profile: Option<Profile>,
    /// What is allowed and denied.
    pub lists: Lists,
    /// The same for one provider, or one model (`byProvider`), by its name in lower case.
    pub by_model: Vec<(String, Self)>,
    /// The same for one sender (`toolsBySender`).
    pub by_sender: Vec<(SenderKey, Lists)>,
}

/// A named set of tools to begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Where it was chosen.
    pub place: Place,
    /// What it has.
    pub tools: Vec<Entry>,
}

/// Which senders are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderKey {
    /// Somebody on one channel (`channel:telegram:4711`).
    Channel {
        /// The channel.
        channel: String,
        /// Who they are there, in lower case.
        id: String,
    },
    /// Somebody of this id on any channel (`id:4711`).
    Id(String),
    /// Somebody with this telephone number (`e164:+49…`).
    Phone(String),
    /// Everybody else (`*`).
    Anybody,
}

/// The conversations of a kind on one channel, and what is said about each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversations {
    /// The channel.
    pub channel: String,
    /// Of which kind they are.
    pub kind: ConversationKind,
    /// Each by its id in lower case; `*` is every other one.
    pub each: Vec<(String, Conversation)>,
}

/// What kind of conversation it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConversationKind {
    /// With one person.
    Direct,
    /// Of several people.
    #[default]
    Group,
}

/// What is said about one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// About everybody in it (`tools`).
    pub tools: Option<Lists>,
    /// About one of them (`toolsBySender`).
    pub by_sender: Vec<(SenderKey, Lists)>,
}

impl Place {
    /// Returns the place of a member.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self {
            path: format!("{}.{key}", self.path),
            file: self.file.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{} ({file})", self.path),
            None => f.write_str(&self.path),
        }
    }
}

impl Entry {
    /// Tells whether a tool is among them, by its name in lists.
    pub fn names(&self, tool: &str) -> bool {
        self.tools.iter().any(|pattern| pattern.fits(tool))
    }
}
