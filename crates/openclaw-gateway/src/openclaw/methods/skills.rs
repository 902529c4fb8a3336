//! `skills.status`: the skills of an agent, and what the others lack.

use std::path::{self, Path, PathBuf};

use openclaw_core::{AgentId, Kind};
use openclaw_ipc::RpcError;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task;

use super::agents;
use super::given::Given;
use super::sessions::keys;
use crate::rpc::{Rpc, logged};
use crate::skills::{Barrier, ConfigCheck, InstallOption, Inventory, JudgedSkill, Needs};

/// One skill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the document has one field for each question that clients ask"
)]
struct Row {
    name: String,
    description: String,
    source: &'static str,
    bundled: bool,
    file_path: PathBuf,
    base_dir: PathBuf,
    skill_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    always: bool,
    disabled: bool,
    blocked_by_allowlist: bool,
    blocked_by_agent_filter: bool,
    eligible: bool,
    platform_incompatible: bool,
    model_visible: bool,
    user_invocable: bool,
    command_visible: bool,
    requirements: Needs,
    missing: Needs,
    config_checks: Vec<ConfigCheck>,
    install: Vec<InstallOption>,
}

impl Row {
    fn of(judged: &JudgedSkill) -> Self {
        let (skill, verdict) = (&*judged.skill, &judged.verdict);
        Self {
            name: skill.name.clone(),
            description: skill.description.clone(),
            source: skill.origin.as_str(),
            bundled: skill.origin.is_bundled(),
            file_path: skill.file.clone(),
            base_dir: skill.folder.clone(),
            skill_key: skill.key().to_owned(),
            primary_env: skill.manifest.primary_env.clone(),
            emoji: skill.emoji.clone(),
            homepage: skill.homepage.clone(),
            always: skill.manifest.always,
            disabled: verdict.has(Barrier::Disabled),
            blocked_by_allowlist: verdict.has(Barrier::BundledList),
            blocked_by_agent_filter: verdict.has(Barrier::AgentList),
            eligible: verdict.is_eligible(),
            platform_incompatible: !verdict.missing.os.is_empty(),
            model_visible: judged.is_model_visible(),
            user_invocable: skill.user_invocable,
            command_visible: judged.is_command_visible(),
            requirements: verdict.requirements.clone(),
            missing: verdict.missing.clone(),
            config_checks: verdict.config_checks.clone(),
            install: verdict.install.clone(),
        }
    }
}

/// `skills.status`.
pub(super) async fn status(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let agent = given.text("agentId");
    let session = given.text("sessionKey");
    given.done()?;
    let session = session
        .map(|key| keys::read(rpc, &key, agent.as_deref()))
        .transpose()?;
    let of_session = session.map(|session| session.agent());
    let id = agent
        .as_deref()
        .or(of_session.as_ref().map(AgentId::as_str));
    let agent = agents::find(rpc, id)?;
    let Some(home) = rpc.home.get() else {
        let message = "this gateway has no folder of skills: a program composed it";
        return Err(RpcError::new(Kind::Unavailable, message));
    };
    let id = agent.id.clone();
    let look = task::spawn_blocking(move || Inventory::of(&home, &id));
    let inventory = look
        .await
        .map_err(|err| logged(&err, Kind::Internal, "the skills could not be looked at"))?;
    let inventory = inventory.ok_or_else(|| {
        let message = format!("unknown agent id \"{}\"", agent.id);
        RpcError::new(Kind::NotFound, message).with_field("agentId")
    })?;
    let rows: Vec<Row> = inventory.set.skills.iter().map(Row::of).collect();
    let mut report = json!({
        "workspaceDir": absolute(&inventory.workspace),
        "managedSkillsDir": absolute(&inventory.managed),
        "agentId": inventory.agent,
        "skills": rows,
    });
    if let (Some(list), Some(report)) = (inventory.allowlist, report.as_object_mut()) {
        report.insert("agentSkillFilter".to_owned(), json!(list));
    }
    Ok(report)
}

fn absolute(folder: &Path) -> PathBuf {
    path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}
