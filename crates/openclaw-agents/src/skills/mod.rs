//! Skills: folders with a `SKILL.md` that tell the model how to do one kind of task.
//!
//! The model is told of each skill by name, description and place, and reads the body with `read`
//! when it needs it. Reading order: [`roots`] is where skills are looked for, `discovery` finds
//! the folders, [`front_matter`] and [`manifest`] read what a skill says about itself, [`skill`]
//! is the result, [`policy`] judges it, `catalog` is what the model sees. To add a place, add an
//! [`Origin`] and its line in [`Places::roots`].
//!
//! Nothing of a skill is run from here, and no secret of `skills.entries` gets here.

mod catalog;
mod collate;
mod discovery;
pub mod front_matter;
mod install;
pub mod manifest;
pub mod policy;
mod reach;
pub mod roots;
pub mod skill;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use openclaw_sandbox::Sandbox;
use parking_lot::Mutex;

pub use catalog::CatalogLimits;
pub use discovery::Skip;
pub use install::{InstallOption, InstallPreferences, InstallSource, InstallSpec};
pub use policy::{Barrier, ConfigCheck, EntryPolicy, Needs, Policy, Verdict};
pub use roots::{Origin, Places, SkillRoot, workshop};
pub use skill::{BrokenSkill, Skill, SkillProblem};

pub(crate) use catalog::{end, length, start};

use self::discovery::Candidate;
use self::reach::Reach;
use self::skill::SkillFile;
use crate::confined::Stamp;

/// How much is looked at (`skills.limits`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most folders of one place that may be skills (`maxCandidatesPerRoot`).
    pub max_candidates_per_root: usize,
    /// The most skills of one place (`maxSkillsLoadedPerSource`).
    pub max_skills_per_source: usize,
    /// The most bytes of a `SKILL.md` (`maxSkillFileBytes`).
    pub max_file_bytes: u64,
    /// What the list in the prompt may take.
    pub catalog: CatalogLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_candidates_per_root: 300,
            max_skills_per_source: 200,
            max_file_bytes: 256_000,
            catalog: CatalogLimits::default(),
        }
    }
}

/// Where an agent's skills come from, and what decides about them.
#[derive(Clone, Debug, Default)]
pub struct SkillSources {
    /// The places, in the order of precedence, the lowest first; see [`Places::roots`].
    pub roots: Vec<SkillRoot>,
    /// The agent's workspace, if it has one: what lies there is readable as it is, and no link in it
    /// is trusted.
    pub workspace: Option<PathBuf>,
    /// The folders that links in the workspace may lead to (`skills.load.allowSymlinkTargets`).
    pub link_targets: Vec<PathBuf>,
    /// How much is looked at.
    pub limits: Limits,
    /// What decides about each skill.
    pub policy: Policy,
}

/// A skill and what the policy says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedSkill {
    /// The skill.
    pub skill: Arc<Skill>,
    /// What the policy says.
    pub verdict: Verdict,
}

impl JudgedSkill {
    /// Tells whether the model is told of it.
    pub fn is_model_visible(&self) -> bool {
        self.verdict.is_offered() && self.skill.model_invocable
    }

    /// Tells whether people can ask for it by name.
    pub fn is_command_visible(&self) -> bool {
        self.verdict.is_offered() && self.skill.user_invocable
    }
}

/// All skills that were found, at one moment.
#[derive(Clone, Debug, Default)]
pub struct SkillSet {
    /// The skills by name; of several with one name, the one that wins.
    pub skills: Vec<JudgedSkill>,
    /// What should be a skill and cannot be used.
    pub broken: Vec<BrokenSkill>,
    /// The list for the system prompt; empty without skills.
    pub(crate) catalog: String,
}

impl SkillSet {
    /// Returns the list for the system prompt; empty without skills.
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    /// Returns the folders outside of the workspace that the agent may read because of its skills,
    /// as far as this sandbox would show them to a command. Blocks on the file system.
    ///
    /// They were free of symlinks when they were found. One that is not any more has been moved,
    /// and what is there now was never looked at.
    pub fn readable(&self, sandbox: &Sandbox) -> Vec<PathBuf> {
        let offered = self
            .skills
            .iter()
            .filter(|judged| judged.verdict.is_offered());
        let folders = offered.filter_map(|judged| judged.skill.beside.as_ref());
        folders
            .filter(|folder| match sandbox.judge_readable(folder) {
                Ok(found) => found == **folder,
                Err(err) => {
                    tracing::debug!(%err, "a skill's folder is not readable");
                    false
                }
            })
            .cloned()
            .collect()
    }
}

/// The skills of one agent, looked up anew whenever somebody asks.
///
/// Files that have not changed are not read again.
#[derive(Clone, Debug, Default)]
pub struct Skills(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    sources: SkillSources,
    cache: Mutex<Cache>,
}

type Read = Result<Arc<Skill>, SkillProblem>;

/// What a file was when it was read: its content, and where it really is.
type Seen = (Stamp, Candidate);

#[derive(Debug, Default)]
struct Cache {
    files: HashMap<PathBuf, (Seen, Read)>,
    latest: Option<Arc<SkillSet>>,
    reported: Vec<BrokenSkill>,
}

impl Skills {
    /// Makes the skills of an agent.
    pub fn new(sources: SkillSources) -> Self {
        Self(Some(Arc::new(Inner {
            sources,
            cache: Mutex::default(),
        })))
    }

    /// Looks all places through. Blocks on the file system.
    pub fn load(&self) -> Arc<SkillSet> {
        self.0
            .as_ref()
            .map(|inner| inner.load())
            .unwrap_or_default()
    }

    /// Returns what was found last, or looks now. Blocks on the file system.
    pub fn latest(&self) -> Arc<SkillSet> {
        let latest = self
            .0
            .as_ref()
            .and_then(|inner| inner.cache.lock().latest.clone());
        latest.unwrap_or_else(|| self.load())
    }

    /// Writes to the log what cannot be used, each once and not in every turn.
    pub(crate) fn report(&self, set: &SkillSet) {
        let Some(inner) = &self.0 else { return };
        let mut cache = inner.cache.lock();
        for problem in &set.broken {
            if !cache.reported.contains(problem) {
                tracing::warn!(%problem, "a skill cannot be used");
            }
        }
        cache.reported.clone_from(&set.broken);
    }
}

impl Inner {
    fn load(&self) -> Arc<SkillSet> {
        let mut cache = self.cache.lock();
        let mut before = std::mem::take(&mut cache.files);
        let named = self.sources.workspace.as_deref();
        let real = named.and_then(|named| fs::canonicalize(named).ok());
        let mut scan = Scan {
            sources: &self.sources,
            workspace: named.map(|named| Reach::new(named, real.as_deref())),
            before: &mut before,
            now: HashMap::new(),
            by_name: BTreeMap::new(),
            broken: Vec::new(),
        };
        for root in &self.sources.roots {
            scan.root(root);
        }
        let Scan {
            now,
            by_name,
            broken,
            ..
        } = scan;
        let policy = &self.sources.policy;
        let mut skills: Vec<JudgedSkill> = by_name
            .into_values()
            .map(|skill| JudgedSkill {
                verdict: policy.judge(&skill),
                skill,
            })
            .collect();
        skills.sort_by(|a, b| collate::compare(&a.skill.name, &b.skill.name));
        let shown: Vec<&Skill> = skills
            .iter()
            .filter(|judged| judged.is_model_visible())
            .map(|judged| &*judged.skill)
            .collect();
        let catalog = catalog::block(&shown, &self.sources.limits.catalog);
        cache.files = now;
        let set = Arc::new(SkillSet {
            skills,
            broken,
            catalog,
        });
        cache.latest = Some(Arc::clone(&set));
        set
    }
}

struct Scan<'a> {
    sources: &'a SkillSources,
    workspace: Option<Reach<'a>>,
    before: &'a mut HashMap<PathBuf, (Seen, Read)>,
    now: HashMap<PathBuf, (Seen, Read)>,
    by_name: BTreeMap<String, Arc<Skill>>,
    broken: Vec<BrokenSkill>,
}

impl Scan<'_> {
    fn root(&mut self, root: &SkillRoot) {
        let SkillSources {
            link_targets,
            limits,
            ..
        } = self.sources;
        let found = discovery::find(root, link_targets, self.workspace, limits);
        for (path, skip) in found.skipped {
            self.broken
                .push(BrokenSkill::new(path, SkillProblem::Skipped(skip)));
        }
        let own = found.own.and_then(|own| self.read(&own, root.origin));
        let skills = own.map_or_else(|| self.several(root, &found.folders), |own| vec![own]);
        for skill in skills {
            self.by_name.insert(skill.name.clone(), skill);
        }
    }

    fn several(&mut self, root: &SkillRoot, folders: &[Candidate]) -> Vec<Arc<Skill>> {
        let mut skills = Vec::new();
        for candidate in folders {
            if skills.len() >= self.sources.limits.max_skills_per_source {
                let skip = SkillProblem::Skipped(Skip::TooMany);
                self.broken
                    .push(BrokenSkill::new(root.folder.clone(), skip));
                break;
            }
            skills.extend(self.read(candidate, root.origin));
        }
        skills
    }

    fn read(&mut self, candidate: &Candidate, origin: Origin) -> Option<Arc<Skill>> {
        let path = candidate.folder.join(discovery::SKILL_FILE);
        let read = match SkillFile::open(candidate, origin) {
            Ok(file) => {
                let seen = (file.stamp(), candidate.clone());
                let known = self
                    .before
                    .remove(&path)
                    .filter(|(known, _)| *known == seen);
                let max_bytes = self.sources.limits.max_file_bytes;
                let (_, read) = known.unwrap_or_else(|| {
                    let read = file.read(candidate, origin, max_bytes).map(Arc::new);
                    (seen.clone(), read)
                });
                self.now.insert(path.clone(), (seen, read.clone()));
                read
            }
            Err(problem) => Err(problem),
        };
        read.map_err(|problem| self.broken.push(BrokenSkill::new(path, problem)))
            .ok()
    }
}

#[cfg(test)]
mod tests;
