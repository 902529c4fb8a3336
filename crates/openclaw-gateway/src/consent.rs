//! What is asked before a tool call runs, as the config says it: `approvals` and `provenance`.

use openclaw_agents::approvals::{ApprovalRules, Unattended};
use openclaw_agents::taint::{Origin, TaintRules};
use openclaw_agents::tools::Effect;
use openclaw_config::{OwnSettings, WhenUnattended};

/// The effects that may be asked for, with the names that a config has for them.
const ASKED: [(Effect, &str); 3] = [
    (Effect::Exec, "exec"),
    (Effect::Send, "send"),
    (Effect::Secret, "secret"),
];

/// Returns how approvals are asked for.
pub(crate) fn approvals(settings: &OwnSettings) -> ApprovalRules {
    let settings = &settings.approvals;
    let usual = ApprovalRules::default();
    ApprovalRules {
        patience: settings.expiry.unwrap_or(usual.patience),
        unattended: match settings.unattended {
            WhenUnattended::Deny => Unattended::Deny,
            WhenUnattended::Wait => Unattended::Wait,
        },
    }
}

/// Returns what counts as untrusted, and what that leads to.
pub(crate) fn taint(settings: &OwnSettings) -> TaintRules {
    let settings = &settings.provenance;
    if settings.enabled == Some(false) {
        return TaintRules::off();
    }
    let usual = TaintRules::default();
    TaintRules {
        untrusted: settings
            .untrusted
            .as_ref()
            .map_or(usual.untrusted, |names| named(&Origin::ALL, names)),
        ask: settings
            .ask
            .as_ref()
            .map_or(usual.ask, |names| named(&ASKED, names)),
    }
}

fn named<T: Copy>(all: &[(T, &str)], names: &[String]) -> Vec<T> {
    let listed = |(_, name): &&(T, &str)| names.iter().any(|listed| listed == name);
    all.iter().filter(listed).map(|(one, _)| *one).collect()
}

#[cfg(test)]
mod tests {
    use openclaw_config::{ASKED_EFFECTS, UNTRUSTED_ORIGINS};

    use super::*;

    #[test]
    fn every_name_that_a_config_may_have_means_something_here() {
        assert_eq!(Origin::ALL.map(|(_, name)| name), UNTRUSTED_ORIGINS);
        assert_eq!(ASKED.map(|(_, name)| name), ASKED_EFFECTS);
    }

    #[test]
    fn the_gate_is_on_unless_it_is_turned_off() {
        let mut settings = OwnSettings::default();
        assert_eq!(taint(&settings), TaintRules::default());
        settings.provenance.untrusted = Some(vec!["web".to_owned()]);
        assert_eq!(taint(&settings).untrusted, [Origin::Web]);
        settings.provenance.enabled = Some(false);
        assert!(taint(&settings).is_off());
    }
}
