//! Whether a call may run: its form first, then hooks, policy, provenance, and a person.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use openclaw_core::approvals::Shape;
use openclaw_core::events::{Change, Lease, StoreError};
use openclaw_core::hooks::{AfterToolCall, BeforeToolCall, Hook, HookContext, ToolGate};
use openclaw_core::{CallId, SessionEventKind};
use serde_json::Value;

use crate::approvals::{Question, Shaped, shape};
use crate::calls::{Call, Gate, Record, Recorded};
use crate::policy::{Asking, Decision};
use crate::shown::{Visit, Visitor, Visits};
use crate::taint::{View, Watched, WrittenFiles};
use crate::tools::{AnyTool, Effect, ToolCx, ToolError, ToolOutput, Touch, model_text};

/// How often the same call is asked for anew because it had changed since it was shown.
const MOST_QUESTIONS: usize = 3;

/// How many events before a call the other calls of its step are looked for in.
const MOST_BESIDE: u64 = 64;

/// A call that may run.
pub(crate) struct Ready {
    pub(crate) tool: Arc<dyn AnyTool>,
    /// The arguments to run it with.
    pub(crate) params: Value,
    /// What it may use.
    pub(crate) cx: ToolCx,
    /// The untrusted pieces that are in view while it runs.
    pub(crate) view: View,
    /// The files of the workspace that carry marks.
    pub(crate) written: WrittenFiles,
    /// The command that runs beside it and may do what it writes, if somebody was asked about that.
    pub(crate) beside: Option<String>,
}

/// Why somebody is to be asked.
struct Wanted {
    /// A sentence each; none if nobody is.
    reasons: Vec<String>,
    grants: Grants,
}

/// What goes for calls that were allowed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grants {
    /// They are not asked for.
    Stand,
    /// They are asked for all the same.
    DoNotCount,
}

impl Gate<'_> {
    /// Returns what is needed to run a call, or why it may not run.
    pub(crate) async fn admit(&self, recorded: &Recorded) -> Result<Ready, ToolError> {
        let call = &recorded.call;
        self.tools.validate(&call.tool, &call.params)?;
        let Some(tool) = self.tools.get(&call.tool) else {
            return Err(ToolError::NoTool {
                name: call.tool.clone(),
                known: self.tools.names().join(", "),
            });
        };
        let (params, wanted) = self.heard(call).await?;
        let Wanted {
            mut reasons,
            mut grants,
        } = self.verdict(call, &params)?;
        reasons.extend(wanted);
        let cx = self.context(call).await?;
        let unreadable = |err: StoreError| self.unreadable(call, &err);
        let written = self.written(call, &cx).await?;
        let mut ready = Ready {
            tool,
            params,
            cx,
            view: View::default(),
            written,
            beside: None,
        };
        // Whoever makes a call by themselves is the one who would be asked.
        let Record::Leased(lease) = self.record else {
            return Ok(ready);
        };
        ready.view = self
            .view(recorded, &ready.written)
            .await
            .map_err(unreadable)?;
        if ready.view.is_tainted() {
            let (effect, why) = self.effect(&ready, recorded).await.map_err(unreadable)?;
            if self.agent.rules.taint.ask.contains(&effect) {
                reasons.extend(why);
                reasons.extend(ready.view.reasons());
                if let Some(unbound) = unbound(&ready) {
                    reasons.push(unbound);
                    grants = Grants::DoNotCount;
                }
            }
            ready.beside = self.beside(&ready);
            reasons.extend(ready.beside.as_deref().map(taken_up));
        }
        if !reasons.is_empty() {
            let wanted = Wanted { reasons, grants };
            self.consent(lease, recorded, &mut ready, wanted).await?;
        }
        Ok(ready)
    }

    /// Asks whoever is called before tools run; returns the arguments to go on with, and why
    /// somebody is to be asked, if one of them wants that.
    async fn heard(&self, call: &Call) -> Result<(Value, Option<String>), ToolError> {
        if !self.world.hooks.wants(Hook::BeforeToolCall) {
            return Ok((call.params.clone(), None));
        }
        let event = BeforeToolCall {
            tool_name: self.tools.own_name(&call.tool).to_owned(),
            params: call.params.clone(),
            run_id: self.run.clone(),
            tool_call_id: call.id.clone(),
            derived_paths: paths(&call.params),
        };
        let cx = self.hook_context();
        let said = tokio::select! {
            said = self.world.hooks.before_tool_call(&event, &cx) => said,
            () = self.stop.cancelled() => return Err(ToolError::Cancelled),
        };
        let (params, wanted) = match said {
            ToolGate::Go(params) => (params, None),
            ToolGate::Ask { params, reason } => (params, Some(reason)),
            ToolGate::Block { by, reason } => {
                return Err(ToolError::Denied {
                    tool: call.tool.clone(),
                    rule: format!("hook of {by}"),
                    reason,
                });
            }
        };
        if params != call.params {
            self.tools.validate(&call.tool, &params)?;
        }
        Ok((params, wanted))
    }

    /// Tells whoever wants to know how a call ended.
    pub(crate) async fn told(&self, call: &Call, params: &Value, output: &ToolOutput) {
        if !self.world.hooks.wants(Hook::AfterToolCall) {
            return;
        }
        let text = || model_text(&output.result);
        let event = AfterToolCall {
            tool_name: self.tools.own_name(&call.tool).to_owned(),
            params: params.clone(),
            run_id: self.run.clone(),
            tool_call_id: call.id.clone(),
            result: output.success.then(|| output.result.clone()),
            error: (!output.success).then(text),
            duration_ms: output.payload.duration_ms,
        };
        let cx = self.hook_context();
        tokio::select! {
            () = self.world.hooks.observe(&event, &cx) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Lets hooks rewrite a result before it is recorded.
    pub(crate) fn to_record(&self, call: &Call, result: Value) -> Value {
        let tool = self.tools.own_name(&call.tool);
        let cx = self.hook_context();
        self.world
            .hooks
            .tool_result_persist(tool, &call.id, result, &cx)
    }

    /// Returns the variables that hooks add to those of a command.
    pub(crate) async fn further_variables(&self) -> Result<Vec<(String, String)>, ToolError> {
        if !self.world.hooks.wants(Hook::ResolveExecEnv) {
            return Ok(Vec::new());
        }
        let cx = self.hook_context();
        tokio::select! {
            added = self.world.hooks.resolve_exec_env("sandbox", &cx) => {
                Ok(added.into_iter().collect())
            }
            () = self.stop.cancelled() => Err(ToolError::Cancelled),
        }
    }

    fn hook_context(&self) -> HookContext {
        HookContext::new(&self.agent.id, self.record.session()).in_run(self.run, self.sender)
    }

    /// Asks policy; returns why somebody is to be asked, if that is what it says.
    fn verdict(&self, call: &Call, params: &Value) -> Result<Wanted, ToolError> {
        let verdict = self.agent.rules.policy.judge(&Asking {
            agent: &self.agent.id,
            sender: self.sender,
            session: Some(self.record.session()),
            tool: self.tools.own_name(&call.tool),
            arguments: Some(params),
            model: self
                .agent
                .model
                .as_ref()
                .ok()
                .and_then(|model| model.model_ref()),
            sandbox: self.agent.sandbox.level,
        });
        let reasons = match verdict.decision {
            Decision::Allow => Vec::new(),
            Decision::Ask => vec![format!("{} ({})", verdict.reason, verdict.rule)],
            Decision::Deny => {
                return Err(ToolError::Denied {
                    tool: call.tool.clone(),
                    rule: verdict.rule,
                    reason: verdict.reason,
                });
            }
        };
        let grants = if verdict.every_time {
            Grants::DoNotCount
        } else {
            Grants::Stand
        };
        Ok(Wanted { reasons, grants })
    }

    /// Looks at what came into view since the message that the run answers.
    async fn view(&self, recorded: &Recorded, written: &WrittenFiles) -> Result<View, StoreError> {
        let rules = &self.agent.rules.taint;
        if rules.is_off() {
            return Ok(View::default());
        }
        let watched = Watched {
            store: &self.world.store,
            session: self.record.session(),
            run: self.run,
            message: recorded.cause.unwrap_or(1),
        };
        View::of(rules, watched, written).await
    }

    /// Returns what a call may bring about, in a run that something untrusted is in view of, and
    /// why that is more than it seems: which address the model makes up or picks may carry
    /// something out.
    async fn effect(
        &self,
        ready: &Ready,
        recorded: &Recorded,
    ) -> Result<(Effect, Option<String>), StoreError> {
        let effect = ready.tool.effect(&ready.params);
        let addresses = ready.tool.addresses(&ready.params);
        if effect != Effect::Read || addresses.is_empty() {
            return Ok((effect, None));
        }
        let store = &self.world.store;
        let events = store.read(self.record.session(), 1..=u64::MAX).await?;
        let visitor = Visitor {
            call: recorded.seq,
            since: recorded.cause.unwrap_or(1),
            addresses: &addresses,
        };
        let went = |tool: &str, params: &Value| self.tools.addresses(tool, params);
        Ok(match Visits::default().admit(&events, visitor, went) {
            Visit::Unasked => (effect, None),
            Visit::MadeUp => (Effect::Send, None),
            Visit::Picked(why) => (Effect::Send, Some(why)),
        })
    }

    /// Returns the files of the workspace that carry marks, as they are now.
    async fn written(&self, call: &Call, cx: &ToolCx) -> Result<WrittenFiles, ToolError> {
        let workspace = cx.workspace.root();
        let unreadable = |err: StoreError| self.unreadable(call, &err);
        let caught_up = self.catch_up(call, workspace).await;
        caught_up.map_err(unreadable)?;
        let written = WrittenFiles::of(&self.world.store, workspace).await;
        written.map_err(unreadable)
    }

    /// Returns the command that runs in the workspace already and may do what a file says that a
    /// call writes while something untrusted is in view.
    pub(crate) fn beside(&self, ready: &Ready) -> Option<String> {
        let asks = self.agent.rules.taint.ask.contains(&Effect::Exec);
        let writes = ready.tool.effect(&ready.params) == Effect::Write;
        if !asks || !writes || !ready.view.is_tainted() {
            return None;
        }
        self.world.jobs.running_in(ready.cx.workspace.root())
    }

    /// Gets somebody's consent to exactly the call that will run, unless it was given for good.
    async fn consent(
        &self,
        lease: &Lease,
        recorded: &Recorded,
        ready: &mut Ready,
        Wanted {
            mut reasons,
            mut grants,
        }: Wanted,
    ) -> Result<(), ToolError> {
        let call = &recorded.call;
        let mut shown = self.shape(call, ready);
        for _ in 0..MOST_QUESTIONS {
            let granted = self.world.store.is_granted(&shown.digest()).await;
            let granted = granted.map_err(|err| self.unreadable(call, &err))?;
            if granted && grants == Grants::Stand {
                return Ok(());
            }
            let question = Question {
                call: &call.id,
                cause: recorded.seq,
                shape: &shown,
                reasons: reasons.clone(),
            };
            self.ask(lease, question).await?;
            // What was shown may not be what would run now.
            ready.cx = self.context(call).await?;
            let now = self.shape(call, ready);
            let before =
                std::mem::replace(&mut ready.written, self.written(call, &ready.cx).await?);
            let same_files = ready.tool.touch() != Touch::Commands || {
                let by_commands = self.left_by_commands(recorded).await?;
                ready.written.without(&by_commands) == before.without(&by_commands)
            };
            if same_files && now.digest() == shown.digest() {
                return Ok(());
            }
            if !same_files {
                grants = Grants::DoNotCount;
                reasons.push(
                    "files that a stranger's words went into changed while you were asked"
                        .to_owned(),
                );
            }
            shown = now;
        }
        Err(ToolError::Denied {
            tool: call.tool.clone(),
            rule: "approvals".to_owned(),
            reason: "what would run changed each time that it was asked for".to_owned(),
        })
    }

    /// Returns the files that commands of this session have come to mark since a call was
    /// recorded, and when: whoever was asked about them was asked about these commands, too.
    async fn left_by_commands(
        &self,
        recorded: &Recorded,
    ) -> Result<Vec<(PathBuf, Timestamp)>, ToolError> {
        let from = recorded.seq.saturating_sub(MOST_BESIDE).max(1);
        let events = self
            .world
            .store
            .read(self.record.session(), from..=u64::MAX);
        let events = events
            .await
            .map_err(|err| self.unreadable(&recorded.call, &err))?;
        let by_command = |call: &CallId| {
            events.iter().any(|event| {
                let SessionEventKind::ToolCalled { tool, .. } = &event.kind else {
                    return false;
                };
                let tool = || self.tools.get(tool);
                event.call_id.as_ref() == Some(call)
                    && tool().is_some_and(|tool| tool.touch() == Touch::Commands)
            })
        };
        let since = events.iter().filter(|event| event.seq > recorded.seq);
        let by_commands = since.filter(|event| event.call_id.as_ref().is_none_or(by_command));
        Ok(by_commands
            .filter_map(|event| match Change::of(event) {
                Some(Change::FileWritten { path, .. }) => Some((PathBuf::from(path), event.time)),
                _ => None,
            })
            .collect())
    }

    fn shape(&self, call: &Call, ready: &Ready) -> Shape {
        let shaped = Shaped {
            agent: &self.agent.id,
            tool: ready.tool.as_ref(),
            name: self.tools.own_name(&call.tool),
            arguments: &ready.params,
        };
        shape(shaped, &ready.cx)
    }

    /// Refuses a call of which it cannot be known whether it may run.
    pub(crate) fn unreadable(&self, call: &Call, err: &StoreError) -> ToolError {
        tracing::error!(%err, run = %self.run, "what a call depends on could not be read");
        ToolError::Denied {
            tool: call.tool.clone(),
            rule: "provenance".to_owned(),
            reason: "the event log could not be read".to_owned(),
        }
    }
}

/// Says why a standing consent to a command is not enough: it was given to the command, and not to
/// what files say that it may run.
fn unbound(ready: &Ready) -> Option<String> {
    let files = ready.written.names()?;
    let runs = ready.tool.touch() == Touch::Commands;
    runs.then(|| {
        format!(
            "the command may run what was written while something untrusted was in view ({files})"
        )
    })
}

/// Says why a file is not written without a question.
fn taken_up(command: &str) -> String {
    format!("a command runs in this workspace, and may do what is written ({command})")
}

/// Returns the files that arguments name.
fn paths(params: &Value) -> Vec<String> {
    ["path", "file_path"]
        .iter()
        .filter_map(|name| params.get(name)?.as_str())
        .map(str::to_owned)
        .collect()
}
