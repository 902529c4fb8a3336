//! `openclaw agent`: one message to the agent, through the gateway if one runs, otherwise in this
//! process.

mod answer;
mod asking;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use openclaw_core::access::Admitted;
use openclaw_core::session_key::Scope;
use openclaw_core::usage::Attended;
use openclaw_core::validation::{MAX_MESSAGE_SIZE, validate_message, validate_message_bytes};
use openclaw_core::{AgentId, ModelRef, RunId, SessionKey};
use openclaw_gateway::{Gateway, GatewayBuilder, Home, Running, renewal};
use openclaw_ipc::methods::{
    ApprovalsResolve, ApprovalsResolveParams, QueueMode, SessionCancel, SessionCancelParams,
    SessionCreate, SessionCreateParams, SessionMessage, SessionMessageOutput, SessionMessageParams,
};
use tokio::{task, time};

use super::Cx;
use crate::conversation::{Conversation, Detail};
use crate::error::CliError;
use crate::logging::{self, Stderr};
use crate::output::Look;
use crate::remote;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

/// How long facts about a turn may come after its answer, and how long a cancelled run may take.
const PATIENCE: Duration = Duration::from_secs(2);

const EXAMPLES: &str = "\
Examples:
  openclaw agent --message \"list the files in the workspace\"
  openclaw agent --new --message \"start over\"
  git diff | openclaw agent --message -
  openclaw agent --record bug.jsonl --message \"list the files\"
  openclaw agent --model replay/bug.jsonl --new --message \"list the files\"";

/// The arguments of `agent`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AgentArgs {
    /// What to say; `-` reads it from standard input
    #[arg(long, short, value_name = "TEXT", allow_hyphen_values = true)]
    message: String,
    /// The session to say it in [default: agent:main:main]
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// The agent to say it to, in its main session [default: the default agent]
    #[arg(long, value_name = "ID", conflicts_with = "session")]
    agent: Option<String>,
    /// Say it in a new session
    #[arg(long, conflicts_with = "session")]
    new: bool,
    /// Ask this model instead of the agent's own; `replay/FILE` plays a recording
    #[arg(long, value_name = "PROVIDER/MODEL")]
    model: Option<ModelRef>,
    /// Record what the models are asked and answer, without secrets, in a new file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Nobody waits for the answer: what such runs may cost has caps of its own
    #[arg(long)]
    unattended: bool,
    /// What becomes of it if the session has a run [default: as the config says]
    #[arg(long, value_name = "MODE")]
    queue: Option<Queue>,
}

/// What becomes of a message that arrives during a run.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Queue {
    /// The run takes it in before the model decides again
    Steer,
    /// It has a run of its own afterwards
    Followup,
    /// It has one run afterwards, together with others
    Collect,
    /// The run ends, and it has the next one
    Interrupt,
}

impl From<Queue> for QueueMode {
    fn from(queue: Queue) -> Self {
        match queue {
            Queue::Steer => Self::Steer,
            Queue::Followup => Self::Followup,
            Queue::Collect => Self::Collect,
            Queue::Interrupt => Self::Interrupt,
        }
    }
}

/// What is said, and whether anybody waits for the answer.
#[derive(Debug)]
struct Said {
    text: String,
    attended: Attended,
    queue: Option<QueueMode>,
}

/// Which session a message goes to.
#[derive(Debug)]
enum Target {
    Existing(SessionKey),
    New(AgentId),
}

impl Target {
    fn agent(&self) -> AgentId {
        match self {
            Self::Existing(key) => key.agent(),
            Self::New(agent) => agent.clone(),
        }
    }
}

/// What happened to a message.
#[derive(Debug)]
struct Turn {
    session: SessionKey,
    answer: SessionMessageOutput,
    duration: Duration,
}

pub(crate) fn run(cx: Cx<'_>, args: AgentArgs) -> Result<ExitCode, CliError> {
    let message = Said {
        text: message(&args.message)?,
        attended: if args.unattended {
            Attended::No
        } else {
            Attended::Yes
        },
        queue: args.queue.map(QueueMode::from),
    };
    let home = cx.home_to_call()?;
    let agent = args
        .agent
        .map_or_else(|| home.default_agent(), AgentId::from);
    let target = match args.session {
        _ if args.new => Target::New(agent),
        Some(key) => Target::Existing(SessionKey::parse(&key)?),
        None => Target::Existing(SessionKey::main(&agent)?),
    };
    let running = home.running()?;
    let home = prepared(
        home,
        &target,
        args.model,
        args.record.as_deref(),
        running.as_ref(),
    )?;
    runtime::block_on(Threads::Two, async {
        let turn = match running {
            Some(running) => remote(cx, &home, &running, target, message).await,
            None => embedded(cx, &home, target, message).await,
        };
        // What was recorded of a turn that failed is wanted most.
        if let Some(file) = &args.record {
            let exchanges = home.end_recording()?;
            let of = if exchanges == 1 { "call" } else { "calls" };
            let file = file.display();
            cx.out
                .note(format_args!("{exchanges} model {of} recorded in `{file}`"));
        }
        let turn = turn?;
        if cx.out.is_json() {
            cx.out.document(&answer::document(&turn))?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(model) = &turn.answer.fallback {
            cx.out
                .note(format_args!("`{model}` stood in for the agent's own model"));
        }
        if let Some(line) = answer::unfinished(&turn.answer) {
            cx.out.note(cx.out.look_aside(Look::Doubtful, &line));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Returns the home with the model and the recording that are asked for, which only a turn in this
/// process can have.
fn prepared(
    mut home: Home,
    target: &Target,
    model: Option<ModelRef>,
    record: Option<&Path>,
    running: Option<&Running>,
) -> Result<Home, CliError> {
    let flags = [("--model", model.is_some()), ("--record", record.is_some())];
    if running.is_some()
        && let Some((flag, _)) = flags.into_iter().find(|(_, is_given)| *is_given)
    {
        let root = home.state.root().to_owned();
        return Err(CliError::GatewayRuns { flag, root });
    }
    if let Some(model) = model {
        home = home.asking(&target.agent(), &model);
    }
    match record {
        Some(file) => Ok(home.recorded(file)?),
        None => Ok(home),
    }
}

fn message(text: &str) -> Result<String, CliError> {
    if text != "-" {
        return Ok(validate_message(text).map(str::to_owned)?);
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_MESSAGE_SIZE).unwrap_or(u64::MAX);
    // One byte more than allowed shows that there is too much; what follows need not be read.
    io::stdin()
        .lock()
        .take(most.saturating_add(2))
        .read_to_end(&mut bytes)
        .map_err(CliError::Input)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(validate_message_bytes(&bytes).map(str::to_owned)?)
}

fn create(agent: AgentId) -> SessionCreateParams {
    SessionCreateParams {
        agent_id: Some(agent),
        ..SessionCreateParams::default()
    }
}

/// Says it through the gateway that is running.
async fn remote(
    cx: Cx<'_>,
    home: &Home,
    running: &Running,
    target: Target,
    message: Said,
) -> Result<Turn, CliError> {
    let mut client = remote::connect(home, running).await?;
    let session = match target {
        Target::Existing(key) => key,
        Target::New(agent) => {
            client
                .call::<SessionCreate>(&create(agent))
                .await?
                .session_key
        }
    };
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    // With a name of its own, the message can be sent again when the connection is lost.
    let once = RunId::generate().to_string();
    client.follow(None, Some(vec![session.clone()])).await?;
    let (mut shown, mut params, began) = begin(cx, &session, message);
    params.idempotency_key = Some(once);
    let (ear, mut asker) = asking::asker(cx, &session);
    let deciding = async {
        loop {
            let (id, decision) = asker.decision().await;
            // On a connection of its own: the other one waits for the answer of the turn.
            let decided = async {
                let params = ApprovalsResolveParams { id, decision };
                let mut client = remote::connect(home, running).await?;
                Ok::<_, CliError>(client.call::<ApprovalsResolve>(&params).await?)
            };
            if let Err(err) = decided.await {
                cx.out.warning(err);
            }
        }
    };
    let outcome = tokio::select! {
        outcome = client.call_with::<SessionMessage>(&params, |notification| {
            ear.take(&notification);
            if let Some(shown) = &mut shown {
                shown.take(notification);
            }
        }) => outcome,
        () = deciding => return Err(CliError::Interrupted),
        () = signals.stop() => {
            let cancel = SessionCancelParams { session_key: session };
            // The run ends by itself sooner or later if the gateway does not answer any more.
            drop(time::timeout(PATIENCE, client.call::<SessionCancel>(&cancel)).await);
            return end(shown, None).and(Err(CliError::Interrupted));
        }
    };
    let duration = began.elapsed();
    if outcome.is_ok() {
        let rest = async {
            while let Some(shown) = shown.as_mut().filter(|shown| !shown.is_over()) {
                shown.take(client.next_notification().await?);
            }
            Ok::<(), CliError>(())
        };
        // The answer itself is there; what is missing after this only decorates it.
        drop(time::timeout(PATIENCE, rest).await);
    }
    end(shown, outcome.as_ref().ok())?;
    Ok(Turn {
        session,
        answer: outcome?,
        duration,
    })
}

/// Says it to an agent in this process.
async fn embedded(
    cx: Cx<'_>,
    home: &Home,
    target: Target,
    message: Said,
) -> Result<Turn, CliError> {
    let settings = home.config.agent(&target.agent());
    if let Some(settings) = settings.filter(|settings| settings.model.is_none()) {
        return Err(CliError::no_model(home, settings));
    }
    for problem in logging::follow(home, Stderr::AsBefore) {
        cx.out.warning(problem);
    }
    renewal::renew_due(home).await;
    // Reading keys may mean to open the credential store, which takes long.
    let gateway = task::block_in_place(|| GatewayBuilder::from_home(home))?.build();
    let turn = embedded_turn(cx, &gateway, target, message).await;
    gateway.close().await;
    turn
}

async fn embedded_turn(
    cx: Cx<'_>,
    gateway: &Gateway,
    target: Target,
    message: Said,
) -> Result<Turn, CliError> {
    let owner = Admitted::local_owner();
    let session = match target {
        Target::Existing(key) => key,
        Target::New(agent) => {
            gateway
                .call::<SessionCreate>(owner.clone(), create(agent))
                .await?
                .session_key
        }
    };
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let mut live = gateway.live();
    let (mut shown, params, began) = begin(cx, &session, message);
    let call = gateway.call::<SessionMessage>(owner.clone(), params);
    tokio::pin!(call);
    let mut interrupted = false;
    let (ear, mut asker) = asking::asker(cx, &session);
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = call.as_mut() => break outcome,
            notification = live.next() => {
                let notification = notification?;
                ear.take(&notification);
                if let Some(shown) = &mut shown {
                    shown.take(notification);
                }
            }
            (id, decision) = asker.decision() => {
                let params = ApprovalsResolveParams { id, decision };
                let decided = gateway.call::<ApprovalsResolve>(owner.clone(), params).await;
                if let Err(err) = decided {
                    cx.out.warning(err);
                }
            }
            () = signals.stop() => {
                // The call ends with the run that is cancelled here, once its end is on record.
                interrupted = true;
                let cancel = SessionCancelParams { session_key: session.clone() };
                drop(gateway.call::<SessionCancel>(owner.clone(), cancel).await);
            }
        }
    };
    let duration = began.elapsed();
    if outcome.is_ok() {
        let rest = async {
            while let Some(shown) = shown.as_mut().filter(|shown| !shown.is_over()) {
                shown.take(live.next().await?);
            }
            Ok::<(), CliError>(())
        };
        drop(time::timeout(PATIENCE, rest).await);
    }
    end(shown, outcome.as_ref().ok())?;
    if interrupted && outcome.is_err() {
        return Err(CliError::Interrupted);
    }
    Ok(Turn {
        session,
        answer: outcome?,
        duration,
    })
}

/// Prepares what is shown of a turn, what is sent, and the clock.
fn begin<'a>(
    cx: Cx<'a>,
    session: &SessionKey,
    message: Said,
) -> (Option<Conversation<'a>>, SessionMessageParams, Instant) {
    let shown = (!cx.out.is_json())
        .then(|| Conversation::new(cx.out, Detail::Answer, session, &message.text));
    if !cx.out.is_json() && session.scope() != Scope::Main {
        cx.out
            .note(cx.out.look_aside(Look::Dim, &format!("session {session}")));
    }
    let params = SessionMessageParams {
        session_key: session.clone(),
        content: message.text,
        attachments: Vec::new(),
        idempotency_key: None,
        attended: message.attended,
        queue: message.queue,
        sender: None,
    };
    (shown, params, Instant::now())
}

fn end(
    shown: Option<Conversation<'_>>,
    answer: Option<&SessionMessageOutput>,
) -> Result<(), CliError> {
    shown.map_or(Ok(()), |shown| shown.finish(answer))
}
