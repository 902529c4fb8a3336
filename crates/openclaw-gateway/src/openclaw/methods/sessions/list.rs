//! `sessions.list`.

use jiff::ToSpan as _;
use openclaw_core::Clock;
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::glance::{Glance, glances};
use super::keys;
use super::row::{Asked, rows};
use crate::openclaw::methods::agents::{self, Defaults};
use crate::openclaw::methods::given::Given;
use crate::openclaw::methods::none::now_ms;
use crate::rpc::Rpc;

/// How many sessions a page has unless asked otherwise, and at most.
const PAGE: u64 = 100;
const MOST: u64 = 1000;

/// The longest time that is reckoned back, in minutes: a hundred years.
const MOST_MINUTES: u64 = 100 * 366 * 24 * 60;

/// Which sessions are listed.
#[derive(Debug, Default)]
struct Filter {
    agent: Option<String>,
    changed_since_ms: Option<i64>,
    search: Option<String>,
    archived: Option<bool>,
    /// Whether a thing is asked for that no session here has, such as an owner.
    nobody: bool,
}

impl Filter {
    fn passes(&self, glance: &Glance) -> bool {
        let agent = glance.key.agent();
        let is_agents = self.agent.as_deref().is_none_or(|id| agent.as_str() == id);
        let is_recent = self
            .changed_since_ms
            .is_none_or(|since| glance.updated.as_millisecond() >= since);
        let is_sought = self.search.as_deref().is_none_or(|sought| {
            glance.key.as_str().to_lowercase().contains(sought) || glance.id.contains(sought)
        });
        let is_asked = self
            .archived
            .is_none_or(|archived| glance.ended == archived);
        !self.nobody && is_agents && is_recent && is_sought && is_asked
    }
}

/// `sessions.list`.
pub(crate) async fn list(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let limit = given
        .integer("limit", 1..=u64::MAX)
        .unwrap_or(PAGE)
        .min(MOST);
    let offset = given.integer("offset", 0..=u64::MAX).unwrap_or_default();
    let asked = Asked {
        titles: given.flag("includeDerivedTitles").unwrap_or_default(),
        last_message: given.flag("includeLastMessage").unwrap_or_default(),
    };
    let filter = filter(&mut given);
    given.done()?;
    let agent = agents::find(rpc, filter.agent.as_deref())?;
    let mut found = glances(rpc).await?;
    found.retain(|glance| filter.passes(glance));
    let total = found.len();
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    let page: Vec<Glance> = found.into_iter().skip(skip).take(take).collect();
    let next = skip.saturating_add(page.len());
    let more = next < total;
    let sessions = rows(rpc, page, asked).await?;
    Ok(json!({
        "ts": now_ms(),
        "path": rpc.store.path(),
        "count": sessions.len(),
        "totalCount": total,
        "limitApplied": limit,
        "nextOffset": more.then_some(next),
        "hasMore": more,
        "owners": [],
        "defaults": Defaults::of(Some(&agent)),
        "sessions": sessions,
    }))
}

fn filter(given: &mut Given) -> Filter {
    let minutes = given.integer("activeMinutes", 1..=u64::MAX);
    let since = minutes.map(|minutes| {
        let back = i64::try_from(minutes.min(MOST_MINUTES)).unwrap_or_default();
        let since = Clock::system().now().checked_sub(back.minutes());
        since.map_or(i64::MIN, jiff::Timestamp::as_millisecond)
    });
    // Nobody spawns, owns or labels sessions here, so that who asks for those gets none.
    let mut nobody = false;
    for name in [
        "label",
        "creatorId",
        "ownerId",
        "involvingProfileId",
        "spawnedBy",
    ] {
        nobody |= given.text(name).is_some();
    }
    nobody |= given.flag("involvingMe") == Some(true);
    nobody |= given.one_of("boardFace", &["chat", "dashboard"]) == Some("dashboard");
    for name in [
        "requireLastInteraction",
        "includeGlobal",
        "includeUnknown",
        "configuredAgentsOnly",
        "ownerFirst",
        "includePeople",
    ] {
        given.flag(name);
    }
    given.one_of("sortBy", &["updatedAt", "lastInteractionAt"]);
    let search = given
        .any_text("search")
        .map(|text| text.trim().to_lowercase());
    Filter {
        agent: given.text("agentId"),
        changed_since_ms: since,
        search: search.filter(|text| !text.is_empty()),
        archived: archived(given),
        nobody,
    }
}

/// Reads whether sessions that have ended are meant: those alone, those not, or all.
fn archived(given: &mut Given) -> Option<bool> {
    if given.has_text("archived") {
        given.one_of("archived", &["all"]);
        return None;
    }
    Some(given.flag("archived").unwrap_or_default())
}

/// Returns the key of the one session that has an id.
pub(crate) async fn by_id(rpc: &Rpc, id: &str) -> Result<Option<Glance>, RpcError> {
    let all = glances(rpc).await?;
    Ok(all
        .into_iter()
        .find(|glance| glance.id == id || keys::rest(&glance.key) == id))
}
