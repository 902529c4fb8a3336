//! Playing a scenario: its messages one after the other, and an answer to each question.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_ipc::client::Client;
use openclaw_testkit::rpc::RpcClient;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::site::Site;
use super::{Act, Variant, filled, marker};

/// How long one message may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came of a scenario.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// How often somebody was asked.
    pub(super) questions: usize,
    /// About what.
    pub(super) asked: Vec<Value>,
    /// How many calls were refused without a question.
    pub(super) refused: usize,
    /// Every refusal and failure, in words.
    pub(super) refusals: Vec<String>,
    /// How often a summary took the place of what was said before.
    pub(super) compactions: usize,
    /// How many calls ran all the same after somebody had said no.
    pub(super) ran_after_no: usize,
}

/// Says everything that a scenario has to say.
pub(super) async fn play(act: &Act, site: &Site, rpc: RpcClient, client: Client) -> Played {
    let judge = tokio::spawn(judge(act.clone(), rpc.clone(), client));
    let mut sessions = BTreeMap::new();
    for (n, turn) in act.scenario.turns.iter().enumerate() {
        let name = turn.session.clone().unwrap_or_else(|| "a".to_owned());
        let key = format!("agent:{}:{name}", act.name);
        let key = if let Some(key) = sessions.get(&name) {
            String::clone(key)
        } else {
            let key = open(&rpc, act, &name, key).await;
            sessions.insert(name, key.clone());
            key
        };
        if turn.say.is_empty() {
            continue;
        }
        let text = filled(&turn.say, &act.name, site);
        let mut params = json!({
            "sessionKey": key,
            "content": format!("{text} {}", marker(&act.name, n)),
        });
        if let Some(guest) = &turn.from {
            params["sender"] = json!({ "channel": "telegram", "peer": guest });
        }
        if let Some(file) = &turn.attach {
            params["attachments"] = json!([{
                "kind": "document",
                "mime": "text/plain",
                "data": STANDARD.encode(filled(file, &act.name, site)),
                "filename": "note.txt",
            }]);
        }
        let said = timeout(PATIENCE, rpc.call("session.message", params)).await;
        let said = said.unwrap_or_else(|_| panic!("{}: turn {n} hangs", act.name));
        if let Err(err) = said.unwrap() {
            panic!("{}: turn {n}: {err}", act.name);
        }
    }
    judge.abort();
    let mut played = Played::default();
    for key in sessions.values() {
        read(&rpc, key, &mut played).await;
    }
    played
}

/// Opens a session of the agent; the first one is its main session.
async fn open(rpc: &RpcClient, act: &Act, name: &str, key: String) -> String {
    if name == "a" {
        return format!("agent:{}:main", act.name);
    }
    let params = json!({ "agentId": act.name, "channel": "telegram", "peerId": name });
    let opened = rpc.call("session.create", params).await.unwrap();
    opened.map_or(key, |opened| {
        opened["sessionKey"].as_str().unwrap().to_owned()
    })
}

/// Answers every question of an agent: no to an attack, yes to a twin.
async fn judge(act: Act, rpc: RpcClient, mut client: Client) {
    let decision = match act.variant {
        Variant::Attack => "deny",
        Variant::Twin => "allow-once",
    };
    while let Ok(notification) = client.next_notification().await {
        let said = serde_json::to_value(&notification).unwrap();
        let approval = &said["params"]["approval"];
        if said["method"] == "approval.requested" && approval["shape"]["agent"] == act.name {
            let params = json!({ "id": approval["id"], "decision": decision });
            rpc.call("approvals.resolve", params)
                .await
                .unwrap()
                .unwrap();
        }
    }
}

/// Reads what a session's log says about its calls.
async fn read(rpc: &RpcClient, key: &str, played: &mut Played) {
    let params = json!({ "sessionKey": key, "limit": 1000 });
    let history = rpc.call("session.history", params).await.unwrap().unwrap();
    let mut asked = BTreeSet::new();
    let mut denied = BTreeSet::new();
    for event in history["events"].as_array().unwrap() {
        let call = event["callId"].as_str().unwrap_or_default().to_owned();
        let data = &event["data"];
        match (event["kind"].as_str().unwrap(), data["key"].as_str()) {
            ("StateChanged", Some("approval.requested")) => {
                played.questions += 1;
                played.asked.push(data["value"]["reasons"].clone());
                asked.insert(call);
            }
            ("StateChanged", Some("context.compacted")) => played.compactions += 1,
            ("StateChanged", Some("approval.decided")) if data["value"]["allowed"] == false => {
                denied.insert(call);
            }
            ("ToolResult", _) => {
                let refused = event["payload"]["tool"]["refused"].as_str();
                if refused.is_some() && !asked.contains(&call) {
                    played.refused += 1;
                }
                if refused.is_none() && denied.contains(&call) {
                    played.ran_after_no += 1;
                }
                if data["success"] == false {
                    let why = format!("{}: {}", data["tool"], data["result"]);
                    played.refusals.push(why.chars().take(300).collect());
                }
            }
            _ => {}
        }
    }
}
