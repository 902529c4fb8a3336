//! What the first program does, in this order.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::fd::{AsFd as _, BorrowedFd},
    process::ExitCode,
};

use rustix::{
    io::Errno,
    process::{Signal, getppid, ioctl_tiocsctty, set_parent_process_death_signal, setsid},
    stdio::{dup2_stderr, dup2_stdout},
    thread::set_no_new_privs,
};

use super::{
    NAME, descriptors,
    files::{self, Enforced},
    filter::{self, FilterError},
    handover::{self, Received},
    limits,
    orders::{Files, Orders, Privileges, Surroundings, Then},
    privileges, program,
    report::{Refusal, Report},
};
use crate::{Guard, attempts, protected};

/// The exit code when the command was not run; the report says why.
const REFUSED: u8 = 125;

/// What keeps the listener of the proxy from being passed on.
const CROWDED: &str = "opening the way to the proxy: processes of this user have too many open \
                       files in messages that nobody receives; end them, or raise the limit on \
                       open files";

/// Follows the orders on standard input.
pub(super) fn act(argv: &[OsString]) -> ExitCode {
    let socket = io::stdin();
    let Received {
        orders,
        report,
        stdin,
        groups,
    } = match Received::take(socket.as_fd()) {
        Ok(received) => received,
        Err(err) => {
            // Nobody is left to hear that the line could not be written.
            drop(writeln!(
                io::stderr(),
                "{NAME} is started by openclaw, not by hand: {err}"
            ));
            return ExitCode::from(REFUSED);
        }
    };
    let mut report = Report::new(report);
    let entered = enter(&orders, &groups, &[report.as_fd(), stdin.as_fd()])
        .and_then(|()| rustix::stdio::dup2_stdin(&stdin).map_err(at("replacing the input")))
        .and_then(|()| {
            if orders.terminal {
                at_a_terminal()
            } else {
                Ok(())
            }
        })
        .and_then(|()| look(&orders))
        .and_then(|()| restrict(&orders, &mut report))
        .and_then(|()| orders.parent.map_or(Ok(()), end_with))
        .and_then(|()| report.began().map_err(at("writing the report")));
    drop((groups, stdin));
    if let Err(refusal) = entered {
        drop(report.refused(refusal));
        return ExitCode::from(REFUSED);
    }
    drop(report);
    match &orders.then {
        Then::Command => program::become_the(argv),
        Then::Attempts(names) => attempts::run(names),
    }
}

/// Does what needs descriptors of the host, and closes all others.
fn enter(orders: &Orders, groups: &[File], needed: &[BorrowedFd<'_>]) -> Result<(), Refusal> {
    if orders.version != Orders::VERSION {
        let (theirs, ours) = (&orders.version, Orders::VERSION);
        return Err(Refusal {
            guard: None,
            detail: format!("{NAME} is of version {ours} and got orders of version {theirs}"),
        });
    }
    let keep: Vec<_> = groups
        .iter()
        .map(File::as_fd)
        .chain(needed.iter().copied())
        .collect();
    descriptors::close_all_but(&keep).map_err(at("closing descriptors"))?;
    for mut group in groups {
        // Zero is whoever writes it.
        group
            .write_all(b"0")
            .map_err(at("entering a control group"))?;
    }
    if let Some(port) = orders.proxy {
        // Whoever listens here is outside; the socket remembers in which network it was made.
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .and_then(|proxy| {
                limits::lifted(|| handover::send(io::stdin().as_fd(), &[proxy.as_fd()]))?
            })
            .map_err(|err| {
                let crowded = err.raw_os_error() == Some(Errno::TOOMANYREFS.raw_os_error());
                at(if crowded {
                    CROWDED
                } else {
                    "opening the way to the proxy"
                })(err)
            })?;
    }
    Ok(())
}

/// Makes the standard input, a terminal, the one that controls the command, and its output too.
fn at_a_terminal() -> Result<(), Refusal> {
    // Who leads a process group already cannot lead a session: without bubblewrap around it the
    // command has a terminal, but no job control.
    if setsid().is_ok() {
        ioctl_tiocsctty(io::stdin()).map_err(at("taking the terminal"))?;
    }
    dup2_stdout(io::stdin())
        .and_then(|()| dup2_stderr(io::stdin()))
        .map_err(at("replacing the output"))
}

/// Makes sure that no path was exchanged while bubblewrap went there.
fn look(orders: &Orders) -> Result<(), Refusal> {
    protected::check(&orders.seen).map_err(|path| Refusal {
        guard: None,
        detail: format!("`{}` is not what it was a moment ago", path.display()),
    })
}

/// Has the kernel end this process, and so the command that it becomes, when its parent ends.
///
/// After capabilities are given up, which the kernel takes for becoming somebody else.
fn end_with(parent: u32) -> Result<(), Refusal> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("watching the parent"))?;
    let still = getppid().map(|pid| pid.as_raw_nonzero().get().cast_unsigned());
    if still == Some(parent) {
        return Ok(());
    }
    Err(Refusal {
        guard: None,
        detail: "the program that asked for the command has ended".to_owned(),
    })
}

/// Gives up, for good, what the command must not have.
fn restrict(orders: &Orders, report: &mut Report) -> Result<(), Refusal> {
    if let Some(files) = &orders.files {
        set_no_new_privs(true).map_err(at("giving up new privileges"))?;
        landlock(files, orders, report)?;
    }
    // After Landlock, which has to find folders that only capabilities open.
    if orders.privileges == Privileges::None {
        privileges::give_up().map_err(at("giving up privileges"))?;
    }
    if let Some(surroundings) = orders.filter {
        set_no_new_privs(true).map_err(at("giving up new privileges"))?;
        seccomp(surroundings, orders, report)?;
    }
    // Last, since what comes before needs more memory and descriptors than the command may have.
    for limit in &orders.limits {
        limits::set(*limit).map_err(at("limiting resources"))?;
    }
    Ok(())
}

fn landlock(files: &Files, orders: &Orders, report: &mut Report) -> Result<(), Refusal> {
    match files::restrict(files, &orders.seen) {
        Ok(Enforced::Yes) => Ok(()),
        Ok(Enforced::No) => missing(
            Guard::Landlock,
            "this kernel does not have it, or it is switched off".to_owned(),
            orders,
            report,
        ),
        Err(err) => Err(Refusal {
            guard: Some(Guard::Landlock),
            detail: err.to_string(),
        }),
    }
}

fn seccomp(
    surroundings: Surroundings,
    orders: &Orders,
    report: &mut Report,
) -> Result<(), Refusal> {
    match filter::apply(surroundings) {
        Ok(()) => Ok(()),
        Err(err @ (FilterError::Architecture(_) | FilterError::Apply(_))) => {
            missing(Guard::Seccomp, err.to_string(), orders, report)
        }
        Err(err @ FilterError::Compile(_)) => Err(Refusal {
            guard: Some(Guard::Seccomp),
            detail: err.to_string(),
        }),
    }
}

/// Goes on without a guard where that is allowed.
fn missing(
    guard: Guard,
    detail: String,
    orders: &Orders,
    report: &mut Report,
) -> Result<(), Refusal> {
    if orders.degradable {
        return report.missing(guard).map_err(at("writing the report"));
    }
    Err(Refusal {
        guard: Some(guard),
        detail,
    })
}

fn at<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Refusal {
    move |err| Refusal {
        guard: None,
        detail: format!("{what}: {err}"),
    }
}
