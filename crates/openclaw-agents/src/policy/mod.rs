//! Which tools may be called: one judgement for every door, with the rule that decided.
//!
//! A call is held against OpenClaw's layers, in its order (`layers`), then against this
//! program's own rules (`rule`), then against what is said about commands, and
//! last against what a guest may do. Each can only narrow what those before it left: whatever
//! denies, wins; what asks, comes next. The one exception is meant to be one: a rule of one's own
//! that allows a command stands for an entry in OpenClaw's list of allowed commands.
//!
//! A list is about tools by their names. What a tool does with what it was allowed is the sandbox's
//! affair, and whether it may after something untrusted came in, [`crate::taint`]'s.

mod layers;
mod names;
mod offer;
mod rule;
mod sender;
#[cfg(test)]
mod tests;

use openclaw_core::access::{Sender, Standing};
use openclaw_core::tool_rules::{AskWhen, Place, Security};
use openclaw_core::{AgentId, ChannelId, ModelRef, PeerId, SessionKey};
use openclaw_sandbox::SandboxLevel;
use serde_json::Value;

pub use openclaw_core::tool_rules::{Decision, ToolRules};

use self::names::Name;

/// What decides where no rule does.
const DEFAULT: &str = "default";

/// What decides about a guest where no rule does.
const GUEST_DEFAULT: &str = "default for guests";

/// The rules about tools of one agent, and what they come to.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    said: ToolRules,
}

/// A call that is to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Whose call it is.
    pub agent: &'a AgentId,
    /// On whose behalf.
    pub sender: &'a Sender,
    /// The session that it is made in, where there is one.
    pub session: Option<&'a SessionKey>,
    /// The tool, by its own name.
    pub tool: &'a str,
    /// Its arguments; none when it is only asked whether the tool is there at all.
    pub arguments: Option<&'a Value>,
    /// The model that asked, where it was one.
    pub model: Option<&'a ModelRef>,
    /// How commands are confined.
    pub sandbox: SandboxLevel,
}

/// A judgement, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What may be done.
    pub decision: Decision,
    /// The setting that decided, such as `tools.deny`.
    pub rule: String,
    /// The file that it stands in, where it does, and the line.
    pub file: Option<String>,
    /// What it says, as a sentence.
    pub reason: String,
    /// Whether somebody is asked every time, whatever was allowed for good.
    pub every_time: bool,
    /// Everything that was looked at, in order.
    pub looked_at: Vec<Look>,
}

/// One rule, and what it said about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The setting.
    pub rule: String,
    /// The file that it stands in, where it does, and the line.
    pub file: Option<String>,
    /// What it says; nothing when it is not about this call, or says nothing against it.
    pub says: Option<Decision>,
    /// That, as a sentence.
    pub reason: String,
    /// Whether it names the call for this sender, so that a guest has it.
    gives: bool,
    /// Whether it asks whatever was allowed for good.
    every_time: bool,
}

impl Look {
    /// Makes a look at a rule that has nothing to say.
    fn silent(place: &Place, reason: impl Into<String>) -> Self {
        Self {
            rule: place.path.clone(),
            file: place.file.clone(),
            says: None,
            reason: reason.into(),
            gives: false,
            every_time: false,
        }
    }

    fn says(self, decision: Decision) -> Self {
        Self {
            says: Some(decision),
            ..self
        }
    }

    fn giving(self) -> Self {
        Self {
            gives: true,
            ..self
        }
    }
}

impl Policy {
    /// Makes a policy of what the config says.
    pub const fn new(said: ToolRules) -> Self {
        Self { said }
    }

    /// Returns the sender of this id on a channel, as a principal if they are listed as one.
    pub fn sender(&self, channel: ChannelId, peer: PeerId) -> Sender {
        self.said.owners.sender(channel, peer)
    }

    /// Judges a call.
    pub fn judge(&self, asking: &Asking<'_>) -> Verdict {
        let name = Name::of(asking.tool);
        let mut looked_at = self.layers(asking, &name);
        let own = self.own_rules(asking, &name);
        let command = self.command(&name, &own);
        looked_at.extend(own);
        looked_at.extend(command);
        looked_at.push(standing(asking, &looked_at));
        decided(looked_at)
    }

    /// Looks at the rules up to the first that fits, which decides.
    fn own_rules(&self, asking: &Asking<'_>, name: &Name) -> Vec<Look> {
        let mut looks = Vec::new();
        for rule in &self.said.rules {
            if !rule::fits(rule, asking, name) {
                looks.push(Look::silent(&rule.place, "is about other calls"));
                continue;
            }
            let says = match rule.decision {
                Decision::Allow => "allows it",
                Decision::Ask => "asks first",
                Decision::Deny => "denies it",
            };
            let reason = rule
                .because
                .as_ref()
                .map_or_else(|| says.to_owned(), |because| format!("{says}: {because}"));
            let look = Look::silent(&rule.place, reason).says(rule.decision);
            looks.push(match rule.decision {
                Decision::Allow | Decision::Ask => look.giving(),
                Decision::Deny => look,
            });
            break;
        }
        looks
    }

    /// Says what goes for commands, after what the rules said about this one.
    fn command(&self, name: &Name, own: &[Look]) -> Option<Look> {
        let rule = self.said.commands.as_ref().filter(|_| name.is("exec"))?;
        let allowed = own.iter().any(|look| look.says == Some(Decision::Allow));
        let look = |decision, reason| Look::silent(&rule.place, reason).says(decision);
        Some(match (rule.security, rule.ask) {
            (Security::Deny, _) => look(Decision::Deny, "no command runs"),
            (_, AskWhen::Always) => Look {
                every_time: true,
                ..look(Decision::Ask, "every command is asked about")
            },
            (Security::Full, _) => Look::silent(&rule.place, "every command runs"),
            (Security::Allowlist, _) if allowed => {
                Look::silent(&rule.place, "a rule allows the command")
            }
            (Security::Allowlist, AskWhen::OnMiss) => look(
                Decision::Ask,
                "no rule allows the command, so it is asked about",
            ),
            (Security::Allowlist, AskWhen::Off) => {
                look(Decision::Deny, "no rule allows the command")
            }
        })
    }
}

/// Says what a sender may do about whom no rule says anything.
fn standing(asking: &Asking<'_>, looked_at: &[Look]) -> Look {
    let given = looked_at.iter().find(|look| look.gives);
    let place = |path: &str| Place {
        path: path.to_owned(),
        file: None,
    };
    match (asking.sender.standing, given) {
        (Standing::Principal, _) => Look::silent(
            &place(DEFAULT),
            "a principal has every tool that no rule takes away",
        ),
        (Standing::Webhook, _) => Look::silent(
            &place(DEFAULT),
            "a webhook has every tool that no rule takes away",
        ),
        (Standing::Guest, Some(given)) => Look::silent(
            &place(GUEST_DEFAULT),
            format!("a guest has what a rule gives, and {} does", given.rule),
        ),
        (Standing::Guest, None) => Look::silent(
            &place(GUEST_DEFAULT),
            "a guest has the tools that a rule gives, and none gives this one",
        )
        .says(Decision::Deny),
    }
}

/// Takes the strictest of what was said, and the first that said so.
fn decided(looked_at: Vec<Look>) -> Verdict {
    let first = |decision| {
        let mut looks = looked_at.iter();
        looks.find(|look| look.says == Some(decision))
    };
    let strictest = first(Decision::Deny)
        .or_else(|| first(Decision::Ask))
        .or_else(|| looked_at.iter().find(|look| look.gives))
        .or_else(|| first(Decision::Allow))
        .or_else(|| looked_at.last())
        .cloned();
    let Some(look) = strictest else {
        return Verdict {
            decision: Decision::Deny,
            rule: DEFAULT.to_owned(),
            file: None,
            reason: "nothing was looked at".to_owned(),
            every_time: false,
            looked_at,
        };
    };
    Verdict {
        decision: look.says.unwrap_or(Decision::Allow),
        rule: look.rule,
        file: look.file,
        reason: look.reason,
        every_time: looked_at.iter().any(|look| look.every_time),
        looked_at,
    }
}
