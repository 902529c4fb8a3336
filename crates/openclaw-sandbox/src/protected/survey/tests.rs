//! What is mounted over a workspace, as a list.

use std::fs;

use super::*;

fn repository() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    for path in [".git/hooks", ".git/objects", ".git/refs", "src"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(root.join(".git/config"), "[core]\n").unwrap();
    (folder, root)
}

#[test]
fn a_usual_repository_costs_ten_mounts_and_leaves_no_trace() {
    let (_folder, root) = repository();
    let workspaces = [root.clone()];
    let protection = Protection::survey(&workspaces, &[]).unwrap();
    let names = [".claude", ".cursor", ".envrc"].map(|name| Mount::Nothing(root.join(name)));
    let rest = [".idea", ".mcp.json", ".openclaw", ".vscode"];
    let rest = rest.map(|name| Mount::Nothing(root.join(name)));
    let git = [
        Mount::Own(root.join(".git")),
        Mount::ReadOnly(root.join(".git/config")),
        Mount::ReadOnly(root.join(".git/hooks")),
    ];
    let expected = names.into_iter().chain(git).chain(rest);
    assert_eq!(protection.mounts(), expected.collect::<Vec<_>>());
    assert!(root.join(".vscode").exists());
    drop(protection);
    let mut left: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, [".git", "src"]);
}

#[test]
fn what_changed_on_the_way_is_noticed() {
    let (_folder, root) = repository();
    let workspaces = [root.clone()];
    let protection = Protection::survey(&workspaces, &[]).unwrap();
    // Nothing is mounted here, so the first that should be read-only is not.
    let config = root.join(".claude");
    assert_eq!(crate::protected::check(protection.seen()), Err(&*config));
    let plain: Vec<_> = protection
        .seen()
        .iter()
        .filter(|seen| seen.shown == Shown::Same)
        .cloned()
        .collect();
    assert_eq!(crate::protected::check(&plain), Ok(()));
    fs::rename(root.join(".git"), root.join("moved")).unwrap();
    std::os::unix::fs::symlink("moved", root.join(".git")).unwrap();
    let git = root.join(".git");
    assert_eq!(crate::protected::check(&plain), Err(&*git));
}

#[test]
fn many_repositories_are_bounded() {
    let (_folder, root) = repository();
    for number in 0..80 {
        let git = root.join(format!("r{number}/.git"));
        fs::create_dir_all(git.join("hooks")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git.join("config"), "").unwrap();
    }
    for number in 0..20 {
        let part = root.join(format!(".git/worktrees/w{number}"));
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join("commondir"), "../..").unwrap();
    }
    let workspaces = [root.clone()];
    let protection = Protection::survey(&workspaces, &[]).unwrap();
    let mounts = protection.mounts();
    let configs = mounts
        .iter()
        .filter(|mount| matches!(mount, Mount::ReadOnly(path) if path.ends_with(".git/config")));
    assert_eq!(configs.count(), 64);
    assert!(mounts.contains(&Mount::ReadOnly(root.join(".git/worktrees"))));
}
