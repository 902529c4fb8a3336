//! What became of the sessions of a home.

use openclaw_core::SessionKey;
use serde::Serialize;

use crate::home::{Found, Home, Role};
use crate::map::Counts;
use crate::trouble::{Effect, Trouble};

/// What is done about a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is taken whole.
    New,
    /// What was added to it since the last time is taken.
    Grown,
    /// Its key stood for another transcript the last time; it is appended to that one's session.
    Followed,
    /// It is taken whole under another key, because the session that has its key went on here, or
    /// because it was rewritten there.
    Diverged,
    /// It was taken before, all of it.
    Same,
}

/// One transcript and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// The session here.
    pub session_key: SessionKey,
    /// The key that the source has for it, where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_key: Option<String>,
    /// The file, as seen from the home.
    pub file: String,
    /// The form of that file.
    pub form: &'static str,
    /// The session's id in the source.
    pub session_id: String,
    /// What is done.
    pub action: Action,
    /// How much there is of it: of what is added, or of the whole where nothing is.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Something that stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// What it is.
    pub what: String,
    /// Why it stays.
    pub why: String,
}

/// What becomes of the sessions of a home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionsReport {
    /// The transcripts, each with what is done about it.
    pub sessions: Vec<Taken>,
    /// What is added, together.
    pub added: Counts,
    /// What is there, together: what is added and what was taken before.
    pub there: Counts,
    /// What stays where it is.
    pub left: Vec<Left>,
    /// What is taken, though something is unusual about it.
    pub notes: Vec<Left>,
}

impl Taken {
    pub(super) fn of(
        home: &Home,
        found: &Found,
        key: SessionKey,
        action: Action,
        counts: Counts,
    ) -> Self {
        let original_key = found
            .original_key
            .clone()
            .filter(|original| original != key.as_str() && found.role != Role::Unnamed);
        Self {
            session_key: key,
            original_key,
            file: home.relative(found.source.file()),
            form: found.source.form(),
            session_id: found.session_id.clone(),
            action,
            counts,
        }
    }
}

impl SessionsReport {
    pub(super) fn add(&mut self, taken: Taken) {
        if taken.action != Action::Same {
            self.added.add(&taken.counts);
        }
        self.there.add(&taken.counts);
        self.sessions.push(taken);
    }

    pub(super) fn trouble(&mut self, home: &Home, trouble: &Trouble) {
        let said = Left {
            what: format!("{}{}", home.relative(&trouble.file), trouble.spot),
            why: trouble.fault.to_string(),
        };
        match trouble.fault.effect() {
            Effect::Left => self.left.push(said),
            Effect::Kept => self.notes.push(said),
        }
    }

    /// Returns how many sessions something was added to.
    pub fn changed(&self) -> usize {
        let changed = |taken: &&Taken| taken.action != Action::Same;
        self.sessions.iter().filter(changed).count()
    }
}
