//! Making attempts: each on a stage of its own, with the sandbox and without.

use std::{num::NonZero, sync::Arc, thread::available_parallelism, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Control, Finding, Outcome,
    attempt::{Attempt, Bare, Tried, Way},
    call, errno, limits, network,
    stage::Stage,
    table,
};
use crate::{
    Command, Limits, Output, Reach, Sandbox, SandboxConfig, SandboxError, SandboxLevel, Status,
    Stdin,
    init::{self, orders::Then},
};

/// How long one attempt may take; none needs more than a few seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much is kept of what an attempt says.
const WORDS: usize = 64 * 1024;

/// Under what circumstances an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circumstances {
    /// At this level, within the limits that it tries to exceed.
    Level(SandboxLevel),
    /// Without a sandbox and without those limits.
    Control,
}

/// Makes every attempt that means something for this sandbox.
pub(super) async fn all(
    sandbox: &Sandbox,
    level: SandboxLevel,
    hear: impl FnMut(u64, u64),
) -> Result<Vec<Finding>, SandboxError> {
    let by_proxy = level == SandboxLevel::Relaxed && matches!(sandbox.reach, Reach::Proxy(_));
    let more = if by_proxy { network::BY_PROXY } else { &[] };
    each(sandbox, level, table::all().chain(more), hear).await
}

/// Makes these attempts, a few at once, and returns what came of each in their order.
pub(super) async fn each(
    sandbox: &Sandbox,
    level: SandboxLevel,
    attempts: impl Iterator<Item = &'static Attempt>,
    mut hear: impl FnMut(u64, u64),
) -> Result<Vec<Finding>, SandboxError> {
    // A sandbox that refuses everything would pass every test.
    let nothing = Command::new("true").wall_time(PATIENCE);
    let config = SandboxConfig {
        level,
        ..SandboxConfig::default()
    };
    drop(sandbox.execute(&config, &nothing).await?);

    let mut open = JoinSet::new();
    let at_once = available_parallelism().map_or(2, NonZero::get).clamp(2, 4);
    let turns = Arc::new(Semaphore::new(at_once));
    for (n, attempt) in attempts.enumerate() {
        let (sandbox, turns) = (sandbox.clone(), Arc::clone(&turns));
        drop(open.spawn(async move {
            let turn = turns.acquire().await;
            let finding = one(&sandbox, level, attempt).await;
            drop(turn);
            (n, finding)
        }));
    }
    let total = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let mut found = Vec::new();
    while let Some(ended) = open.join_next().await {
        let Ok(finding) = ended else {
            let task = "an escape attempt";
            return Err(SandboxError::Lost { task });
        };
        found.push(finding);
        hear(u64::try_from(found.len()).unwrap_or(u64::MAX), total);
    }
    found.sort_by_key(|(n, _)| *n);
    Ok(found.into_iter().map(|(_, finding)| finding).collect())
}

async fn one(sandbox: &Sandbox, level: SandboxLevel, attempt: &'static Attempt) -> Finding {
    let began = Instant::now();
    let bare = level == SandboxLevel::None;
    let outcome = match attempt.control {
        Bare::Never(why) if bare => Tried::Unable(why.to_owned()),
        Bare::Never(_) | Bare::Same | Bare::Room => {
            made(sandbox, Circumstances::Level(level), attempt).await
        }
    };
    let control = match attempt.control {
        _ if bare => Control::Untried("this is without the sandbox".to_owned()),
        Bare::Never(why) => Control::Untried(why.to_owned()),
        Bare::Same | Bare::Room => match made(sandbox, Circumstances::Control, attempt).await {
            Tried::Got(_) => Control::Open,
            Tried::Refused(how) => Control::Closed(how),
            Tried::Unable(why) => Control::Untried(why),
        },
    };
    Finding {
        id: attempt.id,
        group: attempt.group,
        title: attempt.title,
        outcome: match outcome {
            Tried::Got(what) => Outcome::Escaped(what),
            Tried::Refused(how) => Outcome::Refused(how),
            Tried::Unable(why) => Outcome::Skipped(why),
        },
        control,
        duration: began.elapsed(),
    }
}

/// Makes one attempt on a new stage and returns what the host makes of it.
async fn made(sandbox: &Sandbox, under: Circumstances, attempt: &Attempt) -> Tried {
    let mut stage = match Stage::set(sandbox, attempt.group).await {
        Ok(stage) => stage,
        Err(err) => return Tried::Unable(format!("nothing could be set out for it: {err}")),
    };
    let level = match under {
        Circumstances::Level(level) => level,
        Circumstances::Control => SandboxLevel::None,
    };
    if attempt.way.needs_a_process() && stage.targets.process.is_none() {
        return Tried::Unable("no process could be started".to_owned());
    }
    // What would harm the host without a sandbox is done where nobody else is.
    stage.targets.room = level == SandboxLevel::None && matches!(attempt.control, Bare::Room);
    let output = match run(sandbox, under, level, attempt, &stage).await {
        Ok(output) => output,
        Err(err) if err.kind() == openclaw_core::Kind::Denied => {
            return Tried::Refused(format!("the whole run: {err}"));
        }
        Err(err) => return Tried::Unable(err.to_string()),
    };
    let tried = read(&attempt.way, &output);
    (attempt.judge)(&stage, &output, tried)
}

async fn run(
    sandbox: &Sandbox,
    under: Circumstances,
    level: SandboxLevel,
    attempt: &Attempt,
    stage: &Stage,
) -> Result<Output, SandboxError> {
    let mut config = SandboxConfig {
        level,
        allowed_paths: vec![stage.targets.workspace.clone()],
        network_access: network::BY_PROXY.iter().any(|by| by.id == attempt.id),
        ..SandboxConfig::default()
    };
    let mut command = match &attempt.way {
        Way::Inside(_) => {
            let targets = serde_json::to_vec(&stage.targets).map_err(|err| SandboxError::Io {
                action: "writing down the targets",
                source: err.into(),
            })?;
            Command::new(init::NAME).stdin(Stdin::Bytes(targets))
        }
        Way::Call(call) => Command::shell(call::script(call, &stage.targets)),
        Way::Script(script) => Command::shell(*script),
    };
    command.limits = Limits {
        wall_time: Some(PATIENCE),
        kept_bytes: WORDS,
        forwarded_bytes: 0,
        ..command.limits
    };
    match under {
        Circumstances::Level(_) => {
            if let Some(bounds) = attempt.bounds {
                bounds(&mut config, &mut command.limits);
            }
        }
        Circumstances::Control => limits::lift(&mut config, &mut command.limits),
    }
    let stop = CancellationToken::new();
    let then = match attempt.way {
        Way::Inside(_) => Then::Attempts(vec![attempt.id.to_owned()]),
        Way::Call(_) | Way::Script(_) => Then::Command,
    };
    let running = sandbox.launch_then(&config, &command, then, stop).await?;
    running.wait().await
}

/// Reads what an attempt says of itself.
fn read(way: &Way, output: &Output) -> Tried {
    let said = String::from_utf8_lossy(&output.stdout);
    let code = match output.status {
        Status::Exited(code) => code,
        Status::Signaled(number) => {
            return Tried::Refused(format!("killed by {}", errno::signal(number)));
        }
        Status::TimedOut => return Tried::Refused("killed when its time was up".to_owned()),
        Status::Cancelled => return Tried::Unable("it was cancelled".to_owned()),
    };
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.trim().lines().last().unwrap_or_default();
    match (way, code) {
        (Way::Inside(_), 0) => match said.trim().lines().last().map(serde_json::from_str) {
            Some(Ok(tried)) => tried,
            Some(Err(_)) | None => Tried::Unable("it said nothing that makes sense".to_owned()),
        },
        (Way::Call(_), call::NO_INTERPRETER) => {
            Tried::Unable("it needs perl or python3".to_owned())
        }
        (Way::Call(_), 0) => call::outcome(&said),
        (Way::Script(_), 0) => Tried::Got("it succeeded".to_owned()),
        (Way::Script(_), 126 | 127) => Tried::Unable(complaint.to_owned()),
        (Way::Script(_), code) if complaint.is_empty() => {
            Tried::Refused(format!("exit code {code}"))
        }
        (Way::Script(_), _) => Tried::Refused(complaint.to_owned()),
        (Way::Inside(_) | Way::Call(_), code) => {
            Tried::Unable(format!("it ended with code {code}: {complaint}"))
        }
    }
}
