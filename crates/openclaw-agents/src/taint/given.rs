//! What of a workspace's marked files a model is given without asking for it: by its name, and by
//! what stands behind that name.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use openclaw_core::provenance::Source;

use super::changed::{Identity, identity};
use super::written::shown;
use crate::workspace;

/// The folders of a workspace that skills are read from.
const SKILLS: [&str; 2] = ["skills", ".agents/skills"];

/// How many files and folders of skills are looked at.
const MOST_ENTRIES: usize = 5_000;

/// Returns those of the marked files that a model is given. Blocks on the file system.
pub(super) fn given(root: &Path, marked: &[&Path]) -> Vec<Source> {
    let mut given = Vec::new();
    let mut add = |source| {
        if !given.contains(&source) {
            given.push(source);
        }
    };
    marked
        .iter()
        .filter_map(|path| by_name(path))
        .for_each(&mut add);
    let marked: Vec<Real> = marked
        .iter()
        .filter_map(|path| Real::of(&root.join(path)))
        .collect();
    for name in workspace::given_names() {
        let real = Real::of(&root.join(name));
        if real.is_some_and(|real| real.is_in(&marked)) {
            let path = name.to_owned();
            add(Source::Written { path });
        }
    }
    for folder in SKILLS {
        for skill in fs::read_dir(root.join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            if has_any(&skill.path(), &marked) {
                let name = skill.file_name().to_string_lossy().into_owned();
                add(Source::Skill { name });
            }
        }
    }
    given
}

/// Returns what a marked path is by its name alone.
fn by_name(path: &Path) -> Option<Source> {
    let skill = SKILLS
        .iter()
        .find_map(|folder| path.strip_prefix(folder).ok())
        .and_then(|inside| inside.components().next());
    if let Some(name) = skill {
        let name = name.as_os_str().to_string_lossy().into_owned();
        return Some(Source::Skill { name });
    }
    let given = path.as_os_str().is_empty() || workspace::is_given(path);
    given.then(|| Source::Written { path: shown(path) })
}

/// What stands behind a path.
#[derive(Clone, Debug)]
struct Real {
    path: PathBuf,
    identity: Identity,
    metadata: Metadata,
}

impl Real {
    fn of(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let metadata = path.metadata().ok()?;
        Some(Self {
            identity: identity(&metadata),
            path,
            metadata,
        })
    }

    /// Tells whether it is one of the marked ones, or lies in one.
    fn is_in(&self, marked: &[Self]) -> bool {
        marked.iter().any(|marked| {
            self.path.starts_with(&marked.path)
                || self.has_names() && self.identity == marked.identity
                // Which files lie in a marked folder is not looked up for what is so rare.
                || self.has_names() && marked.metadata.is_dir()
        })
    }

    /// Tells whether a file has more than one name.
    #[cfg(unix)]
    fn has_names(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        self.metadata.is_file() && self.metadata.nlink() > 1
    }

    #[cfg(not(unix))]
    fn has_names(&self) -> bool {
        false
    }
}

/// Tells whether anything marked stands behind a skill, however it is reached from there.
fn has_any(skill: &Path, marked: &[Real]) -> bool {
    let (mut seen, mut next) = (HashSet::new(), vec![skill.to_owned()]);
    while let Some(path) = next.pop() {
        let Some(real) = Real::of(&path) else {
            continue;
        };
        if real.is_in(marked) || seen.len() > MOST_ENTRIES {
            return true;
        }
        if !real.metadata.is_dir() || !seen.insert(real.path.clone()) {
            continue;
        }
        let entries = fs::read_dir(&real.path).into_iter().flatten().flatten();
        next.extend(entries.map(|entry| entry.path()));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Source {
        let path = path.to_owned();
        Source::Written { path }
    }

    fn skill(name: &str) -> Source {
        let name = name.to_owned();
        Source::Skill { name }
    }

    #[test]
    fn what_a_model_is_given_unasked_counts_from_the_start() {
        let marked = ["AGENTS.md", "notes.md", "skills/mail/SKILL.md"].map(Path::new);
        let dir = tempfile::tempdir().unwrap();
        let expected = [file("AGENTS.md"), skill("mail")];
        assert_eq!(given(dir.path(), &marked), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_marked_file_or_another_name_of_it_is_given_as_well() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in ["sk2/mail", "skills/own"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for path in [
            "docs.md",
            "more.md",
            "sk2/mail/SKILL.md",
            "skills/own/SKILL.md",
        ] {
            fs::write(at(path), "words").unwrap();
        }
        symlink("docs.md", at("AGENTS.md")).unwrap();
        symlink("../sk2/mail", at("skills/mail")).unwrap();
        fs::hard_link(at("more.md"), at("TOOLS.md")).unwrap();
        let of = |path: &str| given(dir.path(), &[Path::new(path)]);
        assert_eq!(of("docs.md"), [file("AGENTS.md")]);
        assert_eq!(of("more.md"), [file("TOOLS.md")]);
        assert_eq!(of("sk2/mail/SKILL.md"), [skill("mail")]);
        assert_eq!(of("sk2/other.md"), []);
    }
}
