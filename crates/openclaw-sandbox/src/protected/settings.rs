//! The little of git's settings that names further files to protect.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use super::{ProtectionFault, gitconfig};
use crate::{SandboxError, variables};

/// How much of a file of settings is read. A longer one is refused, for what it ends with counts.
const LONGEST: u64 = 1024 * 1024;

/// How many files of settings one repository has. More are refused.
const MOST: usize = 64;

/// What the settings of a repository say about other files, with those that they include.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the hooks are, if not in `hooks`. All that are named, because which of them counts
    /// depends on conditions that change.
    hooks: Vec<PathBuf>,
    /// Files with further settings.
    pub(super) includes: Vec<PathBuf>,
    /// Where the working tree is, if not around the repository.
    pub(super) worktree: Option<PathBuf>,
    /// Whether each working tree has settings of its own.
    per_worktree: Option<String>,
}

impl Settings {
    /// Reads the settings of the repository in the folder `git`, which may be the part of one
    /// that belongs to a linked worktree. Blocks on the file system.
    pub(crate) fn read(git: &Path) -> Result<Self, SandboxError> {
        Self::read_after(of_the_user(), git)
    }

    /// Reads files that come before those of a repository, and these.
    fn read_after(files: Vec<PathBuf>, git: &Path) -> Result<Self, SandboxError> {
        let common = common_of(git)?.unwrap_or_else(|| git.to_path_buf());
        let mut settings = Self::default();
        let mut done = BTreeSet::new();
        for file in files {
            settings.follow(file, &mut done)?;
        }
        // What a user has said once is for working trees everywhere, of which it names none.
        settings.worktree = None;
        settings.follow(common.join("config"), &mut done)?;
        if settings.reads_worktree() {
            settings.follow(git.join("config.worktree"), &mut done)?;
        }
        Ok(settings)
    }

    /// Adds what a file says, and what those say that it includes.
    fn follow(&mut self, file: PathBuf, done: &mut BTreeSet<PathBuf>) -> Result<(), SandboxError> {
        let mut waiting = vec![file];
        while let Some(file) = waiting.pop() {
            if !done.insert(file.clone()) {
                continue;
            }
            if done.len() > MOST {
                return Err(refused(&file, ProtectionFault::TooMany));
            }
            let Some(text) = text(&file)? else {
                continue;
            };
            let found = Self::of(&text);
            let around = file.parent().unwrap_or(&file);
            for include in found.includes {
                let include = lexical(&around.join(include));
                self.includes.push(include.clone());
                waiting.push(include);
            }
            self.hooks.extend(found.hooks);
            self.worktree = found.worktree.or(self.worktree.take());
            self.per_worktree = found.per_worktree.or(self.per_worktree.take());
        }
        Ok(())
    }

    /// Reads the text of one file.
    fn of(text: &str) -> Self {
        let mut settings = Self::default();
        for entry in gitconfig::entries(text) {
            let value = entry.value.unwrap_or_else(|| "true".to_owned());
            match (entry.section.as_str(), entry.key.as_str()) {
                ("core", "hookspath") => settings.hooks.push(expanded(&value)),
                ("core", "worktree") => settings.worktree = Some(expanded(&value)),
                ("extensions", "worktreeconfig") => settings.per_worktree = Some(value),
                ("include" | "includeif", "path") => settings.includes.push(expanded(&value)),
                _ => {}
            }
        }
        settings
    }

    /// Returns the folders of the hooks that are not in `hooks`, for a working tree at `top`.
    pub(super) fn hooks_beneath(&self, top: &Path) -> Vec<PathBuf> {
        let hooks = self.hooks.iter().map(|hooks| lexical(&top.join(hooks)));
        // Those that husky writes in a folder `_` run what lies beside that folder.
        let hooks = hooks.map(|hooks| match hooks.parent() {
            Some(parent) if hooks.ends_with("_") => parent.to_path_buf(),
            Some(_) | None => hooks,
        });
        hooks.collect()
    }

    /// Says whether git reads `config.worktree`.
    pub(super) fn reads_worktree(&self) -> bool {
        self.per_worktree
            .as_deref()
            .is_some_and(|value| !matches!(value, "false" | "no" | "off" | "0" | ""))
    }
}

/// Returns what git takes from the working tree at `root` and from those around `path` in it, as
/// paths relative to `root`: hooks, and settings outside of `.git`. Blocks on the file system.
pub(crate) fn named_around(root: &Path, path: &Path) -> Result<Vec<PathBuf>, SandboxError> {
    let mut named = Vec::new();
    for top in root.join(path).ancestors() {
        if let Some(git) = repository_of(top)? {
            let settings = Settings::read(&git)?;
            named.extend(settings.hooks_beneath(top));
            named.extend(settings.includes);
            if !top.starts_with(root) {
                break;
            }
        }
    }
    let named = named.iter().filter_map(|path| path.strip_prefix(root).ok());
    let named = named.filter(|path| !path.as_os_str().is_empty());
    Ok(named.map(Path::to_path_buf).collect())
}

/// Says whether a file has what git writes into the settings of every repository that it makes.
/// Blocks on the file system.
#[cfg(target_os = "linux")]
pub(super) fn are_of_repository(path: &Path) -> bool {
    let text = text(path).ok().flatten().unwrap_or_default();
    let mut entries = gitconfig::entries(&text).into_iter();
    entries.any(|entry| entry.section == "core" && entry.key == "repositoryformatversion")
}

/// Returns the folder of the repository whose working tree is at `top`, if there is one.
pub(super) fn repository_of(top: &Path) -> Result<Option<PathBuf>, SandboxError> {
    let git = top.join(".git");
    if git.is_dir() {
        return Ok(Some(git));
    }
    let text = text(&git)?;
    let target = text
        .as_deref()
        .and_then(|text| text.strip_prefix("gitdir:"));
    Ok(target.map(|target| top.join(target.trim())))
}

/// Returns the repository that a folder is the part of that belongs to a linked worktree.
pub(super) fn common_of(part: &Path) -> Result<Option<PathBuf>, SandboxError> {
    let text = text(&part.join("commondir"))?;
    Ok(text.map(|common| part.join(common.trim())))
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

/// Returns the files in which the user and the system have settings for all repositories.
fn of_the_user() -> Vec<PathBuf> {
    let home = variables::inherited("HOME").map(PathBuf::from);
    let own = variables::inherited("XDG_CONFIG_HOME").map(PathBuf::from);
    let own = own.or_else(|| Some(home.as_ref()?.join(".config")));
    let mut files = vec![PathBuf::from("/etc/gitconfig")];
    files.extend(own.map(|own| own.join("git/config")));
    files.extend(home.map(|home| home.join(".gitconfig")));
    files.extend(variables::inherited("GIT_CONFIG_GLOBAL").map(PathBuf::from));
    files.retain(|file| file.is_absolute());
    files
}

/// Puts the home folder of this process in the place of a leading `~`.
fn expanded(value: &str) -> PathBuf {
    let value = value.strip_prefix(":(optional)").unwrap_or(value);
    match (value.strip_prefix("~/"), variables::inherited("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        (Some(_) | None, _) => PathBuf::from(value),
    }
}

/// Returns the text of a regular file; nothing, if there is none that can be read.
fn text(path: &Path) -> Result<Option<String>, SandboxError> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    // A pipe in the place of the file must not make us wait for a writer.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nonblocking());
    let Ok(file) = options.open(path) else {
        return Ok(None);
    };
    let known = file.metadata();
    if !known.is_ok_and(|known| known.is_file()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    if file.take(LONGEST + 1).read_to_end(&mut bytes).is_err() {
        return Ok(None);
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST) {
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    } else {
        Err(refused(path, ProtectionFault::TooLong))
    }
}

#[cfg(unix)]
fn nonblocking() -> i32 {
    use rustix::fs::OFlags;
    i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default()
}

fn refused(path: &Path, fault: ProtectionFault) -> SandboxError {
    SandboxError::ProtectedPath {
        path: path.to_path_buf(),
        fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_files_that_settings_name() {
        let text = "\u{feff}# comment \\\n[core]\n\tbare = false\n\tHooksPath = \".husky/_\" ; why \\\n\
                    \tworktree = ../../../sub\n[include] path = ../.git\\\nconfig\n\
                    [includeIf \"gitdir:~/w/\"]\n path = other\n[extensions]\n worktreeConfig\n\
                    [alias]\n path = no\n[core]hooksPath=\"a;b\\\r\nc\"\n\
                    [x][include]path = :(optional)third\n";
        let settings = Settings::of(text);
        assert_eq!(
            settings,
            Settings {
                hooks: [".husky/_", "a;bc"].map(PathBuf::from).to_vec(),
                includes: ["../.gitconfig", "other", "third"]
                    .map(PathBuf::from)
                    .to_vec(),
                worktree: Some("../../../sub".into()),
                per_worktree: Some("true".into()),
            }
        );
        assert!(settings.reads_worktree());
        assert_eq!(
            settings.hooks_beneath(Path::new("/w")),
            ["/w/.husky", "/w/a;bc"].map(PathBuf::from)
        );
        assert!(!Settings::of("[extensions]\nworktreeConfig = false").reads_worktree());
    }

    #[test]
    fn hooks_that_the_user_has_for_all_repositories_count() {
        let folder = tempfile::tempdir().unwrap();
        let (user, git) = (folder.path().join("gitconfig"), folder.path().join(".git"));
        fs::create_dir(&git).unwrap();
        fs::write(&user, "[core]\n\thooksPath = .githooks\n\tworktree = /x\n").unwrap();
        let settings = Settings::read_after(vec![user], &git).unwrap();
        let hooks = settings.hooks_beneath(Path::new("/w"));
        assert_eq!(hooks, [PathBuf::from("/w/.githooks")]);
        assert_eq!(settings.worktree, None);
        assert!(of_the_user().contains(&PathBuf::from("/etc/gitconfig")));
    }

    #[test]
    fn follows_what_is_included_and_refuses_what_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let git = root.join(".git");
        fs::create_dir_all(&git).unwrap();
        fs::write(git.join("config"), "[include]\npath = ../one\n").unwrap();
        fs::write(root.join("one"), "[include]\npath = two\n").unwrap();
        let two = "[core]\nhooksPath = hk\n[include]\npath = one\n";
        fs::write(root.join("two"), two).unwrap();
        let named = ["hk", "one", "two", "one"].map(PathBuf::from);
        assert_eq!(named_around(&root, Path::new("a/b")).unwrap(), named);
        fs::write(root.join("two"), "\n".repeat(1024 * 1024 + 1)).unwrap();
        let err = Settings::read(&git).unwrap_err().to_string();
        assert!(err.ends_with("it is too long to be looked at"), "{err}");
    }
}
