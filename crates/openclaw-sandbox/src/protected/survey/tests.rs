//! What is mounted over a workspace, as a list.

use std::fs;

use super::{note::MOUNTS, *};
use crate::protected::Mount;

fn repository() -> (tempfile::TempDir, PathBuf) {
    // In memory, if that is possible: some tests make many files.
    let memory = tempfile::tempdir_in("/dev/shm");
    let folder = memory.or_else(|_| tempfile::tempdir()).unwrap();
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
    let protection = Protection::survey(&workspaces, &[], &[]).unwrap();
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
    let protection = Protection::survey(&workspaces, &[], &[]).unwrap();
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

fn repositories(root: &Path, number: usize) {
    for number in 0..number {
        let git = root.join(format!("r{number}/.git"));
        fs::create_dir_all(git.join("hooks")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git.join("config"), "").unwrap();
    }
}

#[test]
fn many_repositories_are_protected_and_too_many_are_refused() {
    let (_folder, root) = repository();
    repositories(&root, 80);
    for number in 0..20 {
        let part = root.join(format!(".git/worktrees/w{number}"));
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join("commondir"), "../..").unwrap();
    }
    let workspaces = [root.clone()];
    let protection = Protection::survey(&workspaces, &[], &[]).unwrap();
    let mounts = protection.mounts();
    let configs = mounts
        .iter()
        .filter(|mount| matches!(mount, Mount::ReadOnly(path) if path.ends_with(".git/config")));
    assert_eq!(configs.count(), 81);
    assert!(mounts.contains(&Mount::ReadOnly(root.join(".git/worktrees"))));
    drop(protection);
    repositories(&root, 300);
    let err = Protection::survey(&workspaces, &[], &[]).unwrap_err();
    assert!(err.to_string().ends_with("there are too many of its kind"));
    assert!(err.hint().unwrap().contains("remove repositories"));
}

#[test]
fn settings_of_editors_in_deeper_folders_make_room_for_repositories() {
    let (_folder, root) = repository();
    for number in 0..600 {
        fs::create_dir_all(root.join(format!("a{number}"))).unwrap();
        fs::write(root.join(format!("a{number}/.envrc")), "").unwrap();
    }
    repositories(&root, 9);
    let workspaces = [root.clone()];
    let protection = Protection::survey(&workspaces, &[], &[]).unwrap();
    let mounts = protection.mounts();
    assert!(mounts.len() <= MOUNTS);
    assert!(mounts.contains(&Mount::ReadOnly(root.join("r8/.git/config"))));
    let left_out = protection.left_out();
    assert!(!left_out.is_empty() && left_out.iter().all(|path| path.ends_with(".envrc")));
}

#[test]
fn what_was_found_once_is_found_in_a_flood() {
    let (_folder, root) = repository();
    let git = root.join("a/b/c/d/.git");
    fs::create_dir_all(git.join("hooks")).unwrap();
    fs::write(git.join("config"), "").unwrap();
    let workspaces = [root.clone()];
    let config = Mount::ReadOnly(git.join("config"));
    let first = Protection::survey(&workspaces, &[], &[]).unwrap();
    assert!(first.mounts().contains(&config));
    assert!(first.left_out().is_empty());
    drop(first);
    fs::create_dir(root.join("flood")).unwrap();
    for number in 0..66_000 {
        fs::File::create(root.join(format!("flood/{number}"))).unwrap();
    }
    let second = Protection::survey(&workspaces, &[], &[]).unwrap();
    assert!(second.mounts().contains(&config));
    assert!(second.left_out().contains(&root.join("flood")));
    drop(second);
    fs::rename(root.join("a"), root.join("moved")).unwrap();
    assert!(Protection::survey(&workspaces, &[], &[]).is_ok());
}
