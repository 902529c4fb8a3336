//! From a home to what its agents know: their skills, and the files of their workspaces.

mod report;

use std::path::PathBuf;

use openclaw_agents::skills::{
    self, CatalogLimits, EntryPolicy, InstallPreferences, Limits, Places, Policy, SkillSources,
};
use openclaw_agents::workspace::{self, ContextFiles, ContextLimits, Seeding};
use openclaw_agents::{SkillSet, Skills};
use openclaw_config::{AgentSettings, SkillSettings};
use openclaw_core::AgentId;
use openclaw_core::env::{HOME, OPENCLAW_BUNDLED_SKILLS_DIR};

pub(crate) use openclaw_agents::skills::workshop;

use crate::error::GatewayError;
use crate::home::Home;

/// Where an installation has its bundled skills, from the folder of the program.
const BESIDE_PROGRAM: &str = "../share/openclaw/skills";

/// The skills of one agent, and where they come from.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// The agent.
    pub agent: AgentId,
    /// Its workspace.
    pub workspace: PathBuf,
    /// The folder of skills for all agents.
    pub managed: PathBuf,
    /// The skills that the agent may have; all, if there is no list.
    pub allowlist: Option<Vec<String>>,
    /// What was found.
    pub set: SkillSet,
}

impl Inventory {
    /// Looks through the skills of an agent; nothing, if there is no such agent.
    ///
    /// Nothing is made on disk. Blocks on the file system.
    pub fn of(home: &Home, agent: &AgentId) -> Option<Self> {
        let settings = home.config.agent(agent)?;
        let set = skills(home, settings).load();
        Some(Self {
            agent: agent.clone(),
            workspace: settings.workspace.clone(),
            managed: home.state.root().join("skills"),
            allowlist: home.config.skills.agent(agent).allowlist.clone(),
            set: (*set).clone(),
        })
    }
}

/// Returns the skills of an agent.
pub(crate) fn skills(home: &Home, agent: &AgentSettings) -> Skills {
    let settings = &home.config.skills;
    let state = home.state.root();
    let bundled = bundled(home);
    let user = home.env.get_os(HOME.name).map(PathBuf::from);
    let places = Places {
        workspace: &agent.workspace,
        state,
        agent_folder: &agent.agent_dir,
        home: user
            .as_deref()
            .filter(|user| state == user.join(".openclaw")),
        bundled: bundled.as_deref(),
        extra: &settings.extra_folders,
    };
    let targets = settings.link_targets.iter();
    Skills::new(SkillSources {
        roots: places.roots(),
        workspace: Some(agent.workspace.clone()),
        link_targets: targets
            .filter_map(|target| target.canonicalize().ok())
            .collect(),
        limits: limits(settings, &agent.id),
        policy: policy(home, settings, &agent.id),
    })
}

/// Returns the files that an agent is given with every turn.
pub(crate) fn context(home: &Home, agent: &AgentId) -> ContextFiles {
    let settings = home.config.skills.agent(agent);
    if settings.no_context {
        return ContextFiles::default();
    }
    let usual = ContextLimits::default();
    ContextFiles::new(ContextLimits {
        max_chars: settings.max_file_chars.unwrap_or(usual.max_chars),
        total_max_chars: settings.max_total_chars.unwrap_or(usual.total_max_chars),
    })
}

/// Gives a new workspace its first files.
pub(crate) fn seed(home: &Home, agent: &AgentSettings) -> Result<(), GatewayError> {
    let settings = home.config.skills.agent(&agent.id);
    let seeding = if settings.skip_seed {
        Seeding::Off
    } else {
        Seeding::AllBut(settings.skip_seed_files.clone())
    };
    let made =
        workspace::seed(&agent.workspace, &seeding).map_err(|err| GatewayError::Workspace {
            path: err.path,
            source: err.source,
        })?;
    if !made.is_empty() {
        tracing::info!(workspace = %agent.workspace.display(), files = made.len(), "a new workspace has its first files");
    }
    Ok(())
}

fn limits(settings: &SkillSettings, agent: &AgentId) -> Limits {
    let (given, usual) = (&settings.limits, Limits::default());
    let own_chars = settings.agent(agent).max_prompt_chars;
    Limits {
        max_candidates_per_root: given
            .max_candidates_per_root
            .unwrap_or(usual.max_candidates_per_root),
        max_skills_per_source: given
            .max_skills_per_source
            .unwrap_or(usual.max_skills_per_source),
        max_file_bytes: given.max_file_bytes.unwrap_or(usual.max_file_bytes),
        catalog: CatalogLimits {
            max_skills: given
                .max_skills_in_prompt
                .unwrap_or(usual.catalog.max_skills),
            max_chars: own_chars
                .or(given.max_prompt_chars)
                .unwrap_or(usual.catalog.max_chars),
        },
    }
}

fn policy(home: &Home, settings: &SkillSettings, agent: &AgentId) -> Policy {
    let entries = settings.entries.iter().map(|(key, entry)| {
        let entry = EntryPolicy {
            disabled: entry.disabled,
            env: entry.env.clone(),
            has_api_key: entry.has_api_key,
        };
        (key.clone(), entry)
    });
    let document = settings.clone();
    Policy {
        entries: entries.collect(),
        allow_bundled: settings.allow_bundled.clone(),
        allowlist: settings.agent(agent).allowlist.clone(),
        install: InstallPreferences {
            prefer_brew: settings.prefer_brew,
            node_manager: settings.node_manager.clone(),
        },
        env: home.env.clone(),
        is_set: std::sync::Arc::new(move |path| document.is_set(path)),
        platform: skills::policy::this_platform(),
    }
}

/// Returns the folder of bundled skills, if the installation has one.
fn bundled(home: &Home) -> Option<PathBuf> {
    if let Some(folder) = home.env.get_os(OPENCLAW_BUNDLED_SKILLS_DIR.name) {
        return Some(PathBuf::from(folder));
    }
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?.join(BESIDE_PROGRAM);
    folder.is_dir().then_some(folder)
}
