//! The provider of web searches.

use serde_json::Value;

use super::facts::names::{INSTALLABLE_WEB_SEARCHES, WEB_SEARCHES};
use super::ids;
use super::plugins::Plugins;
use super::{Verdict, walk};
use crate::problem::Problem;

/// Judges which web search is chosen.
pub(super) fn judge(config: &Value, plugins: &Plugins<'_>, verdict: &mut Verdict) {
    let Some(name) = walk::text(config, &["tools", "web", "search", "provider"]) else {
        return;
    };
    let path = walk::path("tools.web.search.provider");
    let name = name.trim();
    if name.is_empty() {
        let message = "web_search provider must not be empty";
        verdict.problems.push(Problem::new(path, message));
        return;
    }
    if WEB_SEARCHES.iter().any(|(id, _)| *id == name) || plugins.bring_search(name) {
        return;
    }
    if let Some(warning) = plugins.unavailable(&path) {
        verdict.warnings.push(warning);
        return;
    }
    let mut allowed: Vec<String> = WEB_SEARCHES
        .iter()
        .chain(&INSTALLABLE_WEB_SEARCHES)
        .map(|(id, _)| (*id).to_owned())
        .collect();
    allowed.sort();
    let owner = INSTALLABLE_WEB_SEARCHES.iter().find(|(id, _)| *id == name);
    let (message, tolerated) = match owner {
        Some((_, plugin)) => (
            format!(
                "web_search provider is not available: {name} (install the plugin \"{plugin}\")"
            ),
            plugins.mentions(&[&ids::plugin(name), plugin]),
        ),
        None => (
            format!("unknown web_search provider: {name}"),
            !plugins.is_known(&ids::plugin(name)) && plugins.mentions(&[&ids::plugin(name)]),
        ),
    };
    let mut problem = Problem::new(path, message);
    problem.allowed = allowed;
    if tolerated {
        problem
            .message
            .push_str("; it is not used until its plugin is installed");
        verdict.warnings.push(problem);
    } else {
        verdict.problems.push(problem);
    }
}
