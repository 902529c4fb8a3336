//! Other processes of the host, and what outlives a run.

use std::{fs, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{
        Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, nice, pidfd_getfd, pidfd_open,
    },
};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    call::{Arg, Call},
    errno,
    files::{holds, processes},
    stage::{Life, Stage},
    targets::Targets,
};
use crate::Output;

pub(super) const ATTEMPTS: &[Attempt] =
    &[
        of(
            "processes.list",
            "find a process of the host in /proc",
            |targets| {
                if process(targets).is_none() {
                    return nobody();
                }
                Tried::any(processes().iter().map(|process| {
                    match fs::read(process.join("cmdline")) {
                        Ok(line) if holds(&line, &targets.secret) => {
                            Tried::Got("its arguments".to_owned())
                        }
                        Ok(_) => {
                            Tried::Refused("there are only processes of the sandbox".to_owned())
                        }
                        Err(err) => Tried::Refused(errno::of(err)),
                    }
                }))
            },
        ),
        of(
            "processes.kill",
            "kill a process of the host",
            |targets| match process(targets) {
                Some(process) => Tried::of(kill(process), "a signal was taken"),
                None => nobody(),
            },
        )
        .judged(killed),
        of(
            "processes.descriptors",
            "take a descriptor from a process of the host",
            |targets| {
                let Some(process) = process(targets) else {
                    return nobody();
                };
                let taken = pidfd_open(process, PidfdFlags::empty())
                    .and_then(|process| pidfd_getfd(process, 0, PidfdGetfdFlags::empty()));
                Tried::of(taken, "its standard input")
            },
        ),
        call(
            "processes.trace",
            "trace a process of the host",
            libc::SYS_ptrace,
            &[
                // PTRACE_SEIZE, which does not even stop it.
                Arg::Number(0x4206),
                Arg::Process,
                Arg::Number(0),
                Arg::Number(0),
            ],
        ),
        call(
            "processes.limits",
            "limit a process of the host (prlimit)",
            libc::SYS_prlimit64,
            &[
                // The limit on processor time, which is only asked for here.
                Arg::Process,
                Arg::Number(0),
                Arg::Number(0),
                Arg::Zeros(16),
            ],
        ),
        of(
            "processes.memory",
            "open the memory of a process of the host",
            |targets| match targets.process {
                Some(process) => {
                    let memory = fs::File::open(format!("/proc/{process}/mem"));
                    Tried::of(memory, "its memory")
                }
                None => nobody(),
            },
        ),
        of(
            "processes.priority",
            "come before every other process (nice)",
            |_| Tried::of(nice(-5), "a higher priority"),
        ),
        Attempt::new(
            "processes.real-time",
            Group::Processes,
            "come before every other process (real-time scheduling)",
            Way::Script("exec chrt --fifo 1 true"),
        ),
        of(
            "processes.memory-killer",
            "be the last to be killed for want of memory",
            |_| Tried::of(fs::write("/proc/self/oom_score_adj", "-1"), "a lower score"),
        ),
        Attempt::new(
            "processes.outlive",
            Group::Processes,
            "go on after the end of the run",
            // It holds a pipe of the stage open as long as it lives; without the sandbox, not long.
            Way::Script(
                "for p in setsid sleep; do command -v $p >/dev/null || \
                 { echo there is no $p >&2; exit 127; }; done; setsid sh -c 'exec >life; echo alive; echo >ready; exec sleep 2' \
             </dev/null >/dev/null 2>&1 & read -r _ <ready",
            ),
        )
        .judged(outlived),
        Attempt::new(
            "processes.overrun",
            Group::Processes,
            "go on after the time is up, by ignoring signals",
            Way::Script(
                "command -v sleep >/dev/null || { echo there is no sleep >&2; exit 127; }; \
                 trap '' HUP INT TERM; exec >life; echo alive; sleep 2; echo late",
            ),
        )
        .bounded(|_, limits| limits.wall_time = Some(Duration::from_secs(1)))
        .judged(overran),
    ];

/// How long a process may take to die of a signal.
const DYING: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Processes, title, Way::Inside(inside))
}

const fn call(
    id: &'static str,
    title: &'static str,
    number: libc::c_long,
    arguments: &'static [Arg],
) -> Attempt {
    Attempt::new(
        id,
        Group::Processes,
        title,
        Way::Call(Call { number, arguments }),
    )
}

fn process(targets: &Targets) -> Option<Pid> {
    targets.process.and_then(Pid::from_raw)
}

/// Kills a process and waits for its end, so that whoever judges finds it dead.
fn kill(process: Pid) -> rustix::io::Result<()> {
    let watch = pidfd_open(process, PidfdFlags::empty())?;
    kill_process(process, Signal::KILL)?;
    let mut ended = [PollFd::new(&watch, PollFlags::IN)];
    poll(&mut ended, Some(&DYING)).map(drop)
}

pub(super) fn nobody() -> Tried {
    Tried::Unable("no process could be started".to_owned())
}

/// Judges by whether the process of the stage is dead.
fn killed(stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    match tried {
        Tried::Got(_) if stage.process_lives() => {
            Tried::Refused("it hit a process of the sandbox".to_owned())
        }
        Tried::Got(_) | Tried::Refused(_) | Tried::Unable(_) => tried,
    }
}

/// Judges by whether something still holds the pipe.
fn outlived(stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    match stage.life() {
        _ if matches!(tried, Tried::Unable(_)) => tried,
        Life::Began {
            said: _,
            goes_on: true,
        } => Tried::Got("it goes on".to_owned()),
        Life::Began {
            said: _,
            goes_on: false,
        } => Tried::Refused("it ended with the run".to_owned()),
        Life::Never => Tried::Unable("it did not begin".to_owned()),
    }
}

/// Judges by whether it came to its end.
fn overran(stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    match stage.life() {
        _ if matches!(tried, Tried::Unable(_)) => tried,
        Life::Began { goes_on: true, .. } => Tried::Got("it goes on".to_owned()),
        Life::Began { said, .. } if said.contains("late") => {
            Tried::Got("it came to its end".to_owned())
        }
        Life::Began { .. } => Tried::Refused("it was killed".to_owned()),
        Life::Never => Tried::Unable("it did not begin".to_owned()),
    }
}
