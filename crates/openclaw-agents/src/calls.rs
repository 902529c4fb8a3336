//! The one gate to a tool: every call, a model's or a client's, is recorded, checked, run and
//! recorded again here.

use std::path::PathBuf;
use std::time::Instant;

use openclaw_core::access::Sender;
use openclaw_core::events::{Change, Lease, NewEvent, Payload, StoreError, ToolPayload};
use openclaw_core::provenance::Mark;
use openclaw_core::{CallId, EventStore, RunId, SessionEvent, SessionEventKind, SessionKey, work};
use openclaw_sandbox::{SandboxError, Workspace};
use serde_json::Value;
use tokio::task;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::agent::Agent;
use crate::approvals::Waits;
use crate::bus::{Bus, Live};
use crate::error::AgentError;
use crate::gatekeeper::Ready;
use crate::means::Means;
use crate::meters::Attended;
use crate::taint::{Origins, Over, add_all};
use crate::tools::{LiveOutput, ToolCx, ToolError, ToolOutput, ToolRegistry, Touch};
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
    pub(crate) async fn append(
        &self,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        match self {
            Self::Leased(lease) => lease.append(events).await,
            Self::Shared(store, session) => store.append(session, events).await,
        }
    }

    pub(crate) const fn session(&self) -> &SessionKey {
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
    /// Whether anybody waits for what they come to.
    pub attended: Attended,
    /// Counts the time in which a person is waited for.
    pub waits: &'a Waits,
    /// Tells them to stop.
    pub stop: &'a CancellationToken,
    /// Says that a message waits which is to be read before anybody is waited for.
    pub steered: &'a CancellationToken,
}

/// A call that is on record and not run yet.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) call: Call,
    pub(crate) seq: u64,
    /// The message that the run answers.
    pub(crate) cause: Option<u64>,
}

/// A call that has come to an end.
#[derive(Debug)]
struct Ran {
    output: ToolOutput,
    /// The arguments that it ran with, if it ran.
    params: Option<Value>,
    /// Where its result came from.
    marks: Vec<Mark>,
    /// What it leaves behind in the workspace.
    left: Vec<Change>,
}

impl Ran {
    fn refused(why: &ToolError) -> Self {
        Self {
            output: failed(why),
            params: None,
            marks: Vec::new(),
            left: Vec::new(),
        }
    }
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
                cause,
            })
            .collect())
    }

    /// Runs one call and records its result. Whatever goes wrong with the tool becomes its result.
    pub(crate) async fn run(&self, recorded: Recorded) -> Result<ToolOutput, AgentError> {
        let span = work::call(self.record.session(), self.run, &recorded.call.id);
        let run = async {
            // This minds being told to stop by itself, so that no question stays open.
            let ran = match self.admit(&recorded).await {
                Ok(ready) => self.execute(&recorded, ready).await,
                Err(err) => Ran::refused(&err),
            };
            self.came_to(recorded, ran).await
        };
        run.instrument(span).await
    }

    /// Records that a call was not run, and why.
    pub(crate) async fn refuse(
        &self,
        recorded: Recorded,
        why: &ToolError,
    ) -> Result<ToolOutput, AgentError> {
        let span = work::call(self.record.session(), self.run, &recorded.call.id);
        let ran = span.in_scope(|| Ran::refused(why));
        self.came_to(recorded, ran).instrument(span).await
    }

    async fn came_to(
        &self,
        Recorded { call, seq, .. }: Recorded,
        Ran {
            mut output,
            params,
            marks,
            left,
        }: Ran,
    ) -> Result<ToolOutput, AgentError> {
        let params = params.as_ref().unwrap_or(&call.params);
        self.told(&call, params, &output).await;
        output.result = self.to_record(&call, output.result);
        let event = NewEvent::from(SessionEventKind::ToolResult {
            tool: call.tool.clone(),
            result: output.result.clone(),
            success: output.success,
        })
        .with_payload(Payload {
            tool: Some(output.payload.clone()),
            calls: output.calls.clone(),
            marks,
            ..Payload::default()
        });
        // Marks on files are recorded with the result, so that neither is there without the other.
        let mut events = Vec::new();
        for change in left {
            events.push(self.place(change.to_event()?, Some(seq), &call));
        }
        events.push(self.place(event, Some(seq), &call));
        self.record.append(events).await?;
        Ok(output)
    }

    /// Runs what may run, and finds out where its result came from and what it leaves behind.
    async fn execute(&self, recorded: &Recorded, ready: Ready) -> Ran {
        let tracks = match self.begin(recorded, &ready).await {
            Ok(tracks) => tracks,
            Err(err) => return Ran::refused(&err),
        };
        let Ready {
            tool,
            params,
            mut cx,
            view,
            written,
            ..
        } = ready;
        cx.in_view = view.marks().to_vec();
        if tool.touch() == Touch::Commands {
            // Their output may be what they find in the workspace, now or as long as they run.
            add_all(&mut cx.in_view, written.marks(&self.agent.rules.taint));
            add_all(
                &mut cx.in_view,
                self.world.jobs.marks_in(cx.workspace.root()),
            );
        }
        let started = Instant::now();
        let outcome = tokio::select! {
            outcome = tool.call(params.clone(), &cx) => outcome,
            () = self.stop.cancelled() => Err(ToolError::Cancelled),
        };
        let duration = started.elapsed();
        let over = match outcome {
            Err(ToolError::Cancelled) => Over::Perhaps,
            Ok(_) | Err(_) => Over::Yes,
        };
        let confined = tool.would_run(&params, &cx).map(|(config, _)| config);
        let met = self
            .met(recorded, (tool.touch(), tracks), (&cx, written))
            .await;
        let origins = Origins {
            rules: &self.agent.rules.taint,
            written: &met.written,
            workspace: cx.workspace.root(),
            sandbox: confined.as_ref().unwrap_or(&cx.sandbox),
            store: &self.world.store,
            session: self.record.session(),
        };
        let (mut output, mut marks) = match outcome {
            Ok(output) => {
                let marks = origins.of_result(tool.kind(), &params, &output).await;
                (output, marks)
            }
            Err(err) => {
                let marks = match err.refusal() {
                    None => origins.of_failure(tool.kind(), &params),
                    Some(_) => Vec::new(),
                };
                (failed(&err), marks)
            }
        };
        if tool.touch() == Touch::Reads {
            marks.extend(origins.of_files(&met.news));
        }
        output.payload.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let left = self.left(met, &output.wrote, over).await;
        Ran {
            output,
            params: Some(params),
            marks,
            left,
        }
    }

    /// Returns what a call may use.
    pub(crate) async fn context(&self, call: &Call) -> Result<ToolCx, ToolError> {
        let mut means = self.agent.means.of_session(self.record.session());
        if self.tools.touch(&call.tool) == Some(Touch::Commands) {
            means.env.extend(self.further_variables().await?);
        }
        let workspace = Workspace::open(&self.agent.workspace).await?;
        let readable = self.judged(&workspace, &means).await?;
        Ok(ToolCx {
            workspace: workspace.with_protected(means.protected.iter().cloned()),
            sandbox: self.agent.sandbox.clone(),
            readable,
            stop: self.stop.clone(),
            in_view: Vec::new(),
            live: self.live(call, means.limits.kept_bytes),
            means,
            caller: self.caller(),
            world: self.world.clone(),
        })
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

    pub(crate) fn place(&self, event: NewEvent, cause: Option<u64>, call: &Call) -> NewEvent {
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
        marks: Vec::new(),
        wrote: Vec::new(),
        calls: Vec::new(),
    }
}
