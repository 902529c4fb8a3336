//! The little of git's settings that names further files to protect.

use std::path::{Component, Path, PathBuf};

/// What a `config` of git says about other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the hooks are, if not in `hooks`.
    pub(super) hooks: Option<String>,
    /// Files with further settings.
    pub(super) includes: Vec<String>,
    /// Where the working tree is, if not around the repository.
    pub(super) worktree: Option<String>,
    /// Whether each working tree has settings of its own.
    pub(super) per_worktree: Option<String>,
}

impl Settings {
    /// Reads the text of a `config`. What is not understood is passed over.
    pub(crate) fn of(text: &str) -> Self {
        let mut settings = Self::default();
        let mut section = String::new();
        for line in text.lines() {
            let mut line = line.trim();
            if let Some((name, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']'))
            {
                section = name
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                line = rest.trim();
            }
            let (key, value) = line.split_once('=').unwrap_or((line, "true"));
            let value = plain(value);
            match (section.as_str(), key.trim().to_ascii_lowercase().as_str()) {
                ("core", "hookspath") => settings.hooks = Some(value),
                ("core", "worktree") => settings.worktree = Some(value),
                ("extensions", "worktreeconfig") => settings.per_worktree = Some(value),
                ("include" | "includeif", "path") => settings.includes.push(value),
                _ => {}
            }
        }
        settings
    }

    /// Returns the folder of the hooks that are not in `hooks`, for a working tree at `top`.
    pub(super) fn hooks_beneath(&self, top: &Path) -> Option<PathBuf> {
        let hooks = top.join(self.hooks.as_ref()?);
        // Those that husky writes in a folder `_` run what lies beside that folder.
        Some(match hooks.parent() {
            Some(parent) if hooks.ends_with("_") => parent.to_path_buf(),
            Some(_) | None => hooks,
        })
    }

    /// Returns the hooks and further settings of the repository in `.git` at the top of the folder
    /// `root`, relative to it, as far as they lie within and outside of `.git`.
    pub(crate) fn beneath(&self, root: &Path) -> Vec<PathBuf> {
        let includes = self.includes.iter();
        let includes = includes.map(|file| root.join(".git").join(file));
        self.hooks_beneath(root)
            .into_iter()
            .chain(includes)
            .filter_map(|path| Some(lexical(&path).strip_prefix(root).ok()?.to_path_buf()))
            .filter(|path| !path.as_os_str().is_empty())
            .collect()
    }

    /// Says whether git reads `config.worktree`.
    #[cfg(target_os = "linux")]
    pub(super) fn reads_worktree(&self) -> bool {
        self.per_worktree
            .as_deref()
            .is_some_and(|value| !matches!(value, "false" | "no" | "off" | "0" | ""))
    }
}

/// Resolves the dots of an absolute path without looking at the file system.
pub(super) fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// Takes the quotes off a value, and the comment after it.
fn plain(value: &str) -> String {
    let mut text = String::new();
    let mut quoted = false;
    let mut letters = value.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' => text.extend(letters.next()),
            '#' | ';' if !quoted => break,
            letter => text.push(letter),
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_files_that_settings_name() {
        let text = "# comment\n[core]\n\tbare = false\n\tHooksPath = \".husky/_\" ; why\n\
                    \tworktree = ../../../sub\n[include] path = ../.gitconfig\n\
                    [includeIf \"gitdir:~/w/\"]\n path = ~/other\n[extensions]\n worktreeConfig\n\
                    [alias]\n path = no\n";
        let settings = Settings::of(text);
        assert_eq!(
            settings,
            Settings {
                hooks: Some(".husky/_".into()),
                includes: vec!["../.gitconfig".into(), "~/other".into()],
                worktree: Some("../../../sub".into()),
                per_worktree: Some("true".into()),
            }
        );
        assert!(settings.reads_worktree());
        assert_eq!(
            settings.beneath(Path::new("/w")),
            [".husky", ".gitconfig", ".git/~/other"].map(PathBuf::from)
        );
        assert!(!Settings::of("[extensions]\nworktreeConfig = false").reads_worktree());
    }
}
