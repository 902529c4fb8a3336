//! The filter of system calls.
//!
//! What is refused is what a program in a sandbox has no use for and what an attacker has: calls
//! that make up another system (mounts, namespaces), that look into other processes, that reach
//! parts of the kernel with a history of holes, or that would leave something behind on the host.
//! Everything else is allowed, and calls that are newer than this list do not exist.
//!
//! [`calls`] lists what is refused whatever its arguments are, [`rules`] what depends on them.

mod calls;
mod rules;

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, apply_filter,
    sock_filter,
};

use super::orders::Surroundings;

/// Why system calls are not filtered.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    /// The list is of no use on this kind of processor.
    #[error("there is no list of system calls for {}", std::env::consts::ARCH)]
    Architecture(#[source] BackendError),
    /// The list does not make a program.
    #[error("the list of system calls is not usable: {0}")]
    Compile(#[from] BackendError),
    /// The kernel does not take the program.
    #[error("the kernel does not take the list of system calls: {0}")]
    Apply(#[source] seccompiler::Error),
}

/// The rules for each system call by its number; one without rules is meant in general.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Filters the system calls of this process from now on, and of all that it starts.
pub(super) fn apply(surroundings: Surroundings) -> Result<(), FilterError> {
    for program in programs(surroundings)? {
        apply_filter(&program).map_err(FilterError::Apply)?;
    }
    Ok(())
}

/// Returns the programs; of their verdicts on a call the strictest counts.
fn programs(surroundings: Surroundings) -> Result<Vec<BpfProgram>, FilterError> {
    let architecture =
        TargetArch::try_from(std::env::consts::ARCH).map_err(FilterError::Architecture)?;
    let sockets = match surroundings {
        Surroundings::Namespaces | Surroundings::Machine => rules::Sockets::Network,
        Surroundings::MachineOffline => rules::Sockets::Pairs,
    };
    let mut by_arguments = rules::by_arguments()?;
    let shared: &[i64] = match surroundings {
        Surroundings::Namespaces => &[],
        Surroundings::Machine | Surroundings::MachineOffline => {
            by_arguments.extend(rules::of_others()?);
            calls::SHARED
        }
    };
    let mut programs = vec![by_number(shared)];
    for (rules, errno) in [
        (by_arguments, libc::EPERM),
        (rules::sockets(sockets)?, libc::EAFNOSUPPORT),
    ] {
        let action = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture)?;
        programs.push(filter.try_into()?);
    }
    Ok(programs)
}

/// Returns the program that looks at nothing but a call's number.
///
/// No call above [`calls::NEWEST`] exists, and those include the calls of x32, which are numbered
/// from 2^30 under the name of x86-64. Other architectures are the other programs' to refuse.
///
/// When it is given a program the kernel runs it once for every call there is, so that its length
/// is felt at each start.
fn by_number(shared: &[i64]) -> BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const JUMP_IF_GREATER: u16 = 0x25;
    const RETURN: u16 = 0x06;
    let instruction = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let errno = |errno: i32| u32::from(SeccompAction::Errno(errno.unsigned_abs()));
    let absent = instruction(RETURN, errno(libc::ENOSYS), 0, 0);
    let refused = instruction(RETURN, errno(libc::EPERM), 0, 0);

    // The number of the call is the first thing that a program is given.
    let mut program = vec![
        instruction(LOAD, 0, 0, 0),
        instruction(JUMP_IF_GREATER, calls::NEWEST, 0, 1),
        absent.clone(),
    ];
    let numbers = |numbers: &[i64], verdict: &sock_filter| {
        let numbers = numbers
            .iter()
            .filter_map(|number| u32::try_from(*number).ok());
        let equal = numbers.map(|number| instruction(JUMP_IF_EQUAL, number, 0, 1));
        equal
            .flat_map(|equal| [equal, verdict.clone()])
            .collect::<Vec<_>>()
    };
    program.extend(numbers(&calls::ABSENT, &absent));
    program.extend(numbers(calls::REFUSED, &refused));
    program.extend(numbers(shared, &refused));
    program.push(instruction(RETURN, SeccompAction::Allow.into(), 0, 0));
    program
}

#[cfg(test)]
mod tests;
