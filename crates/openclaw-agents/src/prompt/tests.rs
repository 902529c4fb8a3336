//! What the model is told, as a whole.

use std::fs;
use std::sync::Arc;

use openclaw_sandbox::SandboxConfig;

use super::*;
use crate::agent::{Limits, NoModel};
use crate::means::Means;
use crate::skills::{Origin, SkillRoot, SkillSources, Skills};
use crate::workspace::{ContextFiles, ContextLimits};

fn agent(skills: Skills, context: ContextFiles) -> Agent {
    Agent {
        id: "main".into(),
        name: "Ada".to_owned(),
        model: Err(NoModel::NotConfigured),
        workspace: "/home/u/.openclaw/workspace".into(),
        sandbox: SandboxConfig::default(),
        means: Means::default(),
        limits: Limits::default(),
        rules: crate::Rules::default(),
        skills,
        context,
        time_zone: Some("Europe/Berlin".to_owned()),
    }
}

fn scene(agent: &Agent) -> Scene {
    let session = SessionKey::parse("agent:main:main").unwrap();
    let scene = Scene::of(agent, &session, &Sender::owner("cli"));
    Scene {
        now: "2026-11-23T23:59:00+01:00[Europe/Berlin]".parse().unwrap(),
        ..scene
    }
}

fn system(agent: &Agent, tools: &ToolRegistry, scene: &Scene) -> String {
    joined(&sections(agent, tools, scene))
}

#[test]
fn an_agent_without_anything_of_its_own_is_told_little() {
    let agent = agent(Skills::default(), ContextFiles::default());
    insta::assert_snapshot!(system(&agent, &ToolRegistry::standard(), &scene(&agent)));
}

#[test]
fn skills_and_files_stand_between_the_manner_and_the_day() {
    let place = tempfile::tempdir().unwrap();
    let workspace = place.path().join("workspace");
    fs::create_dir_all(workspace.join("memory")).unwrap();
    fs::create_dir_all(workspace.join("skills/greet")).unwrap();
    fs::write(
        workspace.join("skills/greet/SKILL.md"),
        "---\nname: greet\ndescription: Greets people\n---\n",
    )
    .unwrap();
    for name in ["AGENTS.md", "SOUL.md", "IDENTITY.md"] {
        fs::write(workspace.join(name), format!("# {name}\n\nText.\n")).unwrap();
    }
    let skills = Skills::new(SkillSources {
        roots: vec![SkillRoot {
            folder: workspace.join("skills"),
            origin: Origin::Workspace,
        }],
        ..SkillSources::default()
    });
    let mut agent = agent(skills, ContextFiles::new(ContextLimits::default()));
    agent.workspace.clone_from(&workspace);
    let scene = scene(&agent);
    let told = system(&agent, &ToolRegistry::standard(), &scene);
    let place = place.path().to_string_lossy();
    insta::assert_snapshot!(told.replace(&*place, "/home/u"));
    // Who cannot read files is not told of skills.
    assert!(!system(&agent, &ToolRegistry::new(), &scene).contains("greet"));
}

#[test]
fn the_prompt_is_the_same_as_long_as_nothing_changes() {
    let place = tempfile::tempdir().unwrap();
    let context = ContextFiles::new(ContextLimits::default());
    let mut agent = agent(Skills::default(), context);
    agent.workspace = place.path().to_owned();
    let tools = ToolRegistry::standard();
    let told = || system(&agent, &tools, &scene(&agent));
    assert_eq!(Arc::new(told()), Arc::new(told()));
}
