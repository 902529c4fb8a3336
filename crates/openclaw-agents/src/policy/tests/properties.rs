//! What holds for any rules: a denial wins, and one more rule takes away or leaves as it is.

use openclaw_core::access::Standing;
use openclaw_core::tool_rules::{Lists, Profile, Scope, SenderKey, ToolRules};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const TOOLS: [&str; 8] = [
    "exec",
    "read",
    "grep",
    "write",
    "apply_patch",
    "web_fetch",
    "web_search",
    "message",
];

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        prop::sample::select(&TOOLS[..]),
        prop::sample::select(vec!["web_*", "*", "*e*", "nothing"]),
    ]
}

fn lists() -> impl Strategy<Value = Lists> {
    let list = || vec(name(), 0..3);
    (option::of(list()), option::of(list()), list()).prop_map(|(allow, also, deny)| Lists {
        place: place("tools"),
        allow: allow.map(|names| entries(&names)),
        also_allow: also.map(|names| entries(&names)),
        deny: entries(&deny),
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    let profile = option::of(vec(name(), 1..4)).prop_map(|names| {
        names.map(|names| Profile {
            name: "some".to_owned(),
            place: place("tools.profile"),
            tools: entries(&names),
        })
    });
    let key = prop::sample::select(vec![SenderKey::Id("4711".to_owned()), SenderKey::Anybody]);
    (profile, lists(), vec((key, lists()), 0..3)).prop_map(|(profile, lists, by_sender)| Scope {
        profile,
        lists,
        by_model: Vec::new(),
        by_sender,
    })
}

fn decisions() -> impl Strategy<Value = Decision> {
    prop::sample::select(vec![Decision::Allow, Decision::Ask, Decision::Deny])
}

fn said() -> impl Strategy<Value = ToolRules> {
    let rules = vec((name(), decisions()), 0..3).prop_map(|rules| {
        let rules = rules.into_iter();
        rules.map(|(name, decision)| rule(name, decision)).collect()
    });
    (scope(), scope(), option::of(lists()), rules).prop_map(|(shared, own, sandboxed, rules)| {
        ToolRules {
            shared,
            own,
            sandboxed,
            rules,
            ..ToolRules::default()
        }
    })
}

fn senders() -> impl Strategy<Value = Sender> {
    let standing = prop::sample::select(vec![Standing::Principal, Standing::Guest]);
    (prop::sample::select(vec!["4711", "1"]), standing).prop_map(|(peer, standing)| Sender {
        channel: "telegram".into(),
        peer: peer.into(),
        standing,
    })
}

const fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::Allow => 0,
        Decision::Ask => 1,
        Decision::Deny => 2,
    }
}

proptest! {
    #[test]
    fn what_one_place_denies_no_other_gives_back(
        said in said(),
        sender in senders(),
        tool in prop::sample::select(&TOOLS[..]),
        at in 0..4,
    ) {
        let mut said = said;
        let lists = match at {
            0 => &mut said.shared.lists,
            1 => &mut said.own.lists,
            2 => said.sandboxed.get_or_insert_default(),
            _ => {
                said.rules.insert(0, rule(tool, Decision::Deny));
                &mut Lists::default()
            }
        };
        lists.deny.extend(entries(&[tool]));
        prop_assert_eq!(decision(&said, &sender, tool, None), Decision::Deny);
    }

    #[test]
    fn lists_that_are_added_only_take_away(
        said in said(),
        more in lists(),
        sender in senders(),
        tool in prop::sample::select(&TOOLS[..]),
    ) {
        // What goes for everybody gives a guest nothing, so that it cannot widen for them either.
        let before = decision(&said, &sender, tool, None);
        let wider = ToolRules { sandboxed: None, ..said.clone() };
        let narrower = ToolRules { sandboxed: Some(more), ..said };
        let (without, with) = (
            decision(&wider, &sender, tool, None),
            decision(&narrower, &sender, tool, None),
        );
        prop_assert!(rank(without) <= rank(before));
        prop_assert!(rank(without) <= rank(with), "{without:?} {with:?}");
    }

    #[test]
    fn a_guest_never_has_more_than_a_principal(
        said in said(),
        sender in senders(),
        tool in prop::sample::select(&TOOLS[..]),
    ) {
        let of = |standing| {
            let sender = Sender { standing, ..sender.clone() };
            rank(decision(&said, &sender, tool, None))
        };
        prop_assert!(of(Standing::Principal) <= of(Standing::Guest));
    }

    #[test]
    fn the_rule_that_is_named_is_one_that_was_looked_at(
        said in said(),
        sender in senders(),
        tool in prop::sample::select(&TOOLS[..]),
    ) {
        let verdict = verdict(&said, &sender, tool, None);
        let named = verdict
            .looked_at
            .iter()
            .find(|look| look.rule == verdict.rule && look.reason == verdict.reason);
        let says = named.map(|look| look.says.unwrap_or(Decision::Allow));
        prop_assert_eq!(says, Some(verdict.decision));
    }
}
