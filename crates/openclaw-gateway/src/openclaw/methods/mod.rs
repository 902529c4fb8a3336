//! What each method of OpenClaw's protocol does.
//!
//! The client's right to the method was checked, and the call counted, before [`call`] is reached.
//! A method reads its params ([`given`]), calls a handler of the gateway's own table or what that
//! works with, and puts the answer into OpenClaw's shape. What is not known is left out of an
//! answer, and a method for which there is nothing here is not in the table.

pub(crate) mod agents;
pub(crate) mod approvals;
mod config;
pub(crate) mod given;
pub(crate) mod health;
mod logs;
mod models;
mod none;
pub(crate) mod sessions;
mod skills;
mod tools;
mod turns;
mod usage;

use std::pin::Pin;

use openclaw_ipc::RpcError;
use openclaw_ipc::openclaw::{OpenclawError, OpenclawMethod as Method};
use serde_json::Value;

use self::approvals::Sort;
use self::given::Given;
use super::chat;
use super::follow::{self, Follow};
use super::history;
use super::{Client, devices};
use crate::builder::Gateway;

/// What a method answers later on, under the same id.
pub(crate) type Later = Pin<Box<dyn Future<Output = Result<Value, OpenclawError>> + Send>>;

/// What a method answers.
pub(crate) struct Answer {
    /// What it answers at once.
    pub(crate) now: Value,
    /// What else it answers, if anything.
    pub(crate) later: Option<Later>,
}

/// Calls a method; a row of the table without an arm here does not compile.
pub(crate) async fn call(
    gateway: &Gateway,
    client: &Client,
    method: Method,
    params: Value,
) -> Result<Answer, OpenclawError> {
    let given = Given::new(method.as_str(), params)?;
    if method == Method::Agent {
        return Ok(Box::pin(turns::agent(gateway, client, given)).await?);
    }
    // Boxed, so that a call is as large as its own method and not as the largest one.
    let now = Box::pin(answer(gateway, client, method, given)).await?;
    Ok(Answer { now, later: None })
}

#[expect(
    clippy::cognitive_complexity,
    reason = "one arm for each row of the table"
)]
async fn answer(
    gateway: &Gateway,
    client: &Client,
    method: Method,
    given: Given,
) -> Result<Value, RpcError> {
    let (rpc, cx) = (&gateway.shared.rpc, &client.cx());
    match method {
        Method::Health => health::health(rpc, given).await,
        Method::Status => health::status(rpc, given).await,
        Method::ChannelsStatus => none::channels(given),
        Method::UsageStatus => none::plans(given),
        Method::UsageCost => usage::cost(rpc, cx, given).await,
        Method::LogsTail => logs::tail(rpc, given).await,
        Method::ConfigGet => config::get(rpc, given).await,
        Method::ExecApprovalList => approvals::list(rpc, cx, given, Sort::Exec).await,
        Method::ExecApprovalGet => approvals::get(rpc, cx, given).await,
        Method::ExecApprovalResolve => approvals::resolve(rpc, cx, given, Sort::Exec).await,
        Method::PluginApprovalList => approvals::list(rpc, cx, given, Sort::Plugin).await,
        Method::PluginApprovalResolve => approvals::resolve(rpc, cx, given, Sort::Plugin).await,
        Method::QuestionList => none::questions(given),
        Method::TaskSuggestionsList => none::suggestions(given),
        Method::CommandsList => none::commands(given),
        Method::ModelsList => models::list(rpc, given).await,
        Method::ToolsCatalog => tools::catalog(rpc, given),
        Method::ToolsEffective => tools::effective(rpc, cx, given).await,
        Method::SkillsStatus => skills::status(rpc, given).await,
        Method::AgentsList => agents::list(rpc, given),
        Method::AgentIdentityGet => agents::identity(rpc, given),
        Method::NodeList => none::nodes(given),
        Method::CronList => none::cron(given),
        Method::LastHeartbeat => none::last_heartbeat(given),
        Method::SessionsList => sessions::list(rpc, given).await,
        Method::SessionsCreate => sessions::create(rpc, cx, given).await,
        Method::SessionsPreview => sessions::preview(rpc, given).await,
        Method::SessionsDescribe => sessions::describe(rpc, given).await,
        Method::SessionsResolve => sessions::resolve(rpc, given).await,
        Method::SessionsAbort => sessions::abort(rpc, cx, given).await,
        Method::SessionsDelete => sessions::delete(rpc, given).await,
        Method::SessionsPatch => sessions::patch(rpc, given).await,
        Method::SessionsReset => sessions::reset(rpc, cx, given).await,
        Method::SessionsCompact => sessions::compact(rpc, cx, given).await,
        Method::SystemPresence => chat::presence(gateway, given),
        Method::SessionsSubscribe => follow::follow_sessions(client, given, Follow::On),
        Method::SessionsUnsubscribe => follow::follow_sessions(client, given, Follow::Off),
        Method::SessionsMessagesSubscribe => {
            follow::follow_messages(gateway, client, given, Follow::On)
        }
        Method::SessionsMessagesUnsubscribe => {
            follow::follow_messages(gateway, client, given, Follow::Off)
        }
        Method::ChatHistory => history::history(gateway, given).await,
        Method::ChatSend => chat::send(gateway, client, given).await,
        Method::ChatAbort => chat::abort(gateway, given).await,
        Method::DevicePairList => devices::list(rpc, cx, given),
        Method::DevicePairApprove => devices::approve(rpc, client, given).await,
        Method::DevicePairReject => devices::reject(rpc, client, given).await,
        Method::DevicePairRemove => devices::remove(rpc, client, given).await,
        Method::DeviceTokenRotate => devices::rotate(rpc, client, given).await,
        Method::DeviceTokenRevoke => devices::revoke(rpc, client, given).await,
        Method::AgentWait => turns::wait(gateway, given).await,
        // It answers twice, which only `call` can.
        Method::Agent => Err(RpcError::method_not_found(method.as_str())),
    }
}
