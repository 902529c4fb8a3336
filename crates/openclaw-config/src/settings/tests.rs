//! What configs mean.

use std::path::Path;
use std::time::Duration;

use openclaw_core::ApiKey;
use openclaw_core::env::Env;
use openclaw_core::secrets::SecretRef;

use super::load::settings;
use super::*;
use crate::migration::Migrated;

fn env() -> Env {
    Env::from_iter([("HOME", "/home/u"), ("SET", "from the environment")])
}

pub(super) fn meaning(text: &str) -> Config {
    let value = json5::from_str(text).unwrap();
    let migrated = Migrated {
        value,
        ..Migrated::default()
    };
    settings(&migrated, &env(), Path::new("/home/u/.openclaw"))
}

pub(super) fn not_followed(config: &Config) -> Vec<String> {
    let problems = config.not_followed.iter();
    problems.map(|problem| problem.path.to_string()).collect()
}

#[test]
fn an_empty_config_means_the_defaults() {
    let config = meaning("{}");
    let agent = config.default_agent().unwrap();
    assert_eq!((agent.id.as_str(), agent.name.as_str()), ("main", "main"));
    assert_eq!(agent.workspace, Path::new("/home/u/.openclaw/workspace"));
    assert_eq!(
        agent.agent_dir,
        Path::new("/home/u/.openclaw/agents/main/agent")
    );
    assert!(agent.model.is_none());
    let gateway = &config.gateway;
    assert_eq!((gateway.port, gateway.bind), (DEFAULT_PORT, Bind::Loopback));
    assert_eq!(gateway.reload, ReloadMode::Hybrid);
    assert!(config.providers.is_empty() && config.not_followed.is_empty());
}

#[test]
fn agents_inherit_what_they_do_not_say() {
    let config = meaning(
        "{ agents: {
             defaults: { model: { primary: 'p/m' }, workspace: '~/work', systemAgent: { agentId: 'b' } },
             entries: {
               a: { model: 'fast', identity: { name: 'Ada' } },
               b: { workspace: '/srv/b', agentDir: '~/b' },
             } },
           models: { providers: { q: { baseUrl: 'http://127.0.0.1:1', models: [{ id: 'only-here' }] } } } }",
    );
    let ids: Vec<&str> = config
        .agents
        .iter()
        .map(|agent| agent.id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["b", "a"],
        "the owner of ambient work is the default agent"
    );
    let (b, a) = (&config.agents[0], &config.agents[1]);
    assert_eq!(b.model.as_ref().unwrap().to_string(), "p/m");
    assert_eq!(b.workspace, Path::new("/srv/b"));
    assert_eq!(b.agent_dir, Path::new("/home/u/b"));
    assert_eq!(a.name, "Ada");
    assert_eq!(a.workspace, Path::new("/home/u/work/a"));
    assert_eq!(a.model, b.model, "a name that nobody has is no model");
    assert_eq!(not_followed(&config), ["agents.entries.a.model"]);
}

#[test]
fn a_model_has_an_alias_or_one_provider_that_lists_it() {
    let config = meaning(
        "{ agents: { defaults: { models: { 'p/big': { alias: 'Opus' } } },
             entries: { a: { model: 'opus' }, b: { model: 'only-here' }, main: { model: 'q/x/y' } } },
           models: { providers: { q: { models: [{ id: 'only-here' }] } } } }",
    );
    let models: Vec<(String, String)> = config
        .agents
        .iter()
        .map(|agent| {
            let model = agent.model.as_ref().unwrap();
            (agent.id.to_string(), model.to_string())
        })
        .collect();
    let expected = [("main", "q/x/y"), ("a", "p/big"), ("b", "q/only-here")];
    assert_eq!(
        models,
        expected.map(|(id, model)| (id.to_owned(), model.to_owned()))
    );
}

#[test]
fn an_area_without_effect_is_named_and_never_refused() {
    let config = meaning(
        "{ $schema: 'x', channels: { telegram: {}, discord: {} }, cron: {}, gateway: { port: 1, tailscale: {} },
           session: { maintenance: { maxEntries: 5 }, dmScope: 'main' },
           agents: { defaults: { model: { primary: 'p/m', fallbacks: ['p/n'] }, heartbeat: {} },
                     entries: { main: { tools: { elevated: {} }, name: 'x' } } } }",
    );
    assert_eq!(
        not_followed(&config),
        [
            "channels.telegram",
            "channels.discord",
            "cron",
            "gateway.tailscale",
            "session.dmScope",
            "agents.defaults.heartbeat",
            "agents.entries.main.tools.elevated",
            "session.maintenance.maxEntries"
        ]
    );
}

#[test]
fn retention_is_read_as_openclaw_writes_it() {
    let config = meaning(
        "{ session: { maintenance: { mode: 'enforce', pruneAfter: '30d', maxDiskBytes: '500mb', preserveRecent: 7 } } }",
    );
    let day = Duration::from_hours(24);
    let expected = Maintenance {
        mode: Some(MaintenanceMode::Enforce),
        prune_after: Some(day * 30),
        max_disk_bytes: Some(500 << 20),
        preserve_recent: Some(day * 7),
    };
    assert_eq!(config.maintenance, expected);
    let off = meaning(
        "{ session: { maintenance: { pruneAfter: 0, maxDiskBytes: false, preserveRecent: 0 } } }",
    );
    assert_eq!(off.maintenance, Maintenance::default());
}

fn secret(config: &Config, provider: &str) -> Result<String, SecretError> {
    let input = config.providers[&provider.into()].api_key.as_ref().unwrap();
    let key = config.secrets.resolve(input, &env(), None)?;
    Ok(key.expose_secret().to_owned())
}

#[test]
fn a_secret_is_found_wherever_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        path
    };
    let (json, whole) = (
        write("a.json", r#"{"k": {"key": "in json"}}"#),
        write("b", "in a file\n"),
    );
    let text = format!(
        "{{ secrets: {{ providers: {{
              j: {{ source: 'file', path: {json:?} }},
              w: {{ source: 'file', path: {whole:?}, mode: 'singleValue' }},
              few: {{ source: 'env', allowlist: ['OTHER'] }},
              wide: {{ source: 'file', path: {dir:?} }} }} }},
           models: {{ providers: {{
              inline: {{ apiKey: 'sk-canary' }},
              named: {{ apiKey: '{{{{ SET }}}}' }},
              env: {{ apiKey: {{ source: 'env', provider: 'default', id: 'SET' }} }},
              unset: {{ apiKey: '${{UNSET}}' }},
              few: {{ apiKey: {{ source: 'env', provider: 'few', id: 'SET' }} }},
              json: {{ apiKey: {{ source: 'file', provider: 'j', id: '/k/key' }} }},
              gone: {{ apiKey: {{ source: 'file', provider: 'j', id: '/k/other' }} }},
              whole: {{ apiKey: {{ source: 'file', provider: 'w', id: 'value' }} }},
              dir: {{ apiKey: {{ source: 'file', provider: 'wide', id: '/k' }} }},
              store: {{ apiKey: {{ source: 'store', provider: 'default', id: 'K' }} }} }} }} }}",
        dir = dir.path(),
    );
    let config = meaning(&text);
    assert_eq!(secret(&config, "inline").unwrap(), "sk-canary");
    assert_eq!(secret(&config, "named").unwrap(), "from the environment");
    assert_eq!(secret(&config, "env").unwrap(), "from the environment");
    assert_eq!(secret(&config, "json").unwrap(), "in json");
    assert_eq!(secret(&config, "whole").unwrap(), "in a file");
    let refused = |provider| secret(&config, provider).unwrap_err().to_string();
    assert!(refused("unset").contains("`UNSET` is not set"));
    assert!(refused("few").contains("does not allow"));
    assert!(refused("gone").contains("no text at `/k/other`"));
    assert!(refused("dir").contains("not a regular file"));
    assert!(refused("store").contains("`store`"));
    assert!(!format!("{config:?}").contains("canary"));
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::set_permissions(
        file.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o640),
    )
    .unwrap();
    let text = format!(
        "{{ secrets: {{ providers: {{ f: {{ source: 'file', path: {path:?}, mode: 'singleValue' }} }} }},
           models: {{ providers: {{ p: {{ apiKey: {{ source: 'file', provider: 'f', id: 'value' }} }} }} }} }}",
        path = file.path(),
    );
    let err = secret(&meaning(&text), "p").unwrap_err();
    assert!(err.to_string().contains("chmod 600"), "{err}");
}

#[test]
fn a_variable_that_was_not_set_stays_a_reference() {
    let config = meaning("{ models: { providers: { p: { apiKey: '${P_KEY}' } } } }");
    let Some(SecretInput::Ref(SecretRef::Env { id, .. })) = &config.providers[&"p".into()].api_key
    else {
        panic!("{config:?}")
    };
    assert_eq!(id, "P_KEY");
}

/// A credential store with one record; asked for `locked`, it cannot be opened.
struct OneRecord;

impl Credentials for OneRecord {
    fn credential(&self, record: &str) -> Result<Option<ApiKey>, CredentialsError> {
        match record {
            "locked" => Err(CredentialsError {
                hint: Some("unlock it".to_owned()),
                source: "no password".into(),
            }),
            "a_record" => Ok(Some(ApiKey::new("from the store".to_owned()))),
            _ => Ok(None),
        }
    }
}

#[test]
fn a_record_counts_before_the_environment_and_a_locked_store_is_no_missing_one() {
    let stored = |text: &str| {
        let text = format!("{{ models: {{ providers: {{ p: {{ apiKey: {text} }} }} }} }}");
        let config = meaning(&text);
        let input = config.providers[&"p".into()].api_key.clone().unwrap();
        let variables = Env::from_iter([
            ("A_RECORD", "from the environment"),
            ("LOCKED", "from the environment"),
            ("SET", "from the environment"),
        ]);
        let found = config.secrets.resolve(&input, &variables, Some(&OneRecord));
        match found {
            Ok(key) => Ok(key.expose_secret().to_owned()),
            Err(err) => Err((err.to_string(), err.hint())),
        }
    };
    let reference = |id: &str| format!("{{ source: 'store', provider: 'default', id: '{id}' }}");
    assert_eq!(stored(&reference("A_RECORD")).unwrap(), "from the store");
    assert_eq!(stored("'{{ A_RECORD }}'").unwrap(), "from the store");
    assert_eq!(stored("'{{ SET }}'").unwrap(), "from the environment");
    for refused in [reference("LOCKED"), "'{{ LOCKED }}'".to_owned()] {
        let (message, hint) = stored(&refused).unwrap_err();
        assert!(message.contains("no password"), "{message}");
        assert_eq!(hint.as_deref(), Some("unlock it"));
    }
    let (message, hint) = stored(&reference("SET")).unwrap_err();
    assert!(message.contains("no record `set`"), "{message}");
    assert!(hint.unwrap().contains("credentials set set"));
    let (message, _) = stored("'{{ GONE }}'").unwrap_err();
    assert!(
        message.contains("`gone`") && message.contains("`GONE`"),
        "{message}"
    );
    let (message, _) =
        stored("{ source: 'store', provider: 'other', id: 'A_RECORD' }").unwrap_err();
    assert!(message.contains("secrets.providers.other"), "{message}");
}
