//! What configs say about tools.

use openclaw_core::access::Standing;
use openclaw_core::tool_rules::{AskWhen, Decision, Entry, Pattern, Security, SenderKey};
use serde_json::json;

use super::*;
use crate::settings::tests::{meaning, not_followed};

fn rules(text: &str) -> ToolRules {
    meaning(text).tool_rules(&AgentId::from("main"))
}

fn written(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.written.as_str()).collect()
}

#[test]
fn groups_and_other_names_stand_for_tools() {
    let said = rules("{ tools: { allow: ['Bash', 'group:web', ' '], deny: ['group:none'] } }");
    let allow = said.shared.lists.allow.unwrap();
    assert_eq!(written(&allow), ["Bash", "group:web"]);
    let tools: Vec<String> = allow
        .iter()
        .flat_map(|entry| entry.tools.iter().map(Pattern::to_string))
        .collect();
    assert_eq!(tools, ["exec", "web_search", "web_fetch", "x_search"]);
    assert_eq!(
        said.shared.lists.deny[0].tools,
        [Pattern::exact("group:none")],
        "an unknown group is no tool's name"
    );
}

#[test]
fn an_agent_has_its_own_lists_beside_those_of_all() {
    let said = rules(
        "{ tools: { profile: 'coding', deny: ['exec'] },
           agents: { entries: { main: { tools: { profile: 'minimal', alsoAllow: ['read'] } }, b: {} } } }",
    );
    assert_eq!(said.shared.profile.unwrap().name, "coding");
    let own = said.own.profile.unwrap();
    assert_eq!(
        (own.name.as_str(), own.place.path.as_str()),
        ("minimal", "agents.entries.main.tools.profile")
    );
    assert_eq!(written(&own.tools), ["session_status", "gateway"]);
    assert_eq!(written(&said.own.lists.also_allow.unwrap()), ["read"]);
}

#[test]
fn senders_are_known_by_channel_and_id() {
    let config = meaning(
        "{ tools: { toolsBySender: {
             'channel:teams:Ada': {}, 'ID:4711': {}, 'e164:+49151': {}, '@bob': {}, '*': {},
             'username:carol': { deny: ['*'] }, 'name:Dora': {}, 'channel:x': {} } } }",
    );
    let said = config.tool_rules(&AgentId::from("main"));
    let keys: Vec<SenderKey> = said
        .shared
        .by_sender
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let expected = [
        SenderKey::Channel {
            channel: "msteams".to_owned(),
            id: "ada".to_owned(),
        },
        SenderKey::Id("4711".to_owned()),
        SenderKey::Phone("+49151".to_owned()),
        SenderKey::Id("bob".to_owned()),
        SenderKey::Anybody,
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        not_followed(&config),
        [
            "tools.toolsBySender.username:carol",
            "tools.toolsBySender.name:Dora",
            "tools.toolsBySender.channel:x"
        ]
    );
}

#[test]
fn commands_go_by_the_mode_of_the_agent_or_of_all() {
    for (text, expected) in [
        ("{}", None),
        (
            "{ tools: { exec: { mode: 'ask' } } }",
            Some(("tools.exec.mode", Security::Allowlist, AskWhen::OnMiss)),
        ),
        (
            "{ tools: { exec: { security: 'allowlist' } } }",
            Some(("tools.exec.security", Security::Allowlist, AskWhen::Off)),
        ),
        (
            "{ tools: { exec: { ask: 'always' } } }",
            Some(("tools.exec.ask", Security::Full, AskWhen::Always)),
        ),
        (
            "{ tools: { exec: { mode: 'deny' } }, agents: { entries: { main: { tools: { exec: { mode: 'full' } } } } } }",
            Some((
                "agents.entries.main.tools.exec.mode",
                Security::Full,
                AskWhen::Off,
            )),
        ),
        (
            "{ tools: { exec: { mode: 'ask' } }, agents: { entries: { main: { tools: { exec: { ask: 'off' } } } } } }",
            Some((
                "agents.entries.main.tools.exec.ask",
                Security::Allowlist,
                AskWhen::Off,
            )),
        ),
    ] {
        let commands = rules(text).commands;
        let said = commands
            .as_ref()
            .map(|rule| (rule.place.path.as_str(), rule.security, rule.ask));
        assert_eq!(said, expected, "{text}");
    }
}

#[test]
fn owners_are_those_who_are_listed_or_else_those_who_may_write() {
    for (text, owners) in [
        ("{}", &[][..]),
        (
            "{ commands: { ownerAllowFrom: ['telegram:4711', 99, '*'] }, channels: { signal: { allowFrom: ['+49'] } } }",
            &[
                ("telegram", "4711"),
                ("telegram", "99"),
                ("signal", "99"),
                ("irc", "99"),
            ][..],
        ),
        (
            "{ channels: { signal: { allowFrom: ['+49'] }, telegram: { accounts: { a: { allowFrom: [4711] } } } } }",
            &[("signal", "+49"), ("telegram", "4711")][..],
        ),
        (
            "{ channels: { signal: { allowFrom: ['+49', '*'] } } }",
            &[][..],
        ),
    ] {
        let said = rules(text).owners;
        for channel in ["telegram", "signal", "irc"] {
            for peer in ["4711", "99", "+49", "*"] {
                let sender = said.sender(channel.into(), peer.into());
                let expected = owners.contains(&(channel, peer));
                assert_eq!(
                    sender.standing == Standing::Principal,
                    expected,
                    "{text} {channel} {peer}"
                );
            }
        }
    }
}

#[test]
fn rooms_of_a_house_have_what_it_says_unless_they_say_something() {
    let said = rules(
        "{ channels: { discord: { guilds: {
             g: { tools: { deny: ['exec'] }, channels: { a: {}, B: { tools: { deny: ['read'] } }, '*': {} } },
             '*': { tools: { deny: ['write'] } } } },
           slack: { channels: { c: { toolsBySender: { '*': { deny: ['exec'] } } }, d: {} } } } }",
    );
    let all: Vec<(&str, Vec<(&str, bool)>)> = said
        .conversations
        .iter()
        .map(|some| {
            let each = some.each.iter();
            let each = each.map(|(id, one)| (id.as_str(), one.tools.is_some()));
            (some.channel.as_str(), each.collect())
        })
        .collect();
    assert_eq!(
        all,
        [
            ("discord", vec![("a", true), ("b", true)]),
            ("discord", vec![("*", true)]),
            ("slack", vec![("c", false)]),
        ]
    );
}

#[test]
fn what_is_wrong_with_a_rule_is_named_by_its_place() {
    for (policy, message) in [
        (json!([]), "policy: expected an object"),
        (json!({ "rule": [] }), "policy.rule: Unrecognized key"),
        (
            json!({ "rules": {} }),
            "policy.rules: expected a list of rules",
        ),
        (
            json!({ "rules": [1] }),
            "policy.rules.0: expected an object",
        ),
        (
            json!({ "rules": [{ "decision": "deny" }] }),
            "policy.rules.0: needs `tool`",
        ),
        (
            json!({ "rules": [{ "tool": "exec" }] }),
            "policy.rules.0: needs `decision`",
        ),
        (
            json!({ "rules": [{ "tool": " ", "decision": "deny" }] }),
            "policy.rules.0.tool: expected the name of a tool",
        ),
        (
            json!({ "rules": [{ "tool": ["exec", 1], "decision": "deny" }] }),
            "policy.rules.0.tool: expected the name of a tool",
        ),
        (
            json!({ "rules": [{ "tool": "exec", "decision": "maybe" }] }),
            "policy.rules.0.decision: expected one of: allow, ask, deny",
        ),
        (
            json!({ "rules": [{ "tool": "exec", "decision": "deny", "standing": "friend" }] }),
            "policy.rules.0.standing: expected one of: owner, guest",
        ),
        (
            json!({ "rules": [{ "tool": "exec", "decision": "deny", "args": { "command": "x" } }] }),
            "policy.rules.0.args.command: expected a JSON pointer",
        ),
        (
            json!({ "rules": [{ "tool": "exec", "decision": "deny", "args": { "/command": 1 } }] }),
            "policy.rules.0.args./command: expected a text",
        ),
        (
            json!({ "rules": [{ "tool": "exec", "decision": "deny", "agents": "x" }] }),
            "policy.rules.0.agents: Unrecognized key",
        ),
        (
            json!({ "rules": [{ "tool": "exec", "decision": "deny", "agent": 1 }] }),
            "policy.rules.0.agent: expected a text",
        ),
    ] {
        let told = problems(&KeyPath::root().key(KEY), &policy);
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert!(
            told.len() == 1 && told[0].starts_with(message),
            "{policy} {told:?}"
        );
    }
}

#[test]
fn rules_keep_their_order_and_their_place() {
    let policy = json!({ "rules": [
        { "tool": ["group:web", "bash"], "decision": "ask", "because": " it leads out " },
        { "tool": "exec", "args": { "/command": "Git *" }, "sender": "Telegram:4711",
          "agent": "MAIN", "standing": "guest", "decision": "allow" },
    ] });
    assert_eq!(problems(&KeyPath::root().key(KEY), &policy), []);
    let rules = read_own(Some(&policy), |path| Some(format!("file of {path}")));
    let [first, second] = rules.as_slice() else {
        panic!("{rules:?}");
    };
    assert_eq!(
        (
            first.decision,
            first.because.as_deref(),
            first.place.path.as_str()
        ),
        (Decision::Ask, Some("it leads out"), "policy.rules.0")
    );
    assert_eq!(first.place.file.as_deref(), Some("file of policy.rules.0"));
    assert!(first.tools.iter().any(|entry| entry.names("web_fetch")));
    assert!(first.tools.iter().any(|entry| entry.names("exec")));
    assert_eq!(second.standing, Some(Standing::Guest));
    assert_eq!(second.arguments[0].like, Pattern::exact("Git *"));
    assert_eq!(second.sender, Some(Pattern::exact("telegram:4711")));
}
