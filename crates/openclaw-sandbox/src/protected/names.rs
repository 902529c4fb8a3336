//! The table of protected names, with what each of them would do.

use std::path::{Component, Path};

/// Where a name is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// In every folder; where a workspace does not have it at its top, it cannot be made there.
    Closed,
    /// In every folder, where it exists.
    Kept,
    /// At the top of a workspace, where it exists: elsewhere nothing acts upon it.
    Top,
    /// In every folder, the records of a version control program. Commands of that program write
    /// most of them, and its hooks and settings are found one by one; a file tool writes none.
    Records,
}

/// What is protected, and why: what is written there is run outside the sandbox by a program of
/// the owner, when it opens the folder or is next used in it.
///
/// `.gitmodules` is not here: git does not run what it says, `git submodule add` has to write it,
/// and it shows in `git diff`. Nor are build files such as `package.json`, `Makefile` or `build.rs`:
/// to change them is the work that the command is for.
pub(crate) const NAMES: &[(&str, Where)] = &[
    // Settings and skills of OpenClaw, which name programs.
    (".openclaw", Where::Closed),
    // Editors: tasks that start with the folder, and paths of the programs that they use.
    (".vscode", Where::Closed),
    (".idea", Where::Closed),
    (".cursor", Where::Closed),
    (".zed", Where::Kept),
    (".fleet", Where::Kept),
    (".helix", Where::Kept),
    (".vs", Where::Kept),
    // `initializeCommand` runs on the host.
    (".devcontainer", Where::Kept),
    (".devcontainer.json", Where::Kept),
    // Coding assistants: hooks, permissions and servers to start.
    (".claude", Where::Closed),
    (".mcp.json", Where::Closed),
    (".codex", Where::Kept),
    (".gemini", Where::Kept),
    (".kiro", Where::Kept),
    (".windsurf", Where::Kept),
    (".aider.conf.yml", Where::Kept),
    (".amazonq", Where::Kept),
    (".augment", Where::Kept),
    (".continue", Where::Kept),
    (".crush.json", Where::Kept),
    (".junie", Where::Kept),
    (".kilocode", Where::Kept),
    (".opencode", Where::Kept),
    (".qwen", Where::Kept),
    (".roo", Where::Kept),
    (".trae", Where::Kept),
    // direnv runs it when a shell enters the folder.
    (".envrc", Where::Closed),
    // Version control: hooks, and settings that name programs.
    (".git", Where::Records),
    (".hg", Where::Records),
    (".jj", Where::Records),
    // A workspace that is somebody's home after all: start files of shells and editors, keys.
    (".bash_aliases", Where::Top),
    (".bash_login", Where::Top),
    (".bash_logout", Where::Top),
    (".bash_profile", Where::Top),
    (".bashrc", Where::Top),
    (".cshrc", Where::Top),
    (".exrc", Where::Top),
    (".gdbinit", Where::Top),
    (".gitconfig", Where::Top),
    (".gvimrc", Where::Top),
    (".inputrc", Where::Top),
    (".kshrc", Where::Top),
    (".lldbinit", Where::Top),
    (".login", Where::Top),
    (".logout", Where::Top),
    (".nvim.lua", Where::Top),
    (".nvimrc", Where::Top),
    (".profile", Where::Top),
    (".ssh", Where::Top),
    (".tcshrc", Where::Top),
    (".vimrc", Where::Top),
    (".xinitrc", Where::Top),
    (".xprofile", Where::Top),
    (".xsession", Where::Top),
    (".zlogin", Where::Top),
    (".zlogout", Where::Top),
    (".zprofile", Where::Top),
    (".zshenv", Where::Top),
    (".zshrc", Where::Top),
];

/// Returns where `name` is protected, if it is.
///
/// Letters are compared without their case, because the file system may do so too.
pub(crate) fn find(name: &str) -> Option<Where> {
    let name = plain(name);
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, place)| *place)
}

/// Says whether a path, relative to its workspace, is one that no file tool may write.
///
/// `extra` are the paths that the owner protects besides.
pub(crate) fn is_protected(within: &Path, extra: &[impl AsRef<Path>]) -> bool {
    let parts: Vec<_> = within
        .components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let named = parts.iter().enumerate().any(|(depth, part)| {
        find(part).is_some_and(|place| match place {
            Where::Closed | Where::Kept | Where::Records => true,
            Where::Top => depth == 0,
        })
    });
    named || extra.iter().any(|path| begins_with(&parts, path.as_ref()))
}

fn begins_with(parts: &[String], path: &Path) -> bool {
    let mut parts = parts.iter();
    path.components()
        .filter(|part| !matches!(part, Component::CurDir))
        .all(|wanted| {
            parts.next().is_some_and(|part| {
                plain(part).eq_ignore_ascii_case(&wanted.as_os_str().to_string_lossy())
            })
        })
}

/// Leaves out what Windows leaves out of a name: a stream after a colon, and dots and blanks at the
/// end.
fn plain(name: &str) -> &str {
    if cfg!(windows) {
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        name.trim_end_matches(['.', ' '])
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_at_every_depth_or_only_at_the_top() {
        let none: [&str; 0] = [];
        for path in [
            ".git/config",
            "./.git/HEAD",
            "a/b/.GIT/hooks/post-checkout",
            ".vscode",
            "packages/a/.claude/settings.json",
            ".Envrc",
            ".bashrc",
            ".ssh/authorized_keys",
        ] {
            assert!(is_protected(Path::new(path), &none), "{path}");
        }
        for path in [
            "",
            ".",
            ".gitignore",
            ".gitmodules",
            "git/config",
            "dotfiles/.bashrc",
            ".github/workflows/ci.yml",
            "package.json",
        ] {
            assert!(!is_protected(Path::new(path), &none), "{path}");
        }
    }

    #[test]
    fn the_owner_adds_paths_with_all_that_lies_in_them() {
        let extra = ["deploy/keys", "./Makefile"];
        for path in ["deploy/keys", "deploy/KEYS/a", "Makefile"] {
            assert!(is_protected(Path::new(path), &extra), "{path}");
        }
        for path in ["deploy", "deploy/keys2", "src/Makefile"] {
            assert!(!is_protected(Path::new(path), &extra), "{path}");
        }
    }
}
