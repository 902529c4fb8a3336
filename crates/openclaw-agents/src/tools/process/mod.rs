//! `process`: looks at the commands that go on in the background, and writes to them.

mod keys;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::events::ToolPayload;
use openclaw_core::provenance::Mark;
use openclaw_sandbox::Status;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::exec::{ending, payload};
use super::{Effect, Tool, ToolCx, ToolError, ToolOutput, Touch};
use crate::jobs::{At, Fate, Job};
use crate::taint::add_all;

/// How many lines of a log are shown unless something else is said.
const LINES: usize = 200;

/// The longest that one call waits for news.
const LONGEST: Duration = Duration::from_secs(30);

/// The most lines and bytes that one call writes.
const MAX_DATA: usize = 64 * 1024;

/// Looks at the commands that go on in the background.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessTool;

/// The arguments of `process`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessArgs {
    /// What to do.
    action: Action,
    /// Which command, by the `sessionId` that `exec` returned; `list` needs none.
    #[serde(default, rename = "sessionId")]
    session_id: Option<String>,
    /// For `poll`: milliseconds to wait for news, at most 30000.
    #[serde(default)]
    timeout: Option<u64>,
    /// For `log`: the first line, from 0; without it the last lines.
    #[serde(default)]
    offset: Option<usize>,
    /// For `log`: how many lines.
    #[serde(default)]
    limit: Option<usize>,
    /// For `write`: what to write to its standard input.
    #[serde(default)]
    data: Option<String>,
    /// For `write`: close the input after that.
    #[serde(default)]
    eof: bool,
    /// For `send-keys`: names such as `Enter`, `C-c`, `Up`.
    #[serde(default)]
    keys: Vec<String>,
    /// For `send-keys`: text to type as it is.
    #[serde(default)]
    literal: Option<String>,
    /// For `paste`: the text.
    #[serde(default)]
    text: Option<String>,
}

/// What to do with a background command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    /// List them.
    List,
    /// What one has said since the last look, and how it ended.
    Poll,
    /// What one has said so far.
    Log,
    /// Write to its standard input.
    Write,
    /// Press keys at its terminal.
    SendKeys,
    /// Press Enter at its terminal.
    Submit,
    /// Paste text at its terminal.
    Paste,
    /// End it.
    Kill,
    /// Forget one that has ended.
    Clear,
    /// End it if it runs, and forget it.
    Remove,
}

#[async_trait]
impl Tool for ProcessTool {
    const NAME: &'static str = "process";
    const DESCRIPTION: &'static str = "Looks at commands that `exec` left running in the \
        background, writes to them and ends them.";
    const TOUCH: Touch = Touch::Commands;
    const EFFECT: Effect = Effect::Exec;
    type Args = ProcessArgs;

    fn effect(params: &Value) -> Effect {
        let action = params.get("action").and_then(Value::as_str);
        match action {
            // The principal's own commands are within reach, too: to end one is to do something.
            Some("write" | "send-keys" | "submit" | "paste" | "kill" | "clear" | "remove") => {
                Effect::Exec
            }
            _ => Effect::Read,
        }
    }

    fn about(&self, params: &Value, cx: &ToolCx) -> Option<String> {
        let id = params.get("sessionId").and_then(Value::as_str)?;
        let job = cx.world.jobs.find(&cx.caller, id).ok()?;
        Some(format!("command in the background: {}", job.command()))
    }

    async fn run(&self, args: ProcessArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let jobs = &cx.world.jobs;
        if args.action == Action::List {
            let jobs = jobs.of(&cx.caller);
            let list: Vec<Value> = jobs.iter().map(|job| Value::Object(facts(job))).collect();
            return Ok(ToolOutput {
                marks: marks(&jobs),
                ..ToolOutput::of(json!({ "processes": list }))
            });
        }
        let id = args.session_id.as_deref().ok_or_else(|| {
            ToolError::ForModel("`sessionId` is missing: which command is meant?".to_owned())
        })?;
        let find = jobs.find(&cx.caller, id);
        let job = find.map_err(|err| ToolError::ForModel(err.to_string()))?;
        match args.action {
            Action::List => {}
            Action::Poll => {
                let wait = Duration::from_millis(args.timeout.unwrap_or_default()).min(LONGEST);
                job.changed(wait).await;
            }
            Action::Log => {
                return Ok(ToolOutput {
                    marks: job.marks(),
                    ..ToolOutput::of(page(&job, &args))
                });
            }
            Action::Write | Action::SendKeys | Action::Submit | Action::Paste => {
                job.marked(&cx.in_view);
                type_into(&job, &args).await?;
            }
            Action::Kill => {
                job.stop();
                job.ended().await;
            }
            Action::Clear if job.fate().is_none() => {
                return Err(ToolError::ForModel(
                    "it still runs: `kill` it first, or `remove` it".to_owned(),
                ));
            }
            Action::Clear => jobs.remove(&job),
            Action::Remove => {
                jobs.remove(&job);
                job.ended().await;
            }
        }
        Ok(look(&job))
    }
}

async fn type_into(job: &Arc<Job>, args: &ProcessArgs) -> Result<(), ToolError> {
    let missing = |name: &str| ToolError::ForModel(format!("`{name}` is missing"));
    let bytes = match args.action {
        Action::Write => match (&args.data, args.eof) {
            (None, false) => return Err(missing("data")),
            (data, _) => data.clone().unwrap_or_default().into_bytes(),
        },
        Action::SendKeys => {
            let mut bytes = args.literal.clone().unwrap_or_default().into_bytes();
            for key in &args.keys {
                let key = keys::bytes(key).ok_or_else(|| {
                    ToolError::ForModel(format!(
                        "there is no key `{key}`; there are {}",
                        keys::NAMED
                    ))
                })?;
                bytes.extend(key);
            }
            if bytes.is_empty() {
                return Err(missing("keys"));
            }
            bytes
        }
        Action::Paste => {
            let text = args.text.clone().ok_or_else(|| missing("text"))?;
            text.into_bytes()
        }
        _ => match job.at() {
            At::Terminal => b"\r".to_vec(),
            At::Pipes => b"\n".to_vec(),
        },
    };
    if bytes.len() > MAX_DATA {
        return Err(ToolError::ForModel(format!(
            "one call writes at most {MAX_DATA} bytes; write a file instead"
        )));
    }
    let failed = |err: std::io::Error| ToolError::ForModel(err.to_string());
    if !bytes.is_empty() {
        job.write(&bytes).await.map_err(failed)?;
    }
    if args.eof {
        job.close().await.map_err(failed)?;
    }
    Ok(())
}

/// Returns what is new about a job.
fn look(job: &Job) -> ToolOutput {
    let mut result = facts(job);
    let news = job.news();
    result.insert("output".to_owned(), json!(news.text));
    if news.left_out > 0 {
        result.insert("leftOutBytes".to_owned(), json!(news.left_out));
    }
    let (success, payload) = match job.fate().map(|fate| fate.output) {
        None => (true, ToolPayload::default()),
        Some(Ok(output)) => (
            matches!(output.status, Status::Exited(0) | Status::Cancelled),
            payload(&output),
        ),
        Some(Err(_)) => (false, ToolPayload::default()),
    };
    ToolOutput {
        result: Value::Object(result),
        success,
        payload,
        marks: job.marks(),
        wrote: Vec::new(),
        calls: Vec::new(),
    }
}

fn facts(job: &Job) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("sessionId".to_owned(), json!(job.id()));
    facts.insert("command".to_owned(), json!(job.command()));
    match job.fate() {
        None => {
            facts.insert("status".to_owned(), json!("running"));
            facts.insert("runningSeconds".to_owned(), json!(job.age().as_secs()));
        }
        Some(Fate {
            output: Ok(output), ..
        }) => {
            let status = match output.status {
                Status::Exited(0) => "completed",
                Status::Cancelled => "killed",
                Status::Exited(_) | Status::Signaled(_) | Status::TimedOut => "failed",
            };
            facts.insert("status".to_owned(), json!(status));
            facts.extend(ending(&output));
        }
        Some(Fate {
            output: Err(why), ..
        }) => {
            facts.insert("status".to_owned(), json!("failed"));
            facts.insert("error".to_owned(), json!(why));
        }
    }
    facts
}

fn page(job: &Job, args: &ProcessArgs) -> Value {
    let page = job.page(args.offset, args.limit.unwrap_or(LINES));
    let mut result = facts(job);
    result.insert("output".to_owned(), json!(page.text));
    result.insert("offset".to_owned(), json!(page.offset));
    result.insert("lines".to_owned(), json!(page.lines));
    if page.dropped > 0 {
        result.insert("droppedBytes".to_owned(), json!(page.dropped));
    }
    Value::Object(result)
}

/// Returns the marks of several jobs, each once.
fn marks(jobs: &[Arc<Job>]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for job in jobs {
        add_all(&mut marks, job.marks());
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_a_command_counts_as_running_one_and_looking_does_not() {
        let effect = |action: &str| ProcessTool::effect(&json!({ "action": action }));
        for action in [
            "write",
            "send-keys",
            "submit",
            "paste",
            "kill",
            "clear",
            "remove",
        ] {
            assert_eq!(effect(action), Effect::Exec, "{action}");
        }
        for action in ["list", "poll", "log"] {
            assert_eq!(effect(action), Effect::Read, "{action}");
        }
    }
}
