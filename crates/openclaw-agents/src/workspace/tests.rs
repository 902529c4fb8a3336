//! Workspaces made for the test, and what of them a session is given.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

fn workspace(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn session(rest: &str) -> SessionKey {
    SessionKey::parse(&format!("agent:main:{rest}")).unwrap()
}

fn files(limits: ContextLimits, folder: &TempDir, rest: &str) -> Vec<(&'static str, String)> {
    let context = ContextFiles::new(limits).load(folder.path(), &session(rest));
    context
        .files
        .into_iter()
        .map(|file| (file.name, file.text))
        .collect()
}

fn names(folder: &TempDir, rest: &str) -> Vec<&'static str> {
    let files = files(ContextLimits::default(), folder, rest);
    files.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn each_audience_gets_its_files_in_order() {
    let all: Vec<(&str, &str)> = FILES.iter().map(|known| (known.name, known.name)).collect();
    let folder = workspace(&all);
    let every: Vec<&str> = FILES.iter().map(|known| known.name).collect();
    assert_eq!(names(&folder, "main"), every);
    assert_eq!(names(&folder, "telegram:direct:1"), every);
    assert_eq!(names(&folder, "telegram:group:1"), every[..every.len() - 1]);
    assert_eq!(
        names(&folder, "cron:1"),
        ["AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "TOOLS.md"]
    );
    assert_eq!(names(&folder, "subagent:1"), ["AGENTS.md", "TOOLS.md"]);
}

#[test]
fn says_what_is_missing_of_the_files_that_belong_to_every_workspace() {
    let folder = workspace(&[
        ("SOUL.md", "soul\n"),
        ("USER.md", "  \n"),
        ("memory.md", "old"),
    ]);
    assert_eq!(
        files(ContextLimits::default(), &folder, "main"),
        [
            (
                "AGENTS.md",
                "[there is no AGENTS.md in the workspace]".to_owned()
            ),
            ("SOUL.md", "soul".to_owned()),
            (
                "IDENTITY.md",
                "[there is no IDENTITY.md in the workspace]".to_owned()
            ),
            ("MEMORY.md", "old".to_owned()),
        ]
    );
    assert!(!names(&folder, "slack:channel:1").contains(&"MEMORY.md"));
}

#[test]
fn what_changes_is_there_in_the_next_turn() {
    let folder = workspace(&[("SOUL.md", "one")]);
    let context = ContextFiles::new(ContextLimits::default());
    let soul = || {
        let context = context.load(folder.path(), &session("main"));
        context
            .files
            .into_iter()
            .find(|file| file.name == "SOUL.md")
            .map(|file| file.text)
    };
    assert_eq!(soul().as_deref(), Some("one"));
    // As an editor does it, and in place.
    fs::write(folder.path().join("new"), "two").unwrap();
    fs::rename(folder.path().join("new"), folder.path().join("SOUL.md")).unwrap();
    assert_eq!(soul().as_deref(), Some("two"));
    fs::write(folder.path().join("SOUL.md"), "three").unwrap();
    assert_eq!(soul().as_deref(), Some("three"));
    fs::remove_file(folder.path().join("SOUL.md")).unwrap();
    assert_eq!(
        soul().as_deref(),
        Some("[there is no SOUL.md in the workspace]")
    );
}

#[test]
fn long_files_are_cut_one_by_one_and_together() {
    let long = "x".repeat(30_000);
    let folder = workspace(&[
        ("AGENTS.md", &long),
        ("SOUL.md", &long),
        ("IDENTITY.md", "me"),
        ("USER.md", &long),
        ("TOOLS.md", &long),
        ("MEMORY.md", &long),
    ]);
    let context = ContextFiles::new(ContextLimits::default()).load(folder.path(), &session("main"));
    let sizes: Vec<_> = context
        .files
        .iter()
        .map(|file| (file.name, file.text.len()))
        .collect();
    assert_eq!(
        sizes.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "TOOLS.md"]
    );
    let size = |name: &str| sizes.iter().find(|(found, _)| *found == name).unwrap().1;
    assert!((19_900..=20_000).contains(&size("AGENTS.md")));
    assert!((3_900..=4_000).contains(&size("USER.md")));
    assert!(sizes.iter().map(|(_, size)| size).sum::<usize>() <= 60_000 && context.is_cut);
}

#[test]
fn no_file_is_read_through_a_link_that_leads_out() {
    let folder = workspace(&[]);
    let outside = workspace(&[("secret", "secret")]);
    symlink(outside.path().join("secret"), folder.path().join("SOUL.md")).unwrap();
    fs::create_dir(folder.path().join("TOOLS.md")).unwrap();
    let files = files(ContextLimits::default(), &folder, "main");
    let text = |name: &str| &files.iter().find(|(found, _)| *found == name).unwrap().1;
    assert!(text("SOUL.md").starts_with("[SOUL.md cannot be given to you: it leads out of "));
    assert_eq!(
        text("TOOLS.md"),
        "[TOOLS.md cannot be given to you: it is no regular file]"
    );
    assert!(!format!("{files:?}").contains("secret\""));
}

#[test]
fn a_new_workspace_gets_its_first_files_once() {
    let folder = workspace(&[("notes.txt", "mine")]);
    let made = [
        "AGENTS.md",
        "SOUL.md",
        "IDENTITY.md",
        "USER.md",
        "BOOTSTRAP.md",
    ];
    assert_eq!(seed(folder.path(), &Seeding::default()).unwrap(), made);
    fs::remove_file(folder.path().join("BOOTSTRAP.md")).unwrap();
    fs::write(folder.path().join("SOUL.md"), "mine").unwrap();
    assert_eq!(
        seed(folder.path(), &Seeding::default()).unwrap(),
        Vec::<&str>::new()
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("SOUL.md")).unwrap(),
        "mine"
    );
    let entries = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries, made.len(), "no drafts are left");
}

#[test]
fn nothing_is_made_in_a_workspace_that_is_used_or_kept_by_its_owner() {
    let none = Vec::<&str>::new();
    for file in ["TOOLS.md", "memory.md", "MEMORY.md"] {
        let folder = workspace(&[(file, "")]);
        assert_eq!(
            seed(folder.path(), &Seeding::default()).unwrap(),
            none,
            "{file}"
        );
    }
    let folder = workspace(&[]);
    fs::create_dir_all(folder.path().join("skills/greet")).unwrap();
    fs::write(folder.path().join("skills/greet/SKILL.md"), "").unwrap();
    assert_eq!(seed(folder.path(), &Seeding::default()).unwrap(), none);
    let folder = workspace(&[]);
    assert_eq!(seed(folder.path(), &Seeding::Off).unwrap(), none);
    let left_out = Seeding::AllBut(vec!["SOUL.md".into(), "AGENTS.md".into()]);
    assert_eq!(
        seed(folder.path(), &left_out).unwrap(),
        ["AGENTS.md", "IDENTITY.md", "USER.md", "BOOTSTRAP.md"]
    );
}
