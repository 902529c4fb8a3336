//! Verdicts on configs of our own; the recorded ones are judged in `tests/it/verdict.rs`.

use serde_json::{Value, json};

use super::*;

/// Judges for a home with nothing in it.
fn judged(config: &Value) -> Verdict {
    let home = Surroundings::new("/home/me", "/home/me/.openclaw");
    judge(config, &home.looking_with(|_| Standing::Nothing))
}

/// The paths of problems.
fn refused(config: &Value) -> Vec<String> {
    let problems = judged(config).problems;
    problems
        .iter()
        .map(|problem| problem.path.to_string())
        .collect()
}

/// The paths of warnings, of a config that is accepted.
fn warned(config: &Value) -> Vec<String> {
    let verdict = judged(config);
    assert_eq!(verdict.problems, [], "{verdict:?}");
    verdict
        .warnings
        .iter()
        .map(|warning| warning.path.to_string())
        .collect()
}

const NONE: [&str; 0] = [];

#[test]
fn whoever_names_an_agent_names_one_of_the_roster() {
    let agents = json!({"ownership": "explicit", "entries": {"main": {}, "work": {}}});
    let config = json!({
        "agents": agents,
        "talk": {"agentId": "ghost"},
        "bindings": [{"agentId": "Work", "match": {"channel": "x"}},
                     {"agentId": "ghost", "match": {"channel": "x"}}],
        "broadcast": {"telegram:1": ["work", "ghost"]},
    });
    assert_eq!(
        refused(&config),
        [
            "talk.agentId",
            "bindings.1.agentId",
            "broadcast.telegram:1.1"
        ]
    );
    assert_eq!(refused(&json!({"talk": {"agentId": "main"}})), NONE);
}

#[test]
fn several_agents_say_who_owns_what() {
    let two = json!({"main": {}, "work": {}});
    assert_eq!(
        refused(&json!({"agents": {"entries": two}})),
        ["agents.ownership"]
    );
    assert_eq!(
        warned(&json!({"agents": {"entries": two, "ownership": "explicit"}})),
        ["agents.defaults.heartbeat.agentId"]
    );
    let marked = json!({"agents": {"entries": {"main": {}, "work": {"default": true}}}});
    assert_eq!(warned(&marked), ["agents.entries", "agents.entries"]);
    let twice = json!({"a": {"default": true}, "b": {"default": true}});
    assert_eq!(
        refused(&json!({"agents": {"entries": twice}})),
        ["agents.entries"]
    );
}

#[test]
fn a_roster_that_is_a_list_is_read_as_one_by_names() {
    let list = json!({"agents": {"list": [{"id": "main"}]}});
    assert_eq!(warned(&list), ["agents.entries"]);
    let odd = json!({"agents": {"list": [{"id": "Not An Id"}]}});
    assert_eq!(refused(&odd), ["agents", "agents.entries"]);
}

#[test]
fn two_agents_never_share_a_folder() {
    let entries = json!({"a": {"agentDir": "~/x"}, "b": {"agentDir": "/home/me/y/../x"}});
    let agents = json!({"ownership": "explicit", "entries": entries});
    assert_eq!(refused(&json!({"agents": agents})), ["agents.entries"]);
}

#[test]
fn a_provider_that_nobody_knows_says_where_it_is_and_what_it_offers() {
    let provider = |name: &str| json!({"models": {"providers": {name: {"apiKey": "k"}}}});
    assert_eq!(
        refused(&provider("mine")),
        [
            "models.providers.mine.baseUrl",
            "models.providers.mine.models"
        ]
    );
    assert_eq!(refused(&provider("OpenAI")), NONE);
}

#[test]
fn a_model_that_is_gone_is_refused_wherever_it_is_named() {
    let config = json!({
        "agents": {"defaults": {"model": {"fallbacks": ["google/gemini-2.0-flash"]}}},
        "hooks": {"gmail": {"model": "Google/Gemini-1.5-Pro"}},
    });
    assert_eq!(
        refused(&config),
        ["hooks.gmail.model", "agents.defaults.model.fallbacks.0"]
    );
}

#[test]
fn an_unknown_channel_is_refused_unless_its_plugin_is_asked_for() {
    let channels = json!({"yuanbao": {}, "telegram": {}});
    assert_eq!(
        refused(&json!({"channels": channels})),
        ["channels.yuanbao"]
    );
    let plugins = json!({"entries": {"yuanbao": {"enabled": true}}});
    assert_eq!(
        warned(&json!({"channels": channels, "plugins": plugins})),
        ["channels.yuanbao", "plugins.entries.yuanbao"]
    );
}

#[test]
fn a_channel_that_lets_nobody_in_is_warned_of() {
    let account = json!({"dmPolicy": "allowlist", "allowFrom": [" "]});
    let telegram = json!({"dmPolicy": "open", "allowFrom": ["1"], "accounts": {"a": account}});
    assert_eq!(
        warned(&json!({"channels": {"telegram": telegram}})),
        [
            "channels.telegram.allowFrom",
            "channels.telegram.accounts.a.allowFrom"
        ]
    );
    let open = json!({"dmPolicy": "open", "allowFrom": ["*"]});
    assert_eq!(warned(&json!({"channels": {"telegram": open}})), NONE);
    let off = json!({"dmPolicy": "open", "enabled": false});
    assert_eq!(warned(&json!({"channels": {"telegram": off}})), NONE);
}

#[test]
fn a_plugin_is_known_installed_apart_or_neither() {
    let entries = json!({
        "browser": {"enabled": true},
        "voice-call": {"enabled": true},
        "nobody": {"enabled": true},
        "unwanted": {"enabled": false},
        "memory-wiki": {"config": {}},
    });
    let verdict = judged(&json!({"plugins": {"entries": entries}}));
    let warnings: Vec<String> = verdict.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "plugins.entries.voice-call: plugin not installed: voice-call; OpenClaw installs it \
             with `openclaw plugins install @openclaw/voice-call`",
            "plugins.entries.nobody: plugin not found: nobody; what is said of it is not read",
            "plugins.entries.memory-wiki: plugin disabled (bundled (disabled by default)) \
             but config is present",
        ]
    );
}

#[test]
fn what_may_belong_to_a_plugin_that_is_not_there_is_not_judged() {
    let config = json!({
        "plugins": {"load": {"paths": ["~/gone"]}, "entries": {"nobody": {}}},
        "channels": {"mine": {}},
        "tools": {"web": {"search": {"provider": "mine"}}},
    });
    assert_eq!(
        warned(&config),
        [
            "channels.mine",
            "tools.web.search.provider",
            "plugins.load.paths"
        ]
    );
}

#[test]
fn what_an_installed_plugin_brings_is_known() {
    let plugin = Installed {
        id: "chat".to_owned(),
        channels: vec!["chat".to_owned()],
        web_searches: vec!["chat-search".to_owned()],
        ..Installed::default()
    };
    let config = json!({
        "plugins": {"entries": {"chat": {"config": {"x": 1}}}},
        "channels": {"chat": {"x": 1}},
        "tools": {"web": {"search": {"provider": "chat-search"}}},
        "agents": {"defaults": {"heartbeat": {"target": "chat"}}},
    });
    let home = Surroundings::new("/home/me", "/home/me/.openclaw");
    let home = home.looking_with(|_| Standing::Nothing);
    assert_eq!(judge(&config, &home).problems.len(), 2);
    let verdict = judge(&config, &home.having(vec![plugin]));
    assert_eq!(verdict, Verdict::default());
}

#[test]
fn a_web_search_is_there_or_can_be_installed() {
    let search = |provider: &str| json!({"web": {"search": {"provider": provider}}});
    assert_eq!(warned(&json!({"tools": search("gemini")})), NONE);
    assert_eq!(
        refused(&json!({"tools": search("brave")})),
        ["tools.web.search.provider"]
    );
    let plugins = json!({"entries": {"brave": {"enabled": true}}});
    assert_eq!(
        warned(&json!({"tools": search("brave"), "plugins": plugins})),
        ["tools.web.search.provider", "plugins.entries.brave"]
    );
    let older = json!({"tools": {"web": {"search": {"brave": {"apiKey": "k"}}}}});
    assert_eq!(refused(&older), ["tools.web.search.brave"]);
}

#[test]
fn a_program_that_gives_out_secrets_belongs_to_the_user_alone() {
    let look = |standing: Standing| {
        let provider = json!({"source": "exec", "command": "/bin/vault"});
        let config = json!({"secrets": {"providers": {"vault": provider}}});
        let home = Surroundings::new("/home/me", "/home/me/.openclaw");
        let verdict = judge(&config, &home.looking_with(move |_| standing));
        let problems = verdict.problems.iter();
        problems
            .map(|problem| problem.message.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(look(Standing::OwnFile), [""; 0]);
    let path = "secrets.providers.vault.command";
    for (standing, fault) in [
        (Standing::Nothing, "is not readable"),
        (Standing::Directory, "must be a file"),
        (Standing::Link, "must not be a symlink"),
        (Standing::OpenFile, "has permissions that are too open"),
        (Standing::ForeignFile, "must be owned by the current user"),
    ] {
        assert_eq!(look(standing), [format!("{path} {fault}: /bin/vault")]);
    }
}

#[test]
fn a_reference_asks_a_provider_for_what_it_has() {
    let reference = json!({"source": "exec", "provider": "vault", "id": "a/b"});
    let config = json!({
        "secrets": {"providers": {"vault": {"source": "file", "path": "~/s.json"}}},
        "gateway": {"auth": {"token": reference}},
    });
    assert_eq!(refused(&config), ["gateway.auth.token"]);
}

#[test]
fn what_follows_from_several_settings_is_judged_one_rule_at_a_time() {
    let gateway = json!({"bind": "lan", "tailscale": {"mode": "serve"}});
    let avatar = json!({"main": {"identity": {"avatar": "../out.png"}}});
    assert_eq!(
        refused(&json!({"gateway": gateway, "agents": {"entries": avatar}})),
        ["agents.entries.main.identity.avatar"]
    );
    assert_eq!(refused(&json!({"gateway": gateway})), ["gateway.bind"]);
}

#[test]
fn problems_of_channels_are_heard_beside_those_of_the_gateway() {
    let config = json!({"gateway": {"port": "x"}, "channels": {"telegram": {"x": 1}}});
    assert_eq!(refused(&config), ["gateway.port", "channels.telegram"]);
}
