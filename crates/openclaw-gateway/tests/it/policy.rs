//! The rules for tools, held against what OpenClaw's own code makes of the same configs.
//!
//! `fixtures/policy/verdicts.json` was written by `fixtures/policy/record.mjs`.

use std::fs;
use std::path::Path;

use openclaw_config::Config;
use openclaw_core::access::{Sender, Standing};
use openclaw_core::{AgentId, ChannelId, ModelRef, PeerId, SessionKey};
use openclaw_gateway::agents::SandboxLevel;
use openclaw_gateway::agents::policy::{Asking, Decision, Policy};
use openclaw_testkit::TestHome;
use serde_json::Value;

/// What OpenClaw was asked and what it answered.
fn recorded() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/policy/verdicts.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'a>(case: &'a Value, path: &str) -> Option<&'a str> {
    case.pointer(path)?.as_str()
}

/// Returns the tools that are left to the sender of a case.
fn left(case: &Value, tools: &[String]) -> Vec<String> {
    let home = TestHome::new();
    home.write_config(&case["config"].to_string());
    let config = Config::load(&home.state_dir(), &home.env()).unwrap();
    let agent = AgentId::from(text(case, "/agent").unwrap_or("main"));
    let policy = Policy::new(config.tool_rules(&agent));
    let sender = Sender {
        channel: ChannelId::from(text(case, "/sender/channel").unwrap_or("rpc")),
        peer: PeerId::from(text(case, "/sender/peer").unwrap_or("owner")),
        standing: Standing::Principal,
    };
    let session = text(case, "/session").map(|key| SessionKey::parse(key).unwrap());
    let model: Option<ModelRef> = text(case, "/model").map(|model| model.parse().unwrap());
    let sandboxed = case.get("sandboxed").is_some();
    let may = |tool: &&String| {
        let verdict = policy.judge(&Asking {
            agent: &agent,
            sender: &sender,
            session: session.as_ref(),
            tool,
            arguments: None,
            model: model.as_ref(),
            sandbox: if sandboxed {
                SandboxLevel::Strict
            } else {
                SandboxLevel::None
            },
        });
        verdict.decision != Decision::Deny
    };
    tools.iter().filter(may).cloned().collect()
}

#[test]
fn the_lists_leave_what_openclaw_leaves() {
    let recorded = recorded();
    let tools: Vec<String> = serde_json::from_value(recorded["tools"].clone()).unwrap();
    let cases = recorded["verdicts"].as_array().unwrap();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let theirs: Vec<String> = serde_json::from_value(case["left"].clone()).unwrap();
        let ours = left(case, &tools);
        if ours != theirs {
            wrong.push(format!(
                "{}: ours {ours:?}, theirs {theirs:?}",
                case["name"]
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
