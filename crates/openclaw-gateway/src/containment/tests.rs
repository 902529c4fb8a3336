//! From settings to what a sandbox is given.

use std::fs;

use openclaw_core::env::Env;
use openclaw_core::state_dir::Overrides;

use super::*;

fn home(own: &str) -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openclaw-rs.json5"), own).unwrap();
    let mut env = Env::default();
    env.set("HOME", folder.path());
    let overrides = Overrides {
        state_dir: Some(folder.path().to_owned()),
        profile: None,
    };
    let home = Home::open(env, &overrides).unwrap();
    (folder, home)
}

fn work() -> Vec<PathBuf> {
    vec!["/work".into()]
}

#[test]
fn without_settings_commands_are_strict_and_bounded() {
    let (folder, home) = home("{}");
    let containment = Containment::of(&home, Some(&AgentId::from("main"))).unwrap();
    assert_eq!(
        containment.config(work()),
        SandboxConfig {
            level: SandboxLevel::Strict,
            allowed_paths: work(),
            network_access: false,
            max_cpu_time: None,
            max_memory: Some(SandboxConfig::DEFAULT_MAX_MEMORY),
        }
    );
    assert_eq!(containment.limits(), Means::default().limits);
    assert_eq!(containment.env(SandboxNetwork::None), []);
    for place in [
        "openclaw-rs",
        "credentials",
        "openclaw.json",
        "agents/main/agent",
    ] {
        let place = folder.path().join(place);
        assert!(
            containment.off_limits.contains(&place),
            "{}",
            place.display()
        );
    }
}

#[test]
fn limits_have_the_units_that_their_names_say() {
    let (_folder, home) = home(
        "{ sandbox: { env: { A: 'b' }, limits: { wallSeconds: 5, cpuSeconds: 4, memoryMb: 64, \
         processes: 7, fileSizeMb: 2, openFiles: 32, outputKb: 3 } } }",
    );
    let containment = Containment::of(&home, None).unwrap();
    let config = containment.config(work());
    assert_eq!(
        (config.max_cpu_time, config.max_memory),
        (Some(Duration::from_secs(4)), Some(64 << 20))
    );
    assert_eq!(
        containment.limits(),
        Limits {
            wall_time: Some(Duration::from_secs(5)),
            processes: Some(7),
            file_size: Some(2 << 20),
            open_files: Some(32),
            kept_bytes: 3 << 10,
            ..Limits::default()
        }
    );
    assert_eq!(
        containment.env(SandboxNetwork::None),
        [("A".to_owned(), "b".to_owned())]
    );
    let memory = &containment.bounds.memory.source;
    assert_eq!(
        memory.to_string(),
        "openclaw-rs.json5: sandbox.limits.memoryMb"
    );
}

#[test]
fn only_level_relaxed_has_the_network_that_is_set() {
    let (_folder, home) = home(
        "{ sandbox: { level: 'relaxed', network: 'proxy', agents: { \
         shut: { level: 'strict' }, open: { network: 'host' }, bare: { level: 'none' } } } }",
    );
    let of = |agent: &str| {
        let containment = Containment::of(&home, Some(&AgentId::from(agent))).unwrap();
        let config = containment.config(work());
        (config.level, config.network_access, containment.network())
    };
    assert_eq!(
        of("main"),
        (SandboxLevel::Relaxed, true, SandboxNetwork::Proxy)
    );
    assert_eq!(
        of("shut"),
        (SandboxLevel::Strict, false, SandboxNetwork::None)
    );
    assert_eq!(
        of("open"),
        (SandboxLevel::Relaxed, true, SandboxNetwork::Host)
    );
    assert_eq!(
        of("bare"),
        (SandboxLevel::None, false, SandboxNetwork::Host)
    );
}

#[test]
fn by_hand_no_workspace_has_to_do_with_the_folders_of_agents() {
    let (folder, home) = home("{}");
    let agents = folder.path().join("agents");
    fs::create_dir_all(agents.join("other/agent")).unwrap();
    let overrides = Overrides {
        state_dir: Some(folder.path().to_owned()),
        profile: None,
    };
    let containment = Containment::by_hand(&home.env, &overrides).unwrap();
    for place in ["", "main", "main/agent", "other", "other/agent"] {
        let refused = containment.workspace(&agents.join(place));
        assert!(
            matches!(refused, Err(GatewayError::BadWorkspace(_))),
            "{place}: {refused:?}"
        );
    }
    containment.workspace(&folder.path().join("work")).unwrap();
}

#[test]
fn an_agent_reads_the_skills_that_it_has_written_and_nothing_beside_them() {
    let (folder, home) = home("{}");
    let own = folder.path().join("agents/main/agent");
    let skill = own.join("workshop-skills/s");
    fs::create_dir_all(&skill).unwrap();
    fs::write(skill.join("SKILL.md"), "---\ndescription: s\n---\n").unwrap();
    let agent = home.config.agent(&AgentId::from("main")).unwrap();
    let containment = Containment::of(&home, Some(&agent.id)).unwrap();
    let readable = containment.readable(&home, agent);
    assert_eq!(readable, [skill.canonicalize().unwrap()]);
    let sandbox = containment.sandbox(SandboxNetwork::None);
    for place in [own.clone(), own.join("workshop-skills/..")] {
        assert!(sandbox.judge_readable(&place).is_err(), "{place:?}");
    }
    let other = Containment::of(&home, Some(&AgentId::from("other"))).unwrap();
    let sandbox = other.sandbox(SandboxNetwork::None);
    assert!(sandbox.judge_readable(&skill).is_err());
}
