//! One skill: a folder with a `SKILL.md`.

use std::path::{Path, PathBuf};

use super::discovery::{Candidate, SKILL_FILE, Skip};
use super::front_matter::{FrontMatter, FrontMatterError};
use super::manifest::Manifest;
use super::reach::Place;
use super::roots::Origin;
use crate::confined::{Confined, ConfinedError, Opened, Stamp};

/// The file in which OpenClaw notes where a skill was installed from.
const SOURCE_NOTE: &str = ".openclaw/source-origin.json";
/// The most bytes of that file.
const MAX_SOURCE_NOTE: u64 = 16 * 1024;

/// A skill, whether it can be used here or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// What it is for, in the words of its author.
    pub description: String,
    /// The place that it comes from.
    pub origin: Origin,
    /// Its `SKILL.md`.
    pub file: PathBuf,
    /// Its folder: what `{baseDir}` stands for in its text.
    pub folder: PathBuf,
    /// Its folder without symlinks, where that is no part of the workspace: what may be read
    /// there beside the workspace.
    pub beside: Option<PathBuf>,
    /// Whether people can ask for it by name (`user-invocable`).
    pub user_invocable: bool,
    /// Whether the model is told of it (not `disable-model-invocation`).
    pub model_invocable: bool,
    /// The tool that a command of the skill's name goes to directly, with its text as it is.
    pub command_tool: Option<String>,
    /// A page about it.
    pub homepage: Option<String>,
    /// A picture for lists.
    pub emoji: Option<String>,
    /// What it needs.
    pub manifest: Manifest,
}

/// A file that should be a skill and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenSkill {
    /// The file or folder.
    pub path: PathBuf,
    /// Line and column of what is wrong, from 1, where it has a place.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub problem: SkillProblem,
}

/// What is wrong with a skill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkillProblem {
    /// Its front matter cannot be read.
    #[error(transparent)]
    FrontMatter(FrontMatterError),
    /// It says nothing about what it is for.
    #[error("the front matter has no `description`")]
    NoDescription,
    /// Its file has further names, which may belong to something else.
    #[error("the file has further names (hard links)")]
    HardLinked,
    /// Its file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// Its folder was passed over.
    #[error(transparent)]
    Skipped(Skip),
}

impl std::fmt::Display for BrokenSkill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl BrokenSkill {
    pub(super) fn new(path: PathBuf, problem: SkillProblem) -> Self {
        let place = match &problem {
            SkillProblem::FrontMatter(err) => Some((err.line, err.column)),
            SkillProblem::NoDescription => Some((1, 1)),
            SkillProblem::HardLinked | SkillProblem::Unreadable(_) | SkillProblem::Skipped(_) => {
                None
            }
        };
        Self {
            path,
            place,
            problem,
        }
    }
}

/// A skill's file, before it is read.
#[derive(Debug)]
pub(super) struct SkillFile {
    folder: Confined,
    opened: Opened,
}

impl SkillFile {
    /// Opens the file of a folder that was found.
    pub(super) fn open(candidate: &Candidate, origin: Origin) -> Result<Self, SkillProblem> {
        let folder = Confined::open(&candidate.real).map_err(|err| unreadable(&err))?;
        let opened = folder
            .file(Path::new(SKILL_FILE))
            .map_err(|err| unreadable(&err))?;
        if opened.links > 1 && !origin.may_be_hard_linked() {
            return Err(SkillProblem::HardLinked);
        }
        Ok(Self { folder, opened })
    }

    /// Returns what the file's content is known by.
    pub(super) const fn stamp(&self) -> Stamp {
        self.opened.stamp
    }

    /// Reads the skill.
    pub(super) fn read(
        self,
        candidate: &Candidate,
        origin: Origin,
        max_bytes: u64,
    ) -> Result<Skill, SkillProblem> {
        let text = self
            .opened
            .text(max_bytes)
            .map_err(|err| unreadable(&err))?;
        let front = FrontMatter::parse(&text).map_err(SkillProblem::FrontMatter)?;
        let mut manifest = Manifest::of(&front);
        if manifest.skill_key.is_none() {
            manifest.skill_key = installed_as(&self.folder);
        }
        // A link in the workspace may lead elsewhere tomorrow, so the model is not sent there.
        let linked_out = candidate.place == Place::LinkedOut;
        let folder = if origin.is_resolved() || linked_out {
            candidate.real.clone()
        } else {
            std::path::absolute(&candidate.folder).unwrap_or_else(|_| candidate.real.clone())
        };
        let beside = (candidate.place != Place::Workspace).then(|| candidate.real.clone());
        let skill = skill(&front, manifest, folder, origin)?;
        Ok(Skill { beside, ..skill })
    }
}

fn skill(
    front: &FrontMatter,
    manifest: Manifest,
    folder: PathBuf,
    origin: Origin,
) -> Result<Skill, SkillProblem> {
    let text = |key: &str| {
        let text = front.get(key)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let own_name = || {
        folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .trim()
            .to_owned()
    };
    let name = text("name").unwrap_or_else(own_name);
    let description = text("description").ok_or(SkillProblem::NoDescription)?;
    let dispatches = text("command-dispatch").is_some_and(|to| to.eq_ignore_ascii_case("tool"));
    let homepage = match &manifest.homepage {
        Some(homepage) => Some(homepage.clone()),
        None => ["homepage", "website", "url"]
            .into_iter()
            .find_map(|key| front.get(key))
            .map(str::to_owned),
    };
    Ok(Skill {
        file: folder.join(SKILL_FILE),
        user_invocable: front.flag("user-invocable").unwrap_or(true),
        model_invocable: !front.flag("disable-model-invocation").unwrap_or(false),
        command_tool: text("command-tool").filter(|_| dispatches),
        homepage: homepage
            .map(|page| page.trim().to_owned())
            .filter(|page| !page.is_empty()),
        emoji: manifest
            .emoji
            .clone()
            .or_else(|| text("emoji"))
            .filter(|emoji| !emoji.is_empty()),
        name,
        description,
        origin,
        folder,
        beside: None,
        manifest,
    })
}

/// Returns the name under which a skill was installed, if OpenClaw noted one.
fn installed_as(folder: &Confined) -> Option<String> {
    let note = folder.file(Path::new(SOURCE_NOTE)).ok()?;
    let note: serde_json::Value = serde_json::from_str(&note.text(MAX_SOURCE_NOTE).ok()?).ok()?;
    let slug = note.get("slug")?.as_str()?.trim();
    (!slug.is_empty()).then(|| slug.to_owned())
}

fn unreadable(err: &ConfinedError) -> SkillProblem {
    SkillProblem::Unreadable(err.to_string())
}

impl Skill {
    /// Returns its key in `skills.entries`.
    pub fn key(&self) -> &str {
        self.manifest.skill_key.as_deref().unwrap_or(&self.name)
    }
}
