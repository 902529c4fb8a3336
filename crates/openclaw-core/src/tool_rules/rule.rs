//! Rules of this program's own: ordered, about arguments as well.

use super::list::{Entry, Place};
use super::pattern::Pattern;
use crate::access::Standing;

/// A rule about calls; what it does not say, it does not ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where it stands.
    pub place: Place,
    /// The agents.
    pub agent: Option<Pattern>,
    /// The channels that the sender writes on.
    pub channel: Option<Pattern>,
    /// The senders, as `4711` or as `telegram:4711`.
    pub sender: Option<Pattern>,
    /// Principals only, or guests only.
    pub standing: Option<Standing>,
    /// The tools.
    pub tools: Vec<Entry>,
    /// What the arguments have to be like.
    pub arguments: Vec<Argument>,
    /// What is decided.
    pub decision: Decision,
    /// Why, in the words of whoever wrote it.
    pub because: Option<String>,
}

/// What one argument has to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Where it stands among the arguments: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What it is like.
    pub like: Pattern,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The call may run.
    Allow,
    /// It may run if somebody says so.
    Ask,
    /// It may not run.
    Deny,
}
