//! Who reads along in a session, and what of the workspace is for them.

use openclaw_core::SessionKey;

/// Who reads along in a session, as far as its key tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The owner, or one peer.
    Private,
    /// A group or a channel: people who are not to see what the owner remembers.
    Shared,
    /// Another agent that asked for one piece of work.
    Agent,
    /// Nobody: work that starts by the clock.
    Clock,
}

/// What work for another agent is given.
const FOR_AGENTS: [&str; 2] = ["AGENTS.md", "TOOLS.md"];
/// What work by the clock is given.
const BY_THE_CLOCK: [&str; 5] = ["AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "TOOLS.md"];
/// What only the owner, or one peer, sees.
const REMEMBERED: &str = "MEMORY.md";

impl Audience {
    /// Returns the audience of a session.
    pub fn of(session: &SessionKey) -> Self {
        let key = session.as_str().to_lowercase();
        // The key is `agent:<id>:` and a remainder.
        let rest = key.splitn(3, ':').nth(2).unwrap_or_default();
        let parts: Vec<&str> = rest.split(':').collect();
        match parts.as_slice() {
            ["subagent", _, ..] => Self::Agent,
            ["cron", _, ..] => Self::Clock,
            // `<channel>:group:<id>`, or with an account of the channel in between; earlier
            // releases wrote `group:<id>`.
            ["group" | "channel", _, ..]
            | [_, "group" | "channel", _, ..]
            | [_, _, "group" | "channel", _, ..] => Self::Shared,
            // Groups of two channels, as earlier releases wrote them.
            [.., last] if last.ends_with("@g.us") => Self::Shared,
            ["discord", .., guild, channel]
                if guild.starts_with("guild-") && channel.starts_with("channel-") =>
            {
                Self::Shared
            }
            _ => Self::Private,
        }
    }

    /// Tells whether a file of the workspace is for this audience.
    pub(super) fn may_see(self, name: &str) -> bool {
        match self {
            Self::Private => true,
            Self::Shared => name != REMEMBERED,
            Self::Agent => FOR_AGENTS.contains(&name),
            Self::Clock => BY_THE_CLOCK.contains(&name),
        }
    }

    /// Tells whether what the agent remembers is for this audience.
    pub(super) fn may_remember(self) -> bool {
        self.may_see(REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_who_reads_along() {
        for (rest, audience) in [
            ("main", Audience::Private),
            ("telegram:direct:4711", Audience::Private),
            ("openai-user:group", Audience::Private),
            ("explicit:0190", Audience::Private),
            ("telegram:group:-100:topic:7", Audience::Shared),
            ("slack:channel:C1", Audience::Shared),
            ("slack:work:channel:C1", Audience::Shared),
            ("group:-100", Audience::Shared),
            ("whatsapp:120363@g.us", Audience::Shared),
            ("discord:guild-1:channel-2", Audience::Shared),
            ("Telegram:GROUP:x", Audience::Shared),
            ("subagent:0190", Audience::Agent),
            ("cron:daily", Audience::Clock),
        ] {
            let key = SessionKey::parse(&format!("agent:main:{rest}")).unwrap();
            assert_eq!(Audience::of(&key), audience, "{rest}");
        }
    }
}
