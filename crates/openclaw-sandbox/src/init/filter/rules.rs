//! System calls that are refused by their arguments.
//!
//! Most arguments are 32 bits wide to the kernel, which ignores what stands above; so does every
//! comparison here.

use seccompiler::{
    BackendError,
    SeccompCmpArgLen::Dword,
    SeccompCmpOp,
    SeccompCmpOp::{Eq, MaskedEq, Ne},
    SeccompCondition, SeccompRule,
};

use libc as sys;

use super::{Rules, calls::FCHMODAT2};

/// Which sockets the command may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sockets {
    /// Those of this machine's own and of the Internet.
    Network,
    /// None but pairs of its own: to whom a socket connects stands in memory, where no filter can
    /// look, and the services of this machine listen at paths.
    Pairs,
}

/// An argument by its position, and what it is compared with.
type Condition = (u8, SeccompCmpOp, u64);

/// Bits of `clone` and `unshare` that make namespaces.
///
/// That of the time namespace is part of the signal number to `clone`, where no signal has it.
const NAMESPACES: [u64; 8] = [
    0x0000_0080,
    0x0002_0000,
    0x0200_0000,
    0x0400_0000,
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
];

/// Bits of a file's mode that make a program run as its owner or group.
const SET_ID: [u64; 2] = [0o4000, 0o2000];

/// Bits that make a call that opens a file create one: `O_CREAT` and `O_TMPFILE`.
const CREATE: [u64; 2] = [0o100, 0o20_000_000];

/// The part of a file's mode that says what it is, and the devices.
const KIND: u64 = 0o170_000;
const DEVICES: [u64; 2] = [0o020_000, 0o060_000];

/// Requests to a terminal: type for its user, do things to the console, take another discipline.
const TERMINAL: [u64; 4] = [0x5412, 0x541C, 0x541D, 0x5423];

/// Execution domains that differ from the usual one in a name only, and the question for it.
const DOMAINS: [u64; 3] = [0, 8, 0xFFFF_FFFF];

/// Scheduling policies that leave the processor to nobody else: FIFO, RR, DEADLINE and EXT.
const SELFISH: [u64; 4] = [1, 2, 6, 7];

/// A flag that goes with each of them.
const RESET_ON_FORK: u64 = 0x4000_0000;

/// Whose priority is changed: that of all processes of a user, to `setpriority` and `ioprio_set`.
const PRIORITY_OF_USER: u64 = 2;
const DISK_PRIORITY_OF_USER: u64 = 3;

const UNIX: u64 = 1;
const INTERNET: [u64; 2] = [2, 10];
const NETLINK: u64 = 16;

/// The kind of a socket without its flags; those that are streams or datagrams.
const SOCKET_KIND: u64 = 0xF;
const STREAM: u64 = 1;
const DATAGRAM: u64 = 2;

/// Protocols of Internet sockets: the default of the kind, TCP and UDP.
const PROTOCOLS: [u64; 3] = [0, 6, 17];

/// Returns the rules for calls that are not permitted with some arguments.
pub(super) fn by_arguments() -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    let namespaces = any(NAMESPACES.map(|bit| set(0, bit)))?;
    rules.insert(sys::SYS_clone, namespaces.clone());
    rules.insert(sys::SYS_unshare, namespaces);
    rules.insert(
        sys::SYS_ioctl,
        any(TERMINAL.map(|request| (1, Eq, request)))?,
    );
    rules.insert(
        sys::SYS_personality,
        vec![all(DOMAINS.map(|domain| (0, Ne, domain)))?],
    );
    rules.insert(sys::SYS_sched_setscheduler, any(selfish())?);
    // A limit on processor time ends a process as surely as a signal does. Zero is the caller.
    rules.insert(sys::SYS_prlimit64, any([(0, Ne, 0)])?);

    let mode = |argument| any(SET_ID.map(|bit| set(argument, bit)));
    rules.insert(sys::SYS_fchmod, mode(1)?);
    rules.insert(sys::SYS_fchmodat, mode(2)?);
    rules.insert(FCHMODAT2, mode(2)?);
    rules.insert(sys::SYS_openat, creating(2)?);
    rules.insert(sys::SYS_mknodat, making(2)?);
    #[cfg(target_arch = "x86_64")]
    {
        rules.insert(sys::SYS_chmod, mode(1)?);
        rules.insert(sys::SYS_creat, mode(1)?);
        rules.insert(sys::SYS_open, creating(1)?);
        rules.insert(sys::SYS_mknod, making(1)?);
    }
    Ok(rules)
}

/// Returns the rules for calls by which a command without namespaces would hold others up.
pub(super) fn of_others() -> Result<Rules, BackendError> {
    let whose = |user| any([(1, Ne, 0), (0, Eq, user)]);
    // Zero is the caller.
    let others = || any([(0, Ne, 0)]);
    let mut scheduler = any(selfish())?;
    scheduler.extend(others()?);
    Ok(Rules::from([
        (sys::SYS_setpriority, whose(PRIORITY_OF_USER)?),
        (sys::SYS_ioprio_set, whose(DISK_PRIORITY_OF_USER)?),
        (sys::SYS_sched_setscheduler, scheduler),
        (sys::SYS_sched_setparam, others()?),
        (sys::SYS_sched_setaffinity, others()?),
    ]))
}

fn selfish() -> [Condition; 4] {
    SELFISH.map(|policy| (1, MaskedEq(!RESET_ON_FORK & 0xFFFF_FFFF), policy))
}

/// Returns the rules for calls that make sockets of a family that is not to be had.
pub(super) fn sockets(sockets: Sockets) -> Result<Rules, BackendError> {
    let mut single = Vec::new();
    if sockets == Sockets::Network {
        let mut families = vec![(0, Ne, UNIX), (0, Ne, NETLINK)];
        families.extend(INTERNET.map(|family| (0, Ne, family)));
        // Of netlink only the first protocol, which tells of the network devices.
        single.push(all([(0, Eq, NETLINK), (2, Ne, 0)])?);
        for family in INTERNET {
            let family = (0, Eq, family);
            let kinds = (0..=SOCKET_KIND).filter(|kind| ![STREAM, DATAGRAM].contains(kind));
            for kind in kinds {
                single.push(all([family.clone(), (1, MaskedEq(SOCKET_KIND), kind)])?);
            }
            let protocols = PROTOCOLS.map(|protocol| (2, Ne, protocol));
            single.push(all([family].into_iter().chain(protocols))?);
        }
        single.push(all(families)?);
    }
    // Without a rule every socket is meant.
    Ok(Rules::from([
        (sys::SYS_socket, single),
        (sys::SYS_socketpair, vec![all([(0, Ne, UNIX)])?]),
    ]))
}

/// Refuses to create a file with a set-id bit; `flags` is followed by the mode.
fn creating(flags: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let pairs = CREATE
        .into_iter()
        .flat_map(|create| SET_ID.map(|bit| (create, bit)));
    pairs
        .map(|(create, bit)| all([set(flags, create), set(flags + 1, bit)]))
        .collect()
}

/// Refuses to make a device, or anything with a set-id bit.
fn making(mode: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let devices = DEVICES.map(|device| (mode, MaskedEq(KIND), device));
    any(SET_ID.map(|bit| set(mode, bit)).into_iter().chain(devices))
}

/// The bit is set in the argument.
fn set(argument: u8, bit: u64) -> Condition {
    (argument, MaskedEq(bit), bit)
}

/// One rule for each condition: any of them is enough.
fn any(conditions: impl IntoIterator<Item = Condition>) -> Result<Vec<SeccompRule>, BackendError> {
    conditions
        .into_iter()
        .map(|condition| all([condition]))
        .collect()
}

/// One rule that needs every condition.
fn all(conditions: impl IntoIterator<Item = Condition>) -> Result<SeccompRule, BackendError> {
    let conditions = conditions
        .into_iter()
        .map(|(argument, operator, value)| SeccompCondition::new(argument, Dword, operator, value))
        .collect::<Result<_, _>>()?;
    SeccompRule::new(conditions)
}
