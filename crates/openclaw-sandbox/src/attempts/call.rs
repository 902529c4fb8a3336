//! System calls that no safe function makes, made by an interpreter that most machines have.
//!
//! Every call is made with arguments by which it does nothing where it is allowed. It counts as
//! allowed as soon as the kernel looks at those, whatever it thinks of them.

use std::fmt::Write as _;

use super::{attempt::Tried, errno, targets::Targets};

/// One system call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: libc::c_long,
    pub(super) arguments: &'static [Arg],
}

/// One argument of a system call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg {
    Number(i64),
    /// A pointer to as many zero bytes.
    Zeros(usize),
    /// A pointer to text, which the kernel reads up to its end.
    Text(&'static str),
    /// The process of the stage.
    Process,
}

/// Exit code of the script when there is no interpreter.
pub(super) const NO_INTERPRETER: i32 = 127;

/// Returns a shell script that makes the call and prints the number of its error, or 0.
pub(super) fn script(call: &Call, targets: &Targets) -> String {
    let (perl, python) = (perl(call, targets), python(call, targets));
    format!(
        "if command -v perl >/dev/null 2>&1; then exec perl -e '{perl}'; fi\n\
         if command -v python3 >/dev/null 2>&1; then exec python3 -c '{python}'; fi\n\
         exit {NO_INTERPRETER}\n"
    )
}

/// Returns what came of the call, by what the script said.
pub(super) fn outcome(said: &str) -> Tried {
    match said.trim().parse::<i32>() {
        Ok(0) => Tried::Got("the call succeeded".to_owned()),
        Ok(number) if [libc::EPERM, libc::EACCES, libc::ENOSYS].contains(&number) => {
            Tried::Refused(errno::name(number))
        }
        // It is not a question of permission that the process does not exist, but it is refused.
        Ok(libc::ESRCH) => Tried::Refused(errno::name(libc::ESRCH)),
        Ok(number) => Tried::Got(format!(
            "the kernel looked at the arguments ({})",
            errno::name(number)
        )),
        Err(_) => Tried::Unable("the interpreter did not make the call".to_owned()),
    }
}

fn perl(call: &Call, targets: &Targets) -> String {
    let mut before = String::new();
    let mut list = call.number.to_string();
    for (n, argument) in call.arguments.iter().enumerate() {
        // A constant cannot be passed by address. Writing to a string cannot fail.
        match argument {
            Arg::Number(number) => write!(list, ", {number}"),
            Arg::Process => write!(list, ", {}", targets.process.unwrap_or(-1)),
            Arg::Zeros(count) => write!(before, "my $b{n} = \"\\0\" x {count}; ")
                .and_then(|()| write!(list, ", $b{n}")),
            Arg::Text(text) => {
                write!(before, "my $b{n} = \"{text}\"; ").and_then(|()| write!(list, ", $b{n}"))
            }
        }
        .unwrap_or_default();
    }
    format!("{before}my $r = syscall({list}); print $r == -1 ? $! + 0 : 0;")
}

fn python(call: &Call, targets: &Targets) -> String {
    let mut list = format!("L({})", call.number);
    for argument in call.arguments {
        match argument {
            Arg::Number(number) => write!(list, ", L({number})"),
            Arg::Process => write!(list, ", L({})", targets.process.unwrap_or(-1)),
            Arg::Zeros(count) => write!(list, ", c.create_string_buffer({count})"),
            Arg::Text(text) => write!(list, ", b\"{text}\""),
        }
        .unwrap_or_default();
    }
    format!(
        "import ctypes as c; L = c.c_long; s = c.CDLL(None, use_errno=True).syscall; \
         r = s({list}); print(c.get_errno() if r == -1 else 0)"
    )
}
