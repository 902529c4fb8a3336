//! What a `sandbox` means, and what is wrong with one.

use serde_json::json;

use super::*;
use crate::problem::KeyPath;

fn told(section: &Value) -> Vec<String> {
    let problems = problems(&KeyPath::root().key(KEY), section);
    problems.iter().map(ToString::to_string).collect()
}

fn settings(section: &Value) -> SandboxSettings {
    assert_eq!(told(section), Vec::<String>::new());
    let mut env = Env::default();
    env.set("HOME", "/home/me");
    read(Some(section), &env)
}

fn own<T>(value: T, path: &str) -> Set<T> {
    Set {
        value,
        source: SetBy::Own(format!("sandbox.{path}")),
    }
}

#[test]
fn without_settings_everything_is_strict() {
    let policy = read(None, &Env::default()).policy(Some(&AgentId::from("main")));
    assert_eq!(
        policy,
        SandboxPolicy {
            level: Set::default(Confinement::Strict),
            allow_degraded: Set::default(false),
            network: Set::default(SandboxNetwork::None),
            allow: Vec::new(),
            deny: Vec::new(),
            private: Vec::new(),
            toolchains: Vec::new(),
            env: BTreeMap::new(),
            protect: Vec::new(),
            limits: SandboxLimits::default(),
        }
    );
    assert_eq!(policy.level.source.to_string(), "default");
}

#[test]
fn an_agent_has_what_is_set_for_all_and_its_own_instead() {
    let settings = settings(&json!({
        "level": "relaxed",
        "allowDegraded": true,
        "network": "proxy",
        "egress": { "allow": ["crates.io"], "deny": ["a.crates.io"], "private": ["127.0.0.1:80"] },
        "toolchains": ["~/.cargo", "/opt/go"],
        "env": { "A": "1", "B": "2" },
        "protect": ["./ci/"],
        "limits": { "wallSeconds": 60, "processes": 64 },
        "agents": { "web": {
            "network": "host",
            "egress": { "allow": ["*.npmjs.org:443"], "deny": ["b.crates.io", "a.crates.io"] },
            "env": { "B": "3" },
            "protect": ["keys"],
            "limits": { "processes": 8.0 },
        } },
    }));
    let web = settings.policy(Some(&AgentId::from("web")));
    assert_eq!(
        web,
        SandboxPolicy {
            level: own(Confinement::Relaxed, "level"),
            allow_degraded: own(true, "allowDegraded"),
            network: own(SandboxNetwork::Host, "agents.web.network"),
            allow: vec![own("*.npmjs.org:443".into(), "agents.web.egress.allow")],
            deny: vec![
                own("b.crates.io".into(), "agents.web.egress.deny"),
                own("a.crates.io".into(), "agents.web.egress.deny"),
            ],
            private: vec![own("127.0.0.1:80".into(), "egress.private")],
            toolchains: vec![
                own("/home/me/.cargo".into(), "toolchains"),
                own("/opt/go".into(), "toolchains"),
            ],
            env: BTreeMap::from([
                ("A".into(), own("1".into(), "env.A")),
                ("B".into(), own("3".into(), "agents.web.env.B")),
            ]),
            protect: vec![
                own("keys".into(), "agents.web.protect"),
                own("ci".into(), "protect"),
            ],
            limits: SandboxLimits {
                wall_seconds: Some(own(60, "limits.wallSeconds")),
                processes: Some(own(8, "agents.web.limits.processes")),
                ..SandboxLimits::default()
            },
        }
    );
    assert_eq!(
        web.network.source.to_string(),
        "openclaw-rs.json5: sandbox.agents.web.network"
    );
    let main = settings.policy(Some(&AgentId::from("main")));
    assert_eq!(main, settings.policy(None));
    assert_eq!(main.network, own(SandboxNetwork::Proxy, "network"));
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    for (section, message) in [
        (json!("strict"), "sandbox: expected an object"),
        (
            json!({"tight": 1}),
            "sandbox.tight: Unrecognized key: \"tight\"",
        ),
        (
            json!({"level": "tight"}),
            "sandbox.level: Invalid input (allowed: \"strict\", \"relaxed\", \"none\")",
        ),
        (
            json!({"network": true}),
            "sandbox.network: Invalid input (allowed: \"none\", \"proxy\", \"host\")",
        ),
        (
            json!({"allowDegraded": "yes"}),
            "sandbox.allowDegraded: expected true or false",
        ),
        (
            json!({"network": "proxy"}),
            "sandbox.network: a network needs the level \"relaxed\"",
        ),
        (
            json!({"agents": {"web": {"network": "host"}}}),
            "sandbox.agents.web.network: a network needs the level \"relaxed\"",
        ),
        (
            json!({"agents": {"web": {"allowDegraded": true}}}),
            "sandbox.agents.web.allowDegraded: Unrecognized key: \"allowDegraded\"",
        ),
        (
            json!({"agents": {"web": 1}}),
            "sandbox.agents.web: expected an object",
        ),
        (
            json!({"egress": {"ports": []}}),
            "sandbox.egress.ports: Unrecognized key: \"ports\"",
        ),
        (
            json!({"toolchains": ["bin"]}),
            "sandbox.toolchains.0: expected an absolute path",
        ),
        (
            json!({"toolchains": ["/opt/../etc"]}),
            "sandbox.toolchains.0: expected an absolute path",
        ),
        (
            json!({"protect": ["a", "../b"]}),
            "sandbox.protect.1: expected a path within the workspace",
        ),
        (
            json!({"protect": "a"}),
            "sandbox.protect: expected a list of texts",
        ),
        (
            json!({"env": {"1A": "x"}}),
            "sandbox.env.1A: expected the name of a variable",
        ),
        (
            json!({"env": {"LD_PRELOAD": "x"}}),
            "sandbox.env.LD_PRELOAD: this variable acts on the sandbox itself",
        ),
        (json!({"env": {"A": 1}}), "sandbox.env.A: expected a text"),
        (
            json!({"limits": {"memoryMb": 0}}),
            "sandbox.limits.memoryMb: expected a whole number from 16 to 1048576",
        ),
        (
            json!({"limits": {"memory": 1}}),
            "sandbox.limits.memory: Unrecognized key: \"memory\"",
        ),
    ] {
        let told = told(&section);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(message), "{told:?}");
    }
}

#[test]
fn hosts_and_addresses_are_told_from_what_is_none() {
    let count = |key: &str, text: &str| told(&json!({"egress": {key: [text]}})).len();
    for host in [
        "*",
        "*:443",
        "crates.io",
        "*.crates.io",
        "*.Crates.io:443",
        "xn--bcher-kva.example",
        "192.0.2.1",
        "2001:db8::1",
        "[2001:db8::1]:443",
        "192.0.2.0/24",
        "192.0.2.0/24:443",
        "2001:db8::/32",
        "[2001:db8::]/32:443",
        "bücher.example",
    ] {
        assert_eq!(count("allow", host), 0, "{host}");
        assert_eq!(count("deny", host), 0, "{host}");
    }
    for none in [
        "",
        "*.*.io",
        "a*.io",
        "https://crates.io",
        "crates.io/path",
        "me@crates.io",
        "crates..io",
        "crates.io:0",
        "crates.io:65536",
        "crates.io:+80",
        "crates.io/24",
        "2130706433",
        "127.1",
        "0x7f.1.2.3:80:80",
        "[::1",
    ] {
        assert_eq!(count("allow", none), 1, "{none}");
    }
    for (address, wrong) in [
        ("127.0.0.1:8080", 0),
        ("[::1]:8080", 0),
        ("localhost:8080", 0),
        ("127.0.0.1", 1),
        ("::1", 1),
        ("*:80", 1),
    ] {
        assert_eq!(count("private", address), wrong, "{address}");
    }
}
