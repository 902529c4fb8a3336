//! Finding the folders with a `SKILL.md` beneath a place, without reading one.
//!
//! Skills may be grouped in folders. What is looked at is bounded: a place in which somebody has
//! unpacked a disk image must not hold up a turn.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use super::Limits;
use super::collate;
use super::reach::{Place, Reach};
use super::roots::{Origin, SkillRoot};

/// The file that makes a folder a skill.
pub(super) const SKILL_FILE: &str = "SKILL.md";
/// How many folders deep skills may be grouped.
const MAX_DEPTH: usize = 6;
/// The same in a folder of the config, which may be any folder.
const MAX_DEPTH_EXTRA: usize = 2;
/// How many entries of one folder are looked at, at least and at most.
const ENTRIES: (usize, usize) = (1_000, 10_000);

/// What was found beneath one place.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The folders, in the order of their names.
    pub(super) folders: Vec<Candidate>,
    /// The place's own skill, which stands for all beneath it.
    pub(super) own: Option<Candidate>,
    /// What was passed over, and why.
    pub(super) skipped: Vec<(PathBuf, Skip)>,
}

/// A folder with a `SKILL.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The folder, as it was found.
    pub(super) folder: PathBuf,
    /// The folder without symlinks.
    pub(super) real: PathBuf,
    /// Whether it has to do with the workspace.
    pub(super) place: Place,
}

/// Why a folder was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// A link leads out of the place.
    #[error("it leads out of the folder that skills are looked for in")]
    Outside,
    /// A link leads nowhere, or the system refuses.
    #[error("it cannot be looked at")]
    Unreadable,
    /// There is too much.
    #[error("there are too many folders here, and not all were looked at")]
    TooMany,
}

/// Looks beneath one place.
pub(super) fn find(
    root: &SkillRoot,
    targets: &[PathBuf],
    workspace: Option<Reach<'_>>,
    limits: &Limits,
) -> Found {
    let mut found = Found::default();
    let Ok(root_real) = fs::canonicalize(&root.folder) else {
        return found;
    };
    let mut search = Search {
        origin: root.origin,
        targets,
        workspace,
        limits,
        budget: Budget::new(limits),
        skipped: Vec::new(),
    };
    if search.placed(&root.folder, &root_real).is_some() {
        search.root(&root.folder, &root_real, &mut found);
    }
    found.skipped.append(&mut search.skipped);
    if search.budget.exceeded {
        found.skipped.push((root.folder.clone(), Skip::TooMany));
    }
    found
}

/// How much may still be looked at.
#[derive(Debug)]
struct Budget {
    folders: usize,
    entries: usize,
    exceeded: bool,
}

impl Budget {
    fn new(limits: &Limits) -> Self {
        let folders = limits.max_candidates_per_root;
        Self {
            folders: folders.saturating_mul(MAX_DEPTH),
            entries: entries_of_one(limits).saturating_mul(folders.saturating_add(1)),
            exceeded: false,
        }
    }
}

fn entries_of_one(limits: &Limits) -> usize {
    let (least, most) = ENTRIES;
    limits
        .max_candidates_per_root
        .saturating_mul(10)
        .clamp(least, most)
}

/// Whether a search goes through symlinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    Followed,
    Passed,
}

#[derive(Debug)]
struct Search<'a> {
    origin: Origin,
    targets: &'a [PathBuf],
    workspace: Option<Reach<'a>>,
    limits: &'a Limits,
    budget: Budget,
    skipped: Vec<(PathBuf, Skip)>,
}

/// A folder on the way down.
#[derive(Debug)]
struct Step {
    folder: PathBuf,
    /// The names from the place down to it.
    name: String,
    depth: usize,
}

impl Search<'_> {
    fn root(&mut self, folder: &Path, real: &Path, found: &mut Found) {
        // The workshop holds skills, and is none.
        let is_container = self.origin == Origin::Workshop;
        let base = if is_container {
            folder.to_owned()
        } else {
            self.nested(folder)
        };
        let Some(base_real) = self.contained(&base, real) else {
            return;
        };
        if !is_container && has_skill_file(&base) {
            found.folders.extend(self.candidate(&base, base_real));
            return;
        }
        if base != folder && has_skill_file(folder) {
            found.own = self.candidate(folder, real.to_owned());
        }
        let mut steps: VecDeque<Step> = self.first_steps(&base).into();
        let mut named: Vec<(String, Candidate)> = Vec::new();
        while let Some(step) = steps.pop_front() {
            let Some(step_real) = self.contained(&step.folder, &base_real) else {
                continue;
            };
            if has_skill_file(&step.folder) {
                let candidate = self.candidate(&step.folder, step_real);
                named.extend(candidate.map(|candidate| (step.name, candidate)));
                continue;
            }
            if step.depth < self.max_depth(folder, &base, &step.folder) {
                steps.extend(self.steps_below(&step));
            }
        }
        named.sort_by(|(a, _), (b, _)| collate::compare(a, b));
        found.folders = named.into_iter().map(|(_, candidate)| candidate).collect();
    }

    fn first_steps(&mut self, base: &Path) -> Vec<Step> {
        if self.limits.max_skills_per_source == 0 {
            return Vec::new();
        }
        let most = self.limits.max_candidates_per_root;
        let names = self.children(base, Links::Followed);
        self.budget.exceeded |= names.len() > most;
        let grouped = |name: &str| name == "skills";
        let (kept, left) = names.split_at(names.len().min(most));
        let skills = left.iter().find(|name| grouped(name));
        kept.iter()
            .chain(skills)
            .map(|name| {
                let folder = base.join(name);
                let is_group = grouped(name) && !has_skill_file(&folder);
                Step {
                    folder,
                    name: name.clone(),
                    depth: usize::from(!is_group),
                }
            })
            .collect()
    }

    fn steps_below(&mut self, step: &Step) -> Vec<Step> {
        let most = self.limits.max_candidates_per_root;
        let names = self.children(&step.folder, Links::Followed);
        self.budget.exceeded |= names.len() > most;
        names
            .into_iter()
            .take(most)
            .map(|name| Step {
                folder: step.folder.join(&name),
                name: format!("{}/{name}", step.name),
                depth: step.depth.saturating_add(1),
            })
            .collect()
    }

    /// A folder of the config that does not look like a place for skills is not searched far.
    fn max_depth(&self, root: &Path, base: &Path, folder: &Path) -> usize {
        let inside = base.join("skills");
        let is_for_skills = base == root.join("skills")
            || base.file_name().is_some_and(|name| name == "skills")
            || folder.starts_with(inside);
        if self.origin == Origin::Extra && !is_for_skills {
            MAX_DEPTH_EXTRA
        } else {
            MAX_DEPTH
        }
    }

    /// Returns the folder `skills` inside of a place, if the place's skills are there only.
    fn nested(&self, folder: &Path) -> PathBuf {
        let nested = folder.join("skills");
        if !nested.is_dir() {
            return folder.to_owned();
        }
        let elsewhere = !has_skill_file(folder) && self.has_skills_beside(folder);
        if !elsewhere && self.has_skill(&nested) {
            nested
        } else {
            folder.to_owned()
        }
    }

    /// Tells whether a place has skills, or links that may lead to some, outside of its `skills`.
    fn has_skills_beside(&self, folder: &Path) -> bool {
        let mut look = self.looking();
        let mut queue = VecDeque::from([(folder.to_owned(), 0)]);
        while let Some((at, depth)) = queue.pop_front() {
            if depth > 0 && has_skill_file(&at) {
                return true;
            }
            if depth >= MAX_DEPTH {
                continue;
            }
            let skip = |name: &str| depth == 0 && name == "skills";
            if has_link(&at, entries_of_one(self.limits), skip) {
                return true;
            }
            let names = look.children(&at, Links::Passed);
            let names = names.into_iter().filter(|name| !skip(name));
            queue.extend(names.map(|name| (at.join(name), depth + 1)));
        }
        false
    }

    fn has_skill(&self, folder: &Path) -> bool {
        let mut look = self.looking();
        let mut queue = VecDeque::from([(folder.to_owned(), 0)]);
        while let Some((at, depth)) = queue.pop_front() {
            if has_skill_file(&at) {
                return true;
            }
            if depth < MAX_DEPTH {
                let names = look.children(&at, Links::Passed);
                queue.extend(names.into_iter().map(|name| (at.join(name), depth + 1)));
            }
        }
        false
    }

    /// Returns a search with a budget of its own.
    fn looking(&self) -> Self {
        Self {
            origin: self.origin,
            targets: self.targets,
            workspace: self.workspace,
            limits: self.limits,
            budget: Budget::new(self.limits),
            skipped: Vec::new(),
        }
    }

    /// Returns the names of the folders in a folder, sorted.
    fn children(&mut self, folder: &Path, links: Links) -> Vec<String> {
        if self.budget.folders == 0 || self.budget.entries == 0 {
            self.budget.exceeded = true;
            return Vec::new();
        }
        self.budget.folders -= 1;
        let Ok(entries) = fs::read_dir(folder) else {
            self.skipped.push((folder.to_owned(), Skip::Unreadable));
            return Vec::new();
        };
        let most = entries_of_one(self.limits).min(self.budget.entries);
        let mut names = Vec::new();
        for (index, entry) in entries.enumerate() {
            if index >= most {
                self.budget.exceeded = true;
                break;
            }
            self.budget.entries = self.budget.entries.saturating_sub(1);
            let Some((name, kind)) = entry.ok().and_then(|entry| {
                let name = entry.file_name().into_string().ok()?;
                Some((name, entry.file_type().ok()?))
            }) else {
                continue;
            };
            if is_passed_over(&name) {
                continue;
            }
            let linked = kind.is_symlink() && links == Links::Followed;
            if kind.is_dir() || (linked && folder.join(&name).is_dir()) {
                names.push(name);
            }
        }
        names.sort_unstable();
        names
    }

    /// Returns a folder without symlinks, if it may be looked at.
    fn contained(&mut self, folder: &Path, root: &Path) -> Option<PathBuf> {
        let Ok(real) = fs::canonicalize(folder) else {
            self.skipped.push((folder.to_owned(), Skip::Unreadable));
            return None;
        };
        if self.origin.may_link_out() || real.starts_with(root) || self.is_target(&real) {
            return self.placed(folder, &real).map(|_| real);
        }
        self.skipped.push((folder.to_owned(), Skip::Outside));
        None
    }

    fn is_target(&self, real: &Path) -> bool {
        self.origin.may_link_to_targets()
            && self.targets.iter().any(|target| real.starts_with(target))
    }

    /// Tells where a folder is; one that a link in the workspace leads to is passed over, unless
    /// the owner has named it.
    fn placed(&mut self, folder: &Path, real: &Path) -> Option<Place> {
        let Some(workspace) = self.workspace else {
            return Some(Place::Beside);
        };
        if workspace.holds(real) {
            return Some(Place::Workspace);
        }
        if !workspace.is_on_the_way(folder) {
            return Some(Place::Beside);
        }
        if self.is_target(real) {
            return Some(Place::LinkedOut);
        }
        self.skipped.push((folder.to_owned(), Skip::Outside));
        None
    }

    /// Returns a folder as a skill, if its file is inside of it.
    fn candidate(&mut self, folder: &Path, real: PathBuf) -> Option<Candidate> {
        let file = folder.join(SKILL_FILE);
        match fs::canonicalize(&file) {
            Ok(at) if !at.starts_with(&real) => {
                self.skipped.push((file, Skip::Outside));
                None
            }
            // Whether the file can be read is said when it is read.
            _ => Some(Candidate {
                folder: folder.to_owned(),
                place: self.placed(folder, &real)?,
                real,
            }),
        }
    }
}

fn has_skill_file(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(SKILL_FILE)).is_ok()
}

fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || name == "node_modules"
}

fn has_link(folder: &Path, most: usize, skip: impl Fn(&str) -> bool) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.take(most).flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        !is_passed_over(&name)
            && !skip(&name)
            && entry.file_type().is_ok_and(|kind| kind.is_symlink())
    })
}
