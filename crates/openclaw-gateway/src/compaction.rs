//! From the config to how the sessions of agents are summed up.

use std::sync::Arc;

use openclaw_agents::compaction::CompactionRules;
use openclaw_config::AgentSettings;
use openclaw_core::events::AuditEntry;
use openclaw_providers::Health;

use crate::home::Home;
use crate::models::Models;

/// Returns the rules of an agent, and what the audit stream is to say about the keys that were read
/// for the model that writes summaries.
///
/// Where that model cannot be asked, the agent's own writes them.
pub(crate) fn rules(
    home: &Home,
    models: &Models<'_>,
    agent: &AgentSettings,
    health: &Arc<Health>,
) -> (CompactionRules, Vec<AuditEntry>) {
    let settings = &home.config.compaction;
    let usual = CompactionRules::default();
    let mut rules = CompactionRules {
        ahead: settings.enabled.unwrap_or(usual.ahead),
        keep_recent: settings.keep_recent.unwrap_or(usual.keep_recent),
        keep_turns: settings
            .keep_turns
            .and_then(|turns| usize::try_from(turns).ok())
            .unwrap_or(usual.keep_turns),
        route: None,
        timeout: settings.timeout.unwrap_or(usual.timeout),
    };
    let Some(model) = &settings.model else {
        return (rules, Vec::new());
    };
    match models.route_to(agent, model, health) {
        Ok((route, read)) => {
            rules.route = Some(Arc::new(route));
            (rules, read)
        }
        Err(err) => {
            tracing::warn!(agent = %agent.id, %model, %err, "the model of agents.defaults.compaction.model cannot be asked; the agent's own writes summaries");
            (rules, Vec::new())
        }
    }
}
