//! OpenClaw's layers of lists, in its order: each narrows what those before it left.
//!
//! Profile, the provider's profile, all agents, their provider, this agent, its provider, the
//! conversation, the sender, the sandbox.

use openclaw_core::session_key::Scope as KeyScope;
use openclaw_core::tool_rules::{
    Conversation, ConversationKind, Conversations, Entry, Lists, Place, Profile, Scope, folded,
};
use openclaw_core::{ModelRef, SessionKey};
use openclaw_sandbox::SandboxLevel;

use super::names::Name;
use super::sender::about;
use super::{Asking, Decision, Look, Policy};

/// The key of every conversation that has none of its own.
const OTHERS: &str = "*";

/// Whom a layer is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Everybody.
    All,
    /// This sender or this conversation: what it allows by name, a guest has.
    Sender,
}

impl Policy {
    /// Returns what each layer says.
    pub(super) fn layers(&self, asking: &Asking<'_>, name: &Name) -> Vec<Look> {
        let said = &self.said;
        let shared = of_model(&said.shared.by_model, asking.model);
        let own = of_model(&said.own.by_model, asking.model);
        let mut looks = Vec::new();
        let also = said.own.lists.also_allow.as_deref();
        let also = also.or(said.shared.lists.also_allow.as_deref());
        let profile = said.own.profile.as_ref().or(said.shared.profile.as_ref());
        looks.extend(profile.map(|profile| of_profile(profile, also, name)));
        let profile = own.and_then(|scope| scope.profile.as_ref());
        let profile = profile.or_else(|| shared?.profile.as_ref());
        let also = own.and_then(|scope| scope.lists.also_allow.as_deref());
        let also = also.or_else(|| shared?.lists.also_allow.as_deref());
        looks.extend(profile.map(|profile| of_profile(profile, also, name)));
        let scopes = [Some(&said.shared), shared, Some(&said.own), own];
        for scope in scopes.into_iter().flatten() {
            looks.extend(of_lists(&scope.lists, name, About::All));
        }
        for lists in self.of_conversation(asking) {
            looks.extend(of_lists(lists, name, About::Sender));
        }
        let sender = about(&said.own.by_sender, asking.sender);
        let sender = sender.or_else(|| about(&said.shared.by_sender, asking.sender));
        looks.extend(sender.and_then(|lists| of_lists(lists, name, About::Sender)));
        let confined = asking.sandbox != SandboxLevel::None;
        let sandboxed = said.sandboxed.as_ref().filter(|_| confined);
        looks.extend(sandboxed.and_then(|lists| of_lists(lists, name, About::All)));
        looks
    }

    /// Returns what is said about the conversation, by every account that knows it: which of them
    /// it belongs to is not known.
    fn of_conversation<'a>(&'a self, asking: &Asking<'_>) -> Vec<&'a Lists> {
        let Some((channel, kind, ids)) = asking.session.and_then(conversation) else {
            return Vec::new();
        };
        let of_channel = self
            .said
            .conversations
            .iter()
            .filter(|some| some.channel == channel && some.kind == kind);
        let said = of_channel.filter_map(|some| {
            let named = ids.iter().find_map(|id| named(some, id));
            let others = named_others(some);
            // One that is named but says nothing leaves it to what goes for the others.
            let mut chosen = [named, others].into_iter().flatten();
            chosen.find_map(|one| about(&one.by_sender, asking.sender).or(one.tools.as_ref()))
        });
        said.collect()
    }
}

fn named<'a>(some: &'a Conversations, id: &str) -> Option<&'a Conversation> {
    let found = some.each.iter().find(|(key, _)| key == id);
    found.map(|(_, conversation)| conversation)
}

fn named_others(some: &Conversations) -> Option<&Conversation> {
    named(some, OTHERS)
}

/// Returns a session's channel, the kind of its conversation, and the ids that it goes by there,
/// the nearest first.
fn conversation(session: &SessionKey) -> Option<(String, ConversationKind, Vec<String>)> {
    match session.scope() {
        KeyScope::Main => None,
        KeyScope::Direct { channel, peer } => Some((
            folded(channel.as_str()),
            ConversationKind::Direct,
            vec![folded(peer.as_str())],
        )),
        KeyScope::Group {
            channel,
            group,
            topic,
        } => {
            let group = folded(group.as_str());
            let topic = topic.map(|topic| format!("{group}:topic:{topic}"));
            let ids = topic.into_iter().chain([group]).collect();
            Some((folded(channel.as_str()), ConversationKind::Group, ids))
        }
        KeyScope::Other(rest) => {
            let mut parts = rest.splitn(3, ':');
            let (channel, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
            let whole = folded(id);
            // What follows the first colon is a topic, a thread or a sender in the group.
            let group = whole.split(':').next().map(str::to_owned);
            let ids = [whole].into_iter().chain(group).collect();
            matches!(kind, "group" | "channel")
                .then(|| (folded(channel), ConversationKind::Group, ids))
        }
    }
}

/// Returns what is said about a model; of its provider only where nothing is said about itself.
fn of_model<'a>(by_model: &'a [(String, Scope)], model: Option<&ModelRef>) -> Option<&'a Scope> {
    let model = model?;
    let provider = folded(model.provider.as_str());
    let names = [format!("{provider}/{}", folded(&model.model)), provider];
    names.iter().find_map(|name| {
        let found = by_model.iter().find(|(key, _)| key == name);
        found.map(|(_, scope)| scope)
    })
}

fn of_profile(profile: &Profile, also: Option<&[Entry]>, name: &Name) -> Look {
    let Profile {
        name: called,
        place,
        tools,
    } = profile;
    let also = also.unwrap_or_default();
    let entry = name.allowed_by(tools);
    match (entry, name.allowed_by(also)) {
        (Some(_), _) => Look::silent(place, format!("the profile `{called}` has it")),
        (None, Some(entry)) => {
            let reason = format!(
                "alsoAllow adds it to the profile `{called}`{}",
                by(entry, name)
            );
            Look::silent(place, reason)
        }
        (None, None) if tools.is_empty() => {
            Look::silent(place, format!("the profile `{called}` leaves nothing out"))
        }
        (None, None) => {
            let reason = format!("the profile `{called}` does not have it");
            Look::silent(place, reason).says(Decision::Deny)
        }
    }
}

/// Returns what lists say about a tool; nothing where they are empty.
fn of_lists(lists: &Lists, name: &Name, whom: About) -> Option<Look> {
    if let Some(entry) = name.denied_by(&lists.deny) {
        let reason = format!("denies it{}", by(entry, name));
        return Some(Look::silent(&at(lists, "deny", entry), reason).says(Decision::Deny));
    }
    let allow = lists.allow.as_deref().unwrap_or_default();
    let also = lists.also_allow.as_deref().unwrap_or_default();
    let allowed = name.allowed_by(allow);
    let added = name.allowed_by(also);
    let (key, entry) = match (allowed, added) {
        (Some(entry), _) => ("allow", entry),
        (None, Some(entry)) => ("alsoAllow", entry),
        (None, None) if !allow.is_empty() => {
            let place = lists.place.key("allow");
            let look = Look::silent(&place, "allows other tools only");
            return Some(look.says(Decision::Deny));
        }
        (None, None) => {
            let says_something = !lists.deny.is_empty() || !also.is_empty();
            return says_something.then(|| silent_lists(&lists.place, &lists.deny));
        }
    };
    let reason = format!("{key} has it{}", by(entry, name));
    let look = Look::silent(&at(lists, key, entry), reason);
    Some(match (whom, key) {
        (About::Sender, _) => look.says(Decision::Allow).giving(),
        (About::All, "allow") => look.says(Decision::Allow),
        (About::All, _) => look,
    })
}

/// Returns where an entry of a list stands.
fn at(lists: &Lists, key: &str, entry: &Entry) -> Place {
    Place {
        file: entry.file.clone(),
        ..lists.place.key(key)
    }
}

fn silent_lists(place: &Place, deny: &[Entry]) -> Look {
    let key = if deny.is_empty() { "alsoAllow" } else { "deny" };
    Look::silent(&place.key(key), "is about other tools")
}

/// Says which entry it was, where that is not the tool's own name.
fn by(entry: &Entry, name: &Name) -> String {
    let written = &entry.written;
    if name.is(written) {
        String::new()
    } else {
        format!(" by `{written}`")
    }
}
