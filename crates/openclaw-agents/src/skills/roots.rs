//! Where skills are looked for, and which place wins when two have a skill of the same name.

use std::path::{Path, PathBuf};

/// A place that skills come from; a later one wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A folder of `skills.load.extraDirs`.
    Extra,
    /// A plugin of TypeScript OpenClaw, which links its skills into the state directory.
    Plugin,
    /// Part of the installation.
    Bundled,
    /// Written by the agent itself, in its folder of the state directory.
    Workshop,
    /// The state directory, for all agents.
    Managed,
    /// The user's own, for programs of all makes.
    Personal,
    /// The workspace, for programs of all makes.
    Project,
    /// The workspace.
    Workspace,
}

impl Origin {
    /// Returns the name that OpenClaw prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extra | Self::Plugin => "openclaw-extra",
            Self::Bundled => "openclaw-bundled",
            Self::Workshop => "openclaw-workshop",
            Self::Managed => "openclaw-managed",
            Self::Personal => "agents-skills-personal",
            Self::Project => "agents-skills-project",
            Self::Workspace => "openclaw-workspace",
        }
    }

    /// Tells whether the skill is part of the installation.
    pub const fn is_bundled(self) -> bool {
        matches!(self, Self::Bundled)
    }

    /// Tells whether links may lead out of the place: only who may write to the state directory
    /// or the home directory can make one there.
    pub(super) const fn may_link_out(self) -> bool {
        matches!(self, Self::Managed | Self::Personal | Self::Plugin)
    }

    /// Tells whether links may lead to the folders of `skills.load.allowSymlinkTargets`.
    pub(super) const fn may_link_to_targets(self) -> bool {
        matches!(self, Self::Workspace | Self::Project | Self::Extra)
    }

    /// Tells whether a skill is known by its place without symlinks.
    pub(super) const fn is_resolved(self) -> bool {
        matches!(self, Self::Managed | Self::Personal)
    }

    /// Tells whether a file with further names (hard links) is taken.
    pub(super) const fn may_be_hard_linked(self) -> bool {
        matches!(self, Self::Bundled)
    }
}

/// A folder that skills are looked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillRoot {
    /// The folder.
    pub folder: PathBuf,
    /// What kind of place it is.
    pub origin: Origin,
}

/// The folders that the places of a home lie in.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The agent's workspace.
    pub workspace: &'a Path,
    /// The state directory.
    pub state: &'a Path,
    /// The agent's folder in the state directory (`agents/<id>/agent`).
    pub agent_folder: &'a Path,
    /// The home directory, if the state directory is the default one below it.
    ///
    /// With another state directory, the skills of the home directory belong to somebody else.
    pub home: Option<&'a Path>,
    /// The skills that came with the installation.
    pub bundled: Option<&'a Path>,
    /// `skills.load.extraDirs`.
    pub extra: &'a [PathBuf],
}

/// Returns where an agent's own skills are in its folder of the state directory.
pub fn workshop(agent_folder: &Path) -> PathBuf {
    agent_folder.join("workshop-skills")
}

impl Places<'_> {
    /// Returns where to look, in the order of precedence, the lowest first.
    pub fn roots(&self) -> Vec<SkillRoot> {
        let mut roots = Vec::new();
        let mut add = |folder: PathBuf, origin| roots.push(SkillRoot { folder, origin });
        for folder in self.extra {
            add(folder.clone(), Origin::Extra);
        }
        add(self.state.join("plugin-skills"), Origin::Plugin);
        if let Some(folder) = self.bundled {
            add(folder.to_owned(), Origin::Bundled);
        }
        add(workshop(self.agent_folder), Origin::Workshop);
        add(self.state.join("skills"), Origin::Managed);
        if let Some(home) = self.home {
            add(home.join(".agents").join("skills"), Origin::Personal);
        }
        add(
            self.workspace.join(".agents").join("skills"),
            Origin::Project,
        );
        add(self.workspace.join("skills"), Origin::Workspace);
        roots
    }
}
