//! The demo's home and gateway, and the client that talks to it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use openclaw_core::env::{Env, HOME, PATH};
use openclaw_core::state_dir::Overrides;
use openclaw_core::usage::Attended;
use openclaw_core::{AgentId, SessionKey};
use openclaw_gateway::providers::scripted;
use openclaw_gateway::{GatewayBuilder, Home, Listening};
use openclaw_ipc::methods::{
    SessionHistory, SessionHistoryParams, SessionMessage, SessionMessageParams,
};
use openclaw_ipc::{Client, Endpoint, Event};
use serde_json::json;
use tempfile::TempDir;
use tokio::time;

use super::DemoError;
use crate::commands::Cx;
use crate::conversation::{Conversation, Detail};
use crate::error::CliError;
use crate::output::Look;

/// How long facts about a turn may come after its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What lies in the agent's workspace.
const FILES: [(&str, &str); 3] = [
    (
        "poem.txt",
        "A lobster asked the tide for time;\nthe tide said: take it line by line.\n",
    ),
    ("prices.csv", "item,price\nclaw,12\nshell,30\n"),
    ("todo.md", "- [ ] try `openclaw onboard`\n"),
];

/// Where the demo takes place; its folder goes with it.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) home: Home,
    addr: SocketAddr,
    _folder: TempDir,
}

/// The conversation as the demo has it with the gateway.
#[derive(Debug)]
pub(super) struct Show<'a> {
    cx: Cx<'a>,
    client: Client,
    session: SessionKey,
    seen: Option<u64>,
}

impl Stage {
    /// Makes a home of its own and starts a gateway on it.
    pub(super) async fn set(cx: Cx<'_>) -> Result<(Self, Listening), CliError> {
        let folder = tempfile::Builder::new()
            .prefix("openclaw-demo-")
            .tempdir()
            .map_err(DemoError::Stage)?;
        furnish(folder.path()).map_err(DemoError::Stage)?;
        // The user's own settings, a token for example, are not the demo's.
        let kept = [HOME, PATH].into_iter();
        let env: Env = kept
            .filter_map(|var| Some((var.name, cx.env.get_os(var.name)?)))
            .collect();
        let overrides = Overrides {
            state_dir: Some(folder.path().to_owned()),
            profile: None,
        };
        let home = Home::open(env, &overrides)?;
        let gateway = GatewayBuilder::from_home(&home)?.build();
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listening = gateway.listen(Some(&home), free).await?;
        let addr = listening.addr();
        Ok((
            Self {
                home,
                addr,
                _folder: folder,
            },
            listening,
        ))
    }

    /// Prints how other programs reach the gateway.
    pub(super) fn tell_how_to_talk(&self, cx: Cx<'_>) -> Result<(), CliError> {
        let root = self.home.state.root().display();
        let token = self.home.state.token_file();
        let call = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "session.message",
            "params": { "sessionKey": "agent:main:main", "content": "list the files here" },
        });
        cx.out.line(
            cx.out
                .look(Look::Strong, "\nThe gateway stays up until Ctrl-C"),
        )?;
        cx.out.line(format_args!(
            "From another terminal:\n\n\
             \x20 openclaw agent --workspace {root} --message \"list the files here\"\n\
             \x20 openclaw sessions events agent:main:main --workspace {root}\n\
             \x20 curl -s http://{}/rpc -H \"Authorization: Bearer $(cat {})\" \\\n\
             \x20   -H 'Content-Type: application/json' \\\n\
             \x20   -d '{call}'\n",
            self.addr,
            token.display(),
        ))
    }
}

/// Writes the config and what lies in the workspace.
fn furnish(root: &Path) -> io::Result<()> {
    let workspace = root.join("workspace");
    fs::create_dir(&workspace)?;
    for (name, content) in FILES {
        fs::write(workspace.join(name), content)?;
    }
    let model = format!("{}/{}", scripted::ID, scripted::MODEL);
    let config = json!({ "agents": { "defaults": { "model": { "primary": model } } } });
    fs::write(root.join("openclaw.json"), format!("{config:#}\n"))
}

impl<'a> Show<'a> {
    /// Connects to the gateway as any other client does.
    pub(super) async fn open(cx: Cx<'a>, stage: &Stage) -> Result<Self, CliError> {
        let endpoint = Endpoint {
            host: stage.addr.ip().to_string(),
            port: stage.addr.port(),
        };
        let token = stage.home.token()?;
        let client = Client::connect(&endpoint, token.secret()).await?;
        let session = SessionKey::main(&AgentId::from("main"))?;
        Ok(Self {
            cx,
            client,
            session,
            seen: None,
        })
    }

    pub(super) const fn session(&self) -> &SessionKey {
        &self.session
    }

    /// Prints what is said, says it and shows what comes of it.
    pub(super) async fn say(&mut self, content: &str) -> Result<(), CliError> {
        let label = self.cx.out.look(Look::Strong, "you> ");
        self.cx.out.line(format_args!("{label}{content}"))?;
        self.ask(content).await
    }

    /// Says something that stands on the screen already, and shows what comes of it.
    pub(super) async fn ask(&mut self, content: &str) -> Result<(), CliError> {
        let mut shown = Conversation::new(self.cx.out, Detail::Everything, &self.session, content);
        let params = SessionMessageParams {
            session_key: self.session.clone(),
            content: content.to_owned(),
            attachments: Vec::new(),
            idempotency_key: None,
            attended: Attended::Yes,
            queue: None,
            sender: None,
        };
        let outcome = self
            .client
            .call_with::<SessionMessage>(&params, |notification| shown.take(notification))
            .await;
        if outcome.is_ok() {
            let rest = async {
                while !shown.is_over() {
                    shown.take(self.client.next_notification().await?);
                }
                Ok::<(), CliError>(())
            };
            // The answer is there; what is missing after this only decorates it.
            drop(time::timeout(PATIENCE, rest).await);
        }
        shown.finish(outcome.as_ref().ok())?;
        outcome?;
        Ok(())
    }

    /// Returns the events that were recorded since the last call.
    pub(super) async fn news(&mut self) -> Result<Vec<Event>, CliError> {
        let mut events = Vec::new();
        loop {
            let params = SessionHistoryParams {
                session_key: self.session.clone(),
                cursor: self.seen,
                limit: None,
            };
            let page = self.client.call::<SessionHistory>(&params).await?;
            self.seen = page.events.last().map(|event| event.seq).or(self.seen);
            events.extend(page.events);
            if page.next_cursor.is_none() {
                return Ok(events);
            }
        }
    }
}
