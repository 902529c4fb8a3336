//! What the rules come to.

mod properties;

use openclaw_core::access::{Sender, Standing};
use openclaw_core::tool_rules::{
    Argument, AskWhen, CommandRule, Conversation, ConversationKind, Conversations, Entry, Lists,
    Owner, Pattern, Place, Rule, Security, SenderKey, ToolRules,
};
use openclaw_core::{AgentId, SessionKey};
use openclaw_sandbox::SandboxLevel;
use serde_json::{Value, json};

use super::*;

fn entries(names: &[&str]) -> Vec<Entry> {
    let names = names.iter();
    names
        .map(|name| Entry {
            written: (*name).to_owned(),
            file: None,
            tools: vec![Pattern::exact(name)],
        })
        .collect()
}

fn place(path: &str) -> Place {
    Place {
        path: path.to_owned(),
        file: None,
    }
}

fn denying(path: &str, names: &[&str]) -> Lists {
    Lists {
        place: place(path),
        deny: entries(names),
        ..Lists::default()
    }
}

fn allowing(path: &str, names: &[&str]) -> Lists {
    Lists {
        place: place(path),
        allow: Some(entries(names)),
        ..Lists::default()
    }
}

fn rule(tool: &str, decision: Decision) -> Rule {
    Rule {
        place: place("policy.rules.0"),
        agent: None,
        channel: None,
        sender: None,
        standing: None,
        tools: entries(&[tool]),
        arguments: Vec::new(),
        decision,
        because: None,
    }
}

fn commanded(decision: Decision, like: &str) -> Rule {
    Rule {
        arguments: vec![Argument {
            pointer: "/command".to_owned(),
            like: Pattern::exact(like),
        }],
        ..rule("exec", decision)
    }
}

fn guest() -> Sender {
    Sender {
        channel: "telegram".into(),
        peer: "4711".into(),
        standing: Standing::Guest,
    }
}

fn verdict(said: &ToolRules, sender: &Sender, tool: &str, arguments: Option<&Value>) -> Verdict {
    Policy::new(said.clone()).judge(&Asking {
        agent: &AgentId::from("main"),
        sender,
        session: None,
        tool,
        arguments,
        model: None,
        sandbox: SandboxLevel::Strict,
    })
}

fn decision(said: &ToolRules, sender: &Sender, tool: &str, arguments: Option<&Value>) -> Decision {
    verdict(said, sender, tool, arguments).decision
}

#[test]
fn a_principal_has_everything_and_a_guest_nothing_where_no_rule_is() {
    let said = ToolRules::default();
    for tool in ["exec", "read", "message"] {
        assert_eq!(
            decision(&said, &Sender::owner("rpc"), tool, None),
            Decision::Allow
        );
        let verdict = verdict(&said, &guest(), tool, None);
        assert_eq!(
            (verdict.decision, verdict.rule.as_str()),
            (Decision::Deny, "default for guests"),
        );
    }
}

#[test]
fn a_guest_has_what_a_rule_about_them_gives() {
    let mut said = ToolRules::default();
    said.shared.lists = allowing("tools", &["read", "exec"]);
    assert_eq!(
        decision(&said, &guest(), "read", None),
        Decision::Deny,
        "what goes for everybody gives a guest nothing"
    );
    let key = SenderKey::Channel {
        channel: "telegram".to_owned(),
        id: "4711".to_owned(),
    };
    let lists = allowing("tools.toolsBySender.channel:telegram:4711", &["read", "ls"]);
    said.shared.by_sender.push((key, lists));
    assert_eq!(decision(&said, &guest(), "read", None), Decision::Allow);
    assert_eq!(decision(&said, &guest(), "exec", None), Decision::Deny);
    let beyond = verdict(&said, &guest(), "ls", None);
    assert_eq!(
        (beyond.decision, beyond.rule.as_str()),
        (Decision::Deny, "tools.allow"),
        "no rule about a sender gives back what all are denied"
    );
    let other = Sender {
        peer: "1".into(),
        ..guest()
    };
    assert_eq!(decision(&said, &other, "read", None), Decision::Deny);
}

#[test]
fn the_rule_that_decided_is_named_and_every_other_one_too() {
    let mut said = ToolRules::default();
    said.shared.lists = denying("tools", &["web_*"]);
    said.own.lists = allowing("agents.entries.main.tools", &["exec", "web_fetch"]);
    let verdict = verdict(&said, &Sender::owner("rpc"), "web_fetch", None);
    assert_eq!(
        (
            verdict.decision,
            verdict.rule.as_str(),
            verdict.reason.as_str()
        ),
        (Decision::Deny, "tools.deny", "denies it by `web_*`"),
    );
    let looks: Vec<(&str, Option<Decision>)> = verdict
        .looked_at
        .iter()
        .map(|look| (look.rule.as_str(), look.says))
        .collect();
    assert_eq!(
        looks,
        [
            ("tools.deny", Some(Decision::Deny)),
            ("agents.entries.main.tools.allow", Some(Decision::Allow)),
            ("default", None),
        ]
    );
}

#[test]
fn tools_that_read_go_with_read_and_patches_with_writing() {
    let owner = Sender::owner("rpc");
    let mut said = ToolRules::default();
    said.shared.lists = allowing("tools", &["read", "write"]);
    for (tool, expected) in [
        ("grep", Decision::Allow),
        ("find", Decision::Allow),
        ("apply_patch", Decision::Allow),
        ("ls", Decision::Deny),
        ("edit", Decision::Deny),
    ] {
        assert_eq!(decision(&said, &owner, tool, None), expected, "{tool}");
    }
    said.shared.lists = denying("tools", &["read", "write"]);
    for (tool, expected) in [
        ("grep", Decision::Deny),
        ("find", Decision::Deny),
        ("apply_patch", Decision::Allow),
        ("ls", Decision::Allow),
    ] {
        assert_eq!(decision(&said, &owner, tool, None), expected, "{tool}");
    }
    said.shared.lists = denying("tools", &["view_image"]);
    assert_eq!(decision(&said, &owner, "image", None), Decision::Deny);
}

#[test]
fn of_ordered_rules_the_first_that_fits_decides() {
    let owner = Sender::owner("rpc");
    let said = ToolRules {
        rules: vec![
            commanded(Decision::Deny, "*rm -rf*"),
            commanded(Decision::Allow, "git *"),
            rule("exec", Decision::Ask),
        ],
        ..ToolRules::default()
    };
    for (command, expected) in [
        ("git status", Decision::Allow),
        ("git status; rm -rf .", Decision::Deny),
        ("git log | sh", Decision::Ask),
        ("make", Decision::Ask),
    ] {
        let arguments = json!({ "command": command });
        let came_to = decision(&said, &owner, "exec", Some(&arguments));
        assert_eq!(came_to, expected, "{command}");
    }
    assert_eq!(decision(&said, &owner, "exec", None), Decision::Allow);
    assert_eq!(decision(&said, &owner, "read", None), Decision::Allow);
}

#[test]
fn a_tool_is_there_while_some_of_its_calls_may_run() {
    let only_git = ToolRules {
        rules: vec![
            commanded(Decision::Allow, "git *"),
            rule("exec", Decision::Deny),
        ],
        ..ToolRules::default()
    };
    let asked = |sender: &Sender, arguments| decision(&only_git, sender, "exec", arguments);
    assert_eq!(asked(&guest(), None), Decision::Allow);
    let (git, make) = (
        json!({ "command": "git log" }),
        json!({ "command": "make" }),
    );
    assert_eq!(asked(&guest(), Some(&git)), Decision::Allow);
    assert_eq!(asked(&guest(), Some(&make)), Decision::Deny);
    let no_rm = ToolRules {
        rules: vec![commanded(Decision::Deny, "*rm*")],
        ..ToolRules::default()
    };
    assert_eq!(
        decision(&no_rm, &Sender::owner("rpc"), "exec", None),
        Decision::Allow
    );
}

#[test]
fn variables_make_another_command_of_one_that_is_allowed() {
    let owner = Sender::owner("rpc");
    let mut allowed = commanded(Decision::Allow, "git *");
    let denied = rule("exec", Decision::Deny);
    let rules = |rule: &Rule| ToolRules {
        rules: vec![rule.clone(), denied.clone()],
        ..ToolRules::default()
    };
    let with = |env: Value| json!({ "command": "git log", "env": env });
    let came_to = |rule: &Rule, env| decision(&rules(rule), &owner, "exec", Some(&with(env)));
    assert_eq!(came_to(&allowed, json!({})), Decision::Allow);
    let pager = json!({ "GIT_PAGER": "sh -c evil" });
    assert_eq!(came_to(&allowed, pager.clone()), Decision::Deny);
    allowed.arguments.push(Argument {
        pointer: "/env/GIT_PAGER".to_owned(),
        like: Pattern::exact("less"),
    });
    assert_eq!(came_to(&allowed, pager), Decision::Deny);
    assert_eq!(
        came_to(&allowed, json!({ "GIT_PAGER": "less" })),
        Decision::Allow
    );
    assert_eq!(
        came_to(&allowed, json!({ "GIT_PAGER": "less", "PATH": "." })),
        Decision::Deny
    );
}

#[test]
fn a_rule_is_about_whom_it_says() {
    let rules = [
        Rule {
            sender: Some(Pattern::name("telegram:4711")),
            ..rule("read", Decision::Allow)
        },
        Rule {
            channel: Some(Pattern::name("Telegram")),
            agent: Some(Pattern::name("ma*")),
            ..rule("ls", Decision::Allow)
        },
        Rule {
            standing: Some(Standing::Guest),
            ..rule("web_search", Decision::Ask)
        },
        Rule {
            agent: Some(Pattern::name("other")),
            ..rule("exec", Decision::Allow)
        },
    ];
    let said = ToolRules {
        rules: rules.to_vec(),
        ..ToolRules::default()
    };
    let other = Sender {
        channel: "signal".into(),
        ..guest()
    };
    for (tool, of_guest, of_other) in [
        ("read", Decision::Allow, Decision::Deny),
        ("ls", Decision::Allow, Decision::Deny),
        ("web_search", Decision::Ask, Decision::Ask),
        ("exec", Decision::Deny, Decision::Deny),
    ] {
        let came_to = |sender| decision(&said, sender, tool, None);
        assert_eq!(
            (came_to(&guest()), came_to(&other)),
            (of_guest, of_other),
            "{tool}"
        );
    }
    let owner = Sender::owner("rpc");
    assert_eq!(decision(&said, &owner, "web_search", None), Decision::Allow);
}

#[test]
fn what_is_said_about_commands_is_lifted_by_a_rule_and_by_nothing_else() {
    let owner = Sender::owner("rpc");
    let (listed, other) = (
        json!({ "command": "git log" }),
        json!({ "command": "make" }),
    );
    let of = |security, ask| ToolRules {
        commands: Some(CommandRule {
            place: place("tools.exec.mode"),
            security,
            ask,
        }),
        rules: vec![commanded(Decision::Allow, "git *")],
        ..ToolRules::default()
    };
    for (security, ask, of_listed, of_other) in [
        (Security::Deny, AskWhen::Off, Decision::Deny, Decision::Deny),
        (
            Security::Allowlist,
            AskWhen::Off,
            Decision::Allow,
            Decision::Deny,
        ),
        (
            Security::Allowlist,
            AskWhen::OnMiss,
            Decision::Allow,
            Decision::Ask,
        ),
        (
            Security::Allowlist,
            AskWhen::Always,
            Decision::Ask,
            Decision::Ask,
        ),
        (
            Security::Full,
            AskWhen::Off,
            Decision::Allow,
            Decision::Allow,
        ),
        (
            Security::Full,
            AskWhen::OnMiss,
            Decision::Allow,
            Decision::Allow,
        ),
        (
            Security::Full,
            AskWhen::Always,
            Decision::Ask,
            Decision::Ask,
        ),
    ] {
        let said = of(security, ask);
        let came_to = |arguments| decision(&said, &owner, "exec", Some(arguments));
        assert_eq!(
            (came_to(&listed), came_to(&other)),
            (of_listed, of_other),
            "{security:?} {ask:?}"
        );
        assert_eq!(decision(&said, &owner, "read", None), Decision::Allow);
    }
}

#[test]
fn an_owner_is_whom_the_config_lists() {
    let owners = [
        Owner::new(Some("telegram"), "telegram:4711"),
        Owner::new(None, "@Ada"),
    ];
    let policy = Policy::new(ToolRules {
        owners: owners.into_iter().flatten().collect(),
        ..ToolRules::default()
    });
    for (channel, peer, standing) in [
        ("telegram", "4711", Standing::Principal),
        ("Telegram", "@4711", Standing::Principal),
        ("signal", "4711", Standing::Guest),
        ("telegram", "47111", Standing::Guest),
        ("irc", "ada", Standing::Principal),
        ("irc", "telegram:4711", Standing::Guest),
    ] {
        let sender = policy.sender(channel.into(), peer.into());
        assert_eq!(sender.standing, standing, "{channel} {peer}");
    }
    assert_eq!(Owner::new(Some("telegram"), " "), None);
}

#[test]
fn the_conversation_is_read_off_the_session() {
    let conversation = Conversation {
        tools: Some(denying("channels.telegram.groups.-100.tools", &["exec"])),
        by_sender: Vec::new(),
    };
    let said = ToolRules {
        conversations: vec![Conversations {
            channel: "telegram".to_owned(),
            kind: ConversationKind::Group,
            each: vec![("-100".to_owned(), conversation)],
        }],
        ..ToolRules::default()
    };
    for (key, expected) in [
        ("agent:main:telegram:group:-100", Decision::Deny),
        ("agent:main:telegram:group:-100:topic:7", Decision::Deny),
        ("agent:main:telegram:channel:-100", Decision::Deny),
        ("agent:main:telegram:group:-200", Decision::Allow),
        ("agent:main:signal:group:-100", Decision::Allow),
        ("agent:main:telegram:direct:-100", Decision::Allow),
        ("agent:main:main", Decision::Allow),
    ] {
        let session = SessionKey::parse(key).unwrap();
        let verdict = Policy::new(said.clone()).judge(&Asking {
            agent: &AgentId::from("main"),
            sender: &Sender::owner("telegram"),
            session: Some(&session),
            tool: "exec",
            arguments: None,
            model: None,
            sandbox: SandboxLevel::Strict,
        });
        assert_eq!(verdict.decision, expected, "{key}");
    }
}
