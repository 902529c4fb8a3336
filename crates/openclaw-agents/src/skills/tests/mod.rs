//! Skills of places made for the test, and what the model is told of them.

mod links;

use std::fs;
use std::os::unix::fs::symlink;

use openclaw_core::env::Env;
use tempfile::TempDir;

use super::manifest::Manifest;
use super::*;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a skill whose description is its folder.
    fn skill(&self, folder: &str, front: &str) {
        let text = format!("---\ndescription: {folder}\n{front}\n---\nbody\n");
        self.write(&format!("{folder}/SKILL.md"), &text);
    }

    fn sources(&self) -> SkillSources {
        let places = Places {
            workspace: &self.path("workspace"),
            state: &self.path("state"),
            agent_folder: &self.path("state/agents/main/agent"),
            home: Some(self.0.path()),
            bundled: Some(&self.path("bundled")),
            extra: &[self.path("extra")],
        };
        SkillSources {
            roots: places.roots(),
            workspace: Some(self.path("workspace")),
            ..SkillSources::default()
        }
    }

    fn load(&self) -> SkillSet {
        (*Skills::new(self.sources()).load()).clone()
    }

    /// Returns the descriptions, that is the folders, of the skills that were found.
    fn found(&self) -> Vec<String> {
        described(&self.load())
    }

    fn problems(&self) -> Vec<String> {
        let root = format!("{}/", self.0.path().display());
        let set = self.load();
        set.broken
            .iter()
            .map(|broken| broken.to_string().replace(&root, ""))
            .collect()
    }
}

fn described(set: &SkillSet) -> Vec<String> {
    set.skills
        .iter()
        .map(|judged| judged.skill.description.clone())
        .collect()
}

fn judged<'a>(set: &'a SkillSet, name: &str) -> &'a JudgedSkill {
    set.skills
        .iter()
        .find(|judged| judged.skill.name == name)
        .unwrap()
}

#[test]
fn the_place_nearest_to_the_agent_wins() {
    let home = Home::new();
    let places = [
        "extra/x",
        "state/plugin-skills/x",
        "bundled/x",
        "state/agents/main/agent/workshop-skills/x",
        "state/skills/x",
        ".agents/skills/x",
        "workspace/.agents/skills/x",
        "workspace/skills/x",
    ];
    for place in places {
        home.skill(place, "");
        assert_eq!(home.found(), [place]);
    }
    assert_eq!(judged(&home.load(), "x").skill.origin, Origin::Workspace);
}

#[test]
fn finds_skills_in_groups_and_none_beneath_a_skill() {
    let home = Home::new();
    home.skill("state/skills/1/2/3/4/5/6", "name: six");
    home.skill("state/skills/1/2/3/4/5/7/8", "name: seven");
    home.skill("state/skills/a", "name: a");
    home.skill("state/skills/a/b", "name: beneath");
    home.skill("state/skills/.hidden", "name: hidden");
    home.skill("state/skills/node_modules/m", "name: module");
    home.skill("extra/1/2", "name: two");
    home.skill("extra/1/3/4", "name: three");
    assert_eq!(
        home.found(),
        ["state/skills/a", "state/skills/1/2/3/4/5/6", "extra/1/2"]
    );
}

#[test]
fn a_folder_may_have_its_skills_in_a_folder_of_that_name() {
    let home = Home::new();
    home.skill("extra/skills/a/b/c", "name: nested");
    assert_eq!(home.found(), ["extra/skills/a/b/c"]);
    home.skill("extra", "name: own");
    assert_eq!(home.found(), ["extra"]);
    fs::remove_file(home.path("extra/SKILL.md")).unwrap();
    home.skill("extra/beside", "name: beside");
    assert_eq!(home.found(), ["extra/beside", "extra/skills/a/b/c"]);
}

#[test]
fn links_lead_out_of_the_state_directory_and_of_no_workspace() {
    let home = Home::new();
    home.skill("elsewhere/a", "name: a");
    for place in ["workspace/skills", "state/skills"] {
        fs::create_dir_all(home.path(place)).unwrap();
    }
    symlink(home.path("elsewhere/a"), home.path("workspace/skills/a")).unwrap();
    let outside = "workspace/skills/a: it leads out of the folder that skills are looked for in";
    assert_eq!(
        (home.found(), home.problems()),
        (vec![], vec![outside.to_owned()])
    );

    let mut sources = home.sources();
    sources
        .link_targets
        .push(home.path("elsewhere").canonicalize().unwrap());
    assert_eq!(described(&Skills::new(sources).load()), ["elsewhere/a"]);

    symlink(home.path("elsewhere/a"), home.path("state/skills/a")).unwrap();
    let set = home.load();
    let skill = &judged(&set, "a").skill;
    assert_eq!(
        skill.file,
        home.path("elsewhere/a/SKILL.md").canonicalize().unwrap()
    );

    // The file itself stays in its folder, wherever the folder is.
    home.write("secret", "---\nname: s\ndescription: s\n---\n");
    fs::create_dir_all(home.path("state/skills/s")).unwrap();
    symlink(home.path("secret"), home.path("state/skills/s/SKILL.md")).unwrap();
    assert_eq!(home.found(), ["elsewhere/a"]);
}

#[test]
fn a_broken_skill_is_named_with_its_place_and_the_others_load() {
    let home = Home::new();
    home.skill("state/skills/good", "");
    home.write("state/skills/a/SKILL.md", "---\nname: a\nname: b\n---\n");
    home.write("state/skills/b/SKILL.md", "---\nname: b\n---\n");
    home.write("state/skills/c/SKILL.md", "---\nname: c\n");
    home.write("state/skills/d/SKILL.md", &"x".repeat(256_001));
    fs::create_dir_all(home.path("state/skills/e/SKILL.md")).unwrap();
    home.skill("state/skills/f", "");
    fs::hard_link(home.path("state/skills/f/SKILL.md"), home.path("f")).unwrap();
    assert_eq!(home.found(), ["state/skills/good"]);
    assert_eq!(
        home.problems(),
        [
            "state/skills/a/SKILL.md:3:1: the key `name` is there twice",
            "state/skills/b/SKILL.md:1:1: the front matter has no `description`",
            "state/skills/c/SKILL.md:1:1: the front matter has no closing `---` line",
            "state/skills/d/SKILL.md: it has more than 256000 bytes",
            "state/skills/e/SKILL.md: it is no regular file",
            "state/skills/f/SKILL.md: the file has further names (hard links)",
        ]
    );
}

#[test]
fn a_wide_place_is_not_looked_at_to_its_end() {
    let home = Home::new();
    for n in 0..10 {
        home.skill(&format!("state/skills/{n}"), "");
    }
    let load = |limits| {
        let sources = SkillSources {
            limits,
            ..home.sources()
        };
        let set = Skills::new(sources).load();
        let skips = set.broken.iter().map(|broken| broken.problem.to_string());
        (set.skills.len(), skips.collect::<Vec<_>>())
    };
    let too_many = Skip::TooMany.to_string();
    let usual = Limits::default();
    assert_eq!(
        load(Limits {
            max_skills_per_source: 4,
            ..usual
        }),
        (4, vec![too_many.clone()])
    );
    assert_eq!(
        load(Limits {
            max_candidates_per_root: 3,
            ..usual
        }),
        (3, vec![too_many])
    );
}

#[test]
fn reads_again_only_what_has_changed() {
    let home = Home::new();
    home.skill("state/skills/a", "");
    home.skill("state/skills/b", "");
    let skills = Skills::new(home.sources());
    let (first, second) = (skills.load(), skills.load());
    let same = |name| Arc::ptr_eq(&judged(&first, name).skill, &judged(&second, name).skill);
    assert!(same("a") && same("b"));
    home.skill("state/skills/b", "name: c");
    let third = skills.load();
    assert_eq!(
        third
            .skills
            .iter()
            .map(|judged| &*judged.skill.name)
            .collect::<Vec<_>>(),
        ["a", "c"]
    );
    assert!(Arc::ptr_eq(
        &judged(&first, "a").skill,
        &judged(&third, "a").skill
    ));
    assert!(Arc::ptr_eq(&third, &skills.latest()));
}

fn policy_of(home: &Home) -> Policy {
    home.write("bin/there", "#!/bin/sh\n");
    home.write("bin/text", "");
    let program = home.path("bin/there");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(program, mode).unwrap();
    let path = format!("/nowhere::{}", home.path("bin").display());
    Policy {
        env: [("PATH", path.as_str()), ("SET", "x"), ("BLANK", " ")]
            .into_iter()
            .collect::<Env>(),
        is_set: Arc::new(|path| path == "a.b"),
        platform: "linux",
        ..Policy::default()
    }
}

fn needing(front: &str) -> Skill {
    let text = format!("---\nmetadata:\n  openclaw: {{ {front} }}\n---\n");
    let front = front_matter::FrontMatter::parse(&text).unwrap();
    Skill {
        name: "s".into(),
        description: "d".into(),
        origin: Origin::Managed,
        file: "/s/SKILL.md".into(),
        folder: "/s".into(),
        beside: None,
        user_invocable: true,
        model_invocable: true,
        command_tool: None,
        homepage: None,
        emoji: None,
        manifest: Manifest::of(&front),
    }
}

#[test]
fn a_skill_is_offered_when_all_that_it_needs_is_there() {
    let home = Home::new();
    let mut policy = policy_of(&home);
    let missing = |policy: &Policy, front: &str| {
        let missing = policy.judge(&needing(front)).missing;
        let kinds = missing
            .kinds()
            .map(|(kind, names)| format!("{kind}: {}", names.join(" ")));
        kinds.collect::<Vec<_>>().join("; ")
    };
    for (front, lacking) in [
        (
            "requires: { bins: [there], anyBins: [none, there], env: [SET], config: [a.b] }, os: [linux]",
            "",
        ),
        ("requires: { bins: [there, text, none] }", "bins: text none"),
        ("requires: { anyBins: [x, y] }", "anyBins: x y"),
        ("requires: { env: [SET, BLANK, NONE] }", "env: BLANK NONE"),
        ("requires: { config: [a.b, a.c] }", "config: a.c"),
        ("os: [macos, win32]", "os: macos win32"),
        ("os: [Linux]", ""),
        (
            "always: true, requires: { bins: [none], env: [NONE], config: [c] }",
            "",
        ),
        ("always: true, os: [darwin]", "os: darwin"),
        (
            "skillKey: k, primaryEnv: KEY, requires: { env: [KEY, OTHER] }",
            "env: KEY OTHER",
        ),
    ] {
        assert_eq!(missing(&policy, front), lacking, "{front}");
    }
    let entry = EntryPolicy {
        env: ["OTHER".to_owned()].into(),
        has_api_key: true,
        disabled: false,
    };
    policy.entries.insert("k".into(), entry);
    let front = "skillKey: k, primaryEnv: KEY, requires: { env: [KEY, OTHER] }";
    assert_eq!(missing(&policy, front), "");
    policy.entries.get_mut("k").unwrap().disabled = true;
    assert!(policy.judge(&needing(front)).has(Barrier::Disabled));
}

#[test]
fn lists_of_the_config_leave_skills_out() {
    let home = Home::new();
    home.skill("bundled/b", "name: b");
    home.skill(
        "bundled/k",
        "name: k\nmetadata: { \"openclaw\": { \"skillKey\": \"key\" } }",
    );
    home.skill("state/skills/m", "name: m\ndisable-model-invocation: true");
    home.skill("state/skills/q", "name: q\nuser-invocable: no");
    let offered = |policy: Policy| {
        let sources = SkillSources {
            policy,
            ..home.sources()
        };
        let set = Skills::new(sources).load();
        set.skills
            .iter()
            .filter(|judged| judged.verdict.is_offered())
            .map(|judged| {
                let model = if judged.is_model_visible() { "+" } else { "" };
                let command = if judged.is_command_visible() { "/" } else { "" };
                format!("{model}{command}{}", judged.skill.name)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(offered(Policy::default()), ["+/b", "+/k", "/m", "+q"]);
    let bundled = Policy {
        allow_bundled: ["key".to_owned()].into(),
        ..Policy::default()
    };
    assert_eq!(offered(bundled), ["+/k", "/m", "+q"]);
    let list = |names: &[&str]| Policy {
        allowlist: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..Policy::default()
    };
    assert_eq!(offered(list(&["b", "m"])), ["+/b", "/m"]);
    assert_eq!(offered(list(&[])), Vec::<String>::new());
}

fn skill(name: &str, description: &str) -> Skill {
    Skill {
        name: name.into(),
        description: description.into(),
        file: format!("/skills/{name}/SKILL.md").into(),
        ..needing("")
    }
}

fn block(skills: &[Skill], max_skills: usize, max_chars: usize) -> String {
    let limits = CatalogLimits {
        max_skills,
        max_chars,
    };
    catalog::block(&skills.iter().collect::<Vec<_>>(), &limits)
}

#[test]
fn the_list_has_name_description_and_place() {
    let skills = [
        skill("a", "Say \"<hi>\" & it's fine"),
        skill("b", "two\nlines"),
    ];
    insta::assert_snapshot!(block(&skills, 10, 1_000), @r#"
    <available_skills>
      <skill>
        <name>a</name>
        <description>Say &quot;&lt;hi&gt;&quot; &amp; it&apos;s fine</description>
        <location>/skills/a/SKILL.md</location>
      </skill>
      <skill>
        <name>b</name>
        <description>two
    lines</description>
        <location>/skills/b/SKILL.md</location>
      </skill>
    </available_skills>
    "#);
    assert_eq!(block(&[], 10, 1_000), "");
}

#[test]
fn a_list_that_is_too_long_loses_descriptions_before_skills() {
    let skills: Vec<Skill> = (0..9)
        .map(|n| skill(&format!("s{n}"), &"word ".repeat(60)))
        .collect();
    for (max_chars, names, described, note) in [
        (9_000, 9, true, None),
        (
            2_000,
            9,
            true,
            Some("All skills are listed, with shortened descriptions;"),
        ),
        (
            1_000,
            9,
            false,
            Some("All skills are listed, without descriptions;"),
        ),
        (
            600,
            5,
            false,
            Some("Only 5 of 9 skills are listed, without descriptions;"),
        ),
        (140, 1, false, None),
        (100, 0, false, None),
    ] {
        let text = block(&skills, 100, max_chars);
        assert!(length(&text) <= max_chars, "{max_chars}: {}", length(&text));
        assert_eq!(text.matches("<name>").count(), names, "{max_chars}: {text}");
        assert_eq!(text.contains("<description>"), described, "{max_chars}");
        let first = text.lines().next().unwrap_or_default();
        match note {
            Some(note) => assert!(first.starts_with(note), "{max_chars}: {first}"),
            None => assert!(!text.contains("listed"), "{max_chars}"),
        }
    }
    let few = block(&skills, 2, 9_000);
    assert!(
        few.starts_with("Only 2 of 9 skills are listed; `openclaw skills check`"),
        "{few}"
    );
}
