//! The one gate to a tool: every call, a model's or a client's, is recorded, checked, run and
//! recorded again here.

use std::path::PathBuf;
use std::time::Instant;

use openclaw_core::access::Sender;
use openclaw_core::events::{Lease, NewEvent, Payload, StoreError, ToolPayload};
use openclaw_core::{CallId, EventStore, RunId, SessionEvent, SessionEventKind, SessionKey};
use openclaw_sandbox::{SandboxError, Workspace};
use serde_json::Value;
use tokio::task;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::bus::{Bus, Live};
use crate::error::AgentError;
use crate::means::Means;
use crate::tools::{LiveOutput, ToolCx, ToolError, ToolOutput, ToolRegistry};
use crate::world::{Caller, World};

/// One call that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// The tool's name.
    pub tool: String,
    /// Its arguments.
    pub params: Value,
}

/// Where calls are recorded.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// Under the lease of a run.
    Leased(&'a Lease),
    /// In a session that somebody else may be running, by a client's own call.
    Shared(&'a EventStore, &'a SessionKey),
}

impl Record<'_> {
    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<SessionEvent>, StoreError> {
        match self {
            Self::Leased(lease) => lease.append(events).await,
            Self::Shared(store, session) => store.append(session, events).await,
        }
    }

    const fn session(&self) -> &SessionKey {
        match self {
            Self::Leased(lease) => lease.session(),
            Self::Shared(_, session) => session,
        }
    }
}

/// The gate, for the calls of one step.
#[derive(Debug)]
pub struct Gate<'a> {
    /// Whose tools they are.
    pub agent: &'a Agent,
    /// The tools that may be called.
    pub tools: &'a ToolRegistry,
    /// Where they are recorded.
    pub record: Record<'a>,
    /// Where their output goes while they run.
    pub bus: &'a Bus,
    /// On whose behalf they are called.
    pub sender: &'a Sender,
    /// What they reach beyond the workspace.
    pub world: &'a World,
    /// The run that they are part of.
    pub run: &'a RunId,
    /// The step that they are part of, when a model asked for them.
    pub step: Option<u32>,
    /// Tells them to stop.
    pub stop: &'a CancellationToken,
}

/// A call that is on record and not run yet.
#[derive(Debug)]
pub(crate) struct Recorded {
    call: Call,
    seq: u64,
}

impl Gate<'_> {
    /// Records one call, runs it and records its result.
    pub async fn call(&self, call: Call) -> Result<ToolOutput, AgentError> {
        match self
            .record(vec![call], None, None)
            .await?
            .into_iter()
            .next()
        {
            Some(recorded) => self.run(recorded).await,
            None => Err(AgentError::Store(StoreError::Closed)),
        }
    }

    /// Records calls, all before any of them runs; `wrote` is what the model wrote around them.
    pub(crate) async fn record(
        &self,
        calls: Vec<Call>,
        cause: Option<u64>,
        wrote: Option<Payload>,
    ) -> Result<Vec<Recorded>, AgentError> {
        let mut events: Vec<NewEvent> = calls
            .iter()
            .map(|call| {
                let kind = SessionEventKind::ToolCalled {
                    tool: call.tool.clone(),
                    params: call.params.clone(),
                };
                self.place(kind.into(), cause, call)
            })
            .collect();
        if let Some(first) = events.first_mut() {
            first.payload = wrote;
        }
        let recorded = self.record.append(events).await?;
        Ok(calls
            .into_iter()
            .zip(recorded)
            .map(|(call, event)| Recorded {
                call,
                seq: event.seq,
            })
            .collect())
    }

    /// Runs one call and records its result. Whatever goes wrong with the tool becomes its result.
    pub(crate) async fn run(&self, recorded: Recorded) -> Result<ToolOutput, AgentError> {
        let started = Instant::now();
        let mut output = tokio::select! {
            output = self.execute(&recorded.call) => output.unwrap_or_else(|err| failed(&err)),
            () = self.stop.cancelled() => failed(&ToolError::Cancelled),
        };
        output.payload.duration_ms =
            u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.came_to(recorded, output).await
    }

    /// Records that a call was not run, and why.
    pub(crate) async fn refuse(
        &self,
        recorded: Recorded,
        why: &ToolError,
    ) -> Result<ToolOutput, AgentError> {
        self.came_to(recorded, failed(why)).await
    }

    async fn came_to(
        &self,
        Recorded { call, seq }: Recorded,
        output: ToolOutput,
    ) -> Result<ToolOutput, AgentError> {
        let event = NewEvent::from(SessionEventKind::ToolResult {
            tool: call.tool.clone(),
            result: output.result.clone(),
            success: output.success,
        })
        .with_payload(Payload {
            tool: Some(output.payload.clone()),
            ..Payload::default()
        });
        self.record
            .append(vec![self.place(event, Some(seq), &call)])
            .await?;
        Ok(output)
    }

    async fn execute(&self, call: &Call) -> Result<ToolOutput, ToolError> {
        let Some(tool) = self.tools.get(&call.tool) else {
            return Err(ToolError::NoTool {
                name: call.tool.clone(),
                known: self.tools.names().join(", "),
            });
        };
        let params = self.admit(call).await?;
        let means = self.agent.means.of_session(self.record.session());
        let workspace = Workspace::open(&self.agent.workspace).await?;
        let readable = self.judged(&workspace, &means).await?;
        let cx = ToolCx {
            workspace: workspace.with_protected(means.protected.iter().cloned()),
            sandbox: self.agent.sandbox.clone(),
            readable,
            stop: self.stop.clone(),
            live: self.live(call, means.limits.kept_bytes),
            means,
            caller: self.caller(),
            world: self.world.clone(),
        };
        tool.call(params, &cx).await
    }

    /// Refuses a workspace that commands could not work in, for tools of files as well, and
    /// returns the folders beside it that may be read.
    async fn judged(
        &self,
        workspace: &Workspace,
        means: &Means,
    ) -> Result<Vec<PathBuf>, ToolError> {
        let (sandbox, skills) = (means.sandbox.clone(), self.agent.skills.clone());
        let root = workspace.root().to_owned();
        let judged = task::spawn_blocking(move || {
            sandbox.judge_workspace(&root)?;
            Ok(skills.latest().readable(&sandbox))
        });
        let lost = SandboxError::Lost {
            task: "the look at the workspace",
        };
        judged.await.unwrap_or(Err(lost.into()))
    }

    fn caller(&self) -> Caller {
        Caller {
            agent: self.agent.id.clone(),
            session: self.record.session().clone(),
            run: self.run.clone(),
            sender: self.sender.clone(),
        }
    }

    fn live(&self, call: &Call, max_bytes: usize) -> LiveOutput {
        let (bus, session) = (self.bus.clone(), self.record.session().clone());
        let (run, call) = (self.run.clone(), call.id.clone());
        LiveOutput::new(max_bytes, move |stream, text| {
            bus.send(|| Live::ToolOutput {
                session: session.clone(),
                run: run.clone(),
                call: call.clone(),
                stream,
                text,
            });
        })
    }

    fn place(&self, event: NewEvent, cause: Option<u64>, call: &Call) -> NewEvent {
        let mut event = event.in_run(self.run, cause).about_call(&call.id);
        event.step = self.step;
        event
    }
}

fn failed(err: &ToolError) -> ToolOutput {
    tracing::info!(%err, "a tool call failed");
    ToolOutput {
        result: Value::String(err.model_text()),
        success: false,
        payload: ToolPayload {
            refused: err.refusal(),
            ..ToolPayload::default()
        },
    }
}
