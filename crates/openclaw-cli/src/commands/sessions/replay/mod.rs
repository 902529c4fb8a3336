//! `openclaw sessions replay`: a recorded turn once more, with the recorded tool results.
//!
//! `document` is what scripts get of it, `text` what people see.

mod document;
mod text;

use clap::Args;
use openclaw_core::ModelRef;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Kind, SessionEvent, SessionEventKind};
use openclaw_gateway::agents::AgentError;
use openclaw_gateway::agents::replay::{Recording, RecordingError, Replay, ReplayStep};
use openclaw_gateway::{Home, ReplayRefused};

use super::find;
use crate::commands::Cx;
use crate::error::CliError;
use crate::signals::Signals;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions replay agent:main:main
  openclaw sessions replay agent:main:main --at 4 --model openai/gpt-5.5
  openclaw sessions replay agent:main:main --dry-run --json";

/// The arguments of `sessions replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The session's key
    key: String,
    /// Begin after the event with this number [default: the last message that was answered]
    #[arg(long, value_name = "N")]
    at: Option<u64>,
    /// Ask this model instead of the recorded one
    #[arg(long, value_name = "PROVIDER/MODEL")]
    model: Option<ModelRef>,
    /// Ask nobody; show what would be sent, and the recorded steps
    #[arg(long)]
    dry_run: bool,
}

/// Why a recorded turn was not replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// There is nothing to begin with.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// There is nobody to ask.
    #[error(transparent)]
    Refused(#[from] ReplayRefused),
    /// The model did not answer.
    #[error(transparent)]
    Step(#[from] AgentError),
}

impl ReplayError {
    /// Returns the kind of this failure.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Recording(err) => err.kind(),
            Self::Refused(err) => err.kind(),
            Self::Step(err) => err.kind(),
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Recording(err) => err.hint(),
            Self::Refused(err) => err.hint(),
            Self::Step(err) => err.hint(),
        }
    }
}

/// What there is to be shown of a replay, once it is over.
#[derive(Debug)]
struct Outcome {
    recording: Recording,
    recorded_model: Option<ModelRef>,
    /// None when nothing waited for a model.
    replay: Option<Replay>,
    /// None when nobody was to be asked.
    steps: Option<Vec<ReplayStep>>,
}

pub(super) async fn replay(cx: Cx<'_>, state: &StateDir, args: ReplayArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    let events = store.read(&session.key, 1..=u64::MAX).await?;
    let agent = session.key.agent();
    let mut recording = Recording::new(session.key, &events, args.at).map_err(ReplayError::from)?;
    let Some(turn) = recording.turn.take() else {
        return nothing(cx, recording);
    };
    let (message, recorded_model) = (turn.message(), turn.model().cloned());
    let home = Home::open(cx.env.clone(), cx.overrides)?;
    let (mut replay, keys_read) =
        openclaw_gateway::replay(&home, &agent, turn, args.model.as_ref())
            .map_err(ReplayError::from)?;
    for entry in keys_read {
        store.audit(entry).await?;
    }
    // The model may take its time, and nothing more is needed of the log.
    drop(store);
    let people = !cx.out.is_json();
    if people {
        text::head(cx.out, &recording, &question(&events, message))?;
        text::models(cx.out, recorded_model.as_ref(), &replay.model())?;
    }
    let steps = if args.dry_run {
        None
    } else {
        Some(take(cx, &mut replay).await?)
    };
    if !people {
        let outcome = Outcome {
            recording,
            recorded_model,
            replay: Some(replay),
            steps,
        };
        return cx.out.answer(&document::document(&outcome), &[]);
    }
    match steps {
        Some(steps) => text::end(cx.out, &replay, &steps),
        None => text::plan(cx.out, &replay),
    }
}

/// Takes all steps, and shows each to people when it is taken.
async fn take(cx: Cx<'_>, replay: &mut Replay) -> Result<Vec<ReplayStep>, CliError> {
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let mut steps = Vec::new();
    loop {
        let step = tokio::select! {
            step = replay.step() => step.map_err(ReplayError::from)?,
            () = signals.stop() => return Err(CliError::Interrupted),
        };
        let Some(step) = step else { return Ok(steps) };
        if !cx.out.is_json() {
            text::step(cx.out, &step)?;
        }
        steps.push(step);
    }
}

/// Shows a session at an event after which no model is asked.
fn nothing(cx: Cx<'_>, recording: Recording) -> Result<(), CliError> {
    let warning = format!(
        "after event {} no message waits for an answer; `openclaw sessions events {}` shows the messages",
        recording.at, recording.session
    );
    if cx.out.is_json() {
        let outcome = Outcome {
            recording,
            recorded_model: None,
            replay: None,
            steps: None,
        };
        return cx.out.answer(&document::document(&outcome), &[warning]);
    }
    text::head(cx.out, &recording, "nothing to replay")?;
    cx.out.warning(warning);
    Ok(())
}

/// Returns what a turn is the answer to.
fn question(events: &[SessionEvent], message: u64) -> String {
    let event = events.iter().find(|event| event.seq == message);
    match event.map(|event| &event.kind) {
        Some(SessionEventKind::MessageReceived { content, .. }) => {
            format!("message {message}: {content}")
        }
        _ => format!("message {message}"),
    }
}
