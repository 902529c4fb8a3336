//! Sign-ins where each version keeps them.

use serde_json::json;

use super::*;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("agents/main/agent")).unwrap();
    fs::create_dir_all(home.path().join("agents/work/agent")).unwrap();
    fs::create_dir_all(home.path().join("state")).unwrap();
    home
}

fn names(signs: &SignIns) -> Vec<(&str, &str, AuthKind)> {
    signs
        .profiles
        .iter()
        .map(|profile| (profile.id.as_str(), profile.provider.as_str(), profile.kind))
        .collect()
}

fn given(profile: &AuthProfile) -> &str {
    match &profile.secret {
        Secret::Given(key) => key.expose_secret(),
        Secret::Elsewhere(_) => "",
    }
}

#[test]
fn reads_the_file_of_february() {
    let home = home();
    let file = json!({"version": 1, "profiles": {
        "anthropic:default": {"type": "api_key", "provider": "anthropic", "key": "sk-1"},
        "openai:work": {"mode": "apiKey", "provider": "OpenAI", "apiKey": "sk-2"},
        "vault": {"type": "api_key", "provider": "x", "keyRef": {"source": "env", "provider": "default", "id": "X"}},
        "setup": {"type": "token", "provider": "anthropic", "token": "t", "expires": 1_800_000_000_000_u64},
        "chat": {"type": "oauth", "provider": "openai-codex", "access": "a", "refresh": "r"},
        "odd": {"type": "sorcery", "provider": "x"},
        "void": {"type": "api_key", "provider": "x", "key": " "},
    }});
    fs::write(
        home.path().join("agents/main/agent/auth-profiles.json"),
        file.to_string(),
    )
    .unwrap();
    let signs = profiles(home.path(), &AgentId::from("main"));
    assert_eq!(
        names(&signs),
        [
            ("anthropic:default", "anthropic", AuthKind::ApiKey),
            ("chat", "openai-codex", AuthKind::OAuth),
            ("openai:work", "openai", AuthKind::ApiKey),
            ("setup", "anthropic", AuthKind::Token),
            ("vault", "x", AuthKind::ApiKey),
        ]
    );
    let secrets: Vec<&str> = signs.profiles.iter().map(given).collect();
    assert_eq!(secrets, ["sk-1", "a", "sk-2", "t", ""]);
    assert_eq!(signs.profiles[3].expires_ms, Some(1_800_000_000_000));
    let troubles: Vec<String> = signs
        .troubles
        .iter()
        .map(|trouble| trouble.spot.to_string())
        .collect();
    assert_eq!(troubles, [" session odd", " session void"]);
    let printed = format!("{signs:?}");
    assert!(
        !printed.contains("sk-1") && !printed.contains("sk-2"),
        "{printed}"
    );
}

#[test]
fn the_agents_own_database_counts_before_what_all_share() {
    let home = home();
    let put = |file: &str, table: &str, columns: &str, key: &str, secret: &str| {
        let connection = Connection::open(home.path().join(file)).unwrap();
        let store = json!({"version": 1, "profiles": {
            "a": {"type": "api_key", "provider": "x", "key": secret},
            secret: {"type": "api_key", "provider": "x", "key": secret},
        }});
        connection
            .execute_batch(&format!("CREATE TABLE {table} ({columns});"))
            .unwrap();
        connection
            .execute(
                &format!("INSERT INTO {table} VALUES (?1, ?2, 1)"),
                [key, &store.to_string()],
            )
            .unwrap();
    };
    let own = "store_key TEXT, store_json TEXT, updated_at INTEGER";
    let shared = "state_key TEXT, value_json TEXT, updated_at INTEGER";
    put(
        "agents/work/agent/openclaw-agent.sqlite",
        "auth_profile_store",
        own,
        "primary",
        "own",
    );
    put(
        "state/openclaw.sqlite",
        "config_machine_state",
        shared,
        "authProfiles.store",
        "shared",
    );
    put(
        "agents/main/agent/openclaw-agent.sqlite",
        "auth_profile_store",
        own,
        "primary",
        "main",
    );
    let signs = profiles(home.path(), &AgentId::from("work"));
    let found: Vec<(&str, &str)> = signs
        .profiles
        .iter()
        .map(|profile| (profile.id.as_str(), given(profile)))
        .collect();
    assert_eq!(
        found,
        [
            ("a", "own"),
            ("main", "main"),
            ("own", "own"),
            ("shared", "shared")
        ]
    );
    assert!(signs.troubles.is_empty());
}

#[test]
fn a_broken_store_is_named_and_its_text_is_not() {
    let home = home();
    let file = home.path().join("agents/main/agent/auth-profiles.json");
    fs::write(&file, "{\"profiles\": {\"a\": sk-secret").unwrap();
    let signs = profiles(home.path(), &AgentId::from("main"));
    assert_eq!(signs.profiles.len(), 0);
    assert_eq!(signs.troubles.len(), 1);
    assert!(!signs.troubles[0].to_string().contains("sk-secret"));
}
