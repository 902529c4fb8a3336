//! Runs the programs as the kernel would, over calls that were made up.

use seccompiler::sock_filter;

use super::*;

/// What the kernel tells a program of x86-64 or of this machine.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xC000_003E
} else {
    0xC000_00B7
};

/// The architecture of 32-bit programs on x86-64.
const I386: u32 = 0x4000_0003;

const ALLOWED: u32 = 0x7FFF_0000;
const ERRNO: u32 = 0x0005_0000;
const KILLED: u32 = 0x8000_0000;

fn verdict(program: &[sock_filter], data: &[u32; 16]) -> u32 {
    let (mut at, mut word) = (0, 0);
    loop {
        let step = &program[at];
        at += 1;
        let taken = match step.code {
            0x20 => {
                word = data[usize::try_from(step.k).unwrap() / 4];
                continue;
            }
            0x54 => {
                word &= step.k;
                continue;
            }
            0x05 => {
                at += usize::try_from(step.k).unwrap();
                continue;
            }
            0x06 => return step.k,
            0x15 => word == step.k,
            0x25 => word > step.k,
            0x35 => word >= step.k,
            code => panic!("no instruction {code:#x}"),
        };
        at += usize::from(if taken { step.jt } else { step.jf });
    }
}

/// Returns what the kernel makes of all verdicts: the smallest action, with its number.
fn answer(surroundings: Surroundings, architecture: u32, number: i64, arguments: &[u64]) -> u32 {
    let mut data = [0; 16];
    data[0] = u32::try_from(number).unwrap();
    data[1] = architecture;
    for (index, argument) in arguments.iter().enumerate() {
        data[4 + 2 * index] = u32::try_from(argument & 0xFFFF_FFFF).unwrap();
        data[5 + 2 * index] = u32::try_from(argument >> 32).unwrap();
    }
    let verdicts = programs(surroundings).unwrap();
    let verdicts = verdicts.iter().map(|program| verdict(program, &data));
    // The order of actions is that of signed numbers, by which killing comes first.
    verdicts
        .min_by_key(|verdict| verdict.cast_signed())
        .unwrap()
}

fn call(number: i64, arguments: &[u64]) -> u32 {
    answer(Surroundings::Namespaces, ARCHITECTURE, number, arguments)
}

const DENIED: u32 = ERRNO + 1;
const ABSENT: u32 = ERRNO + 38;
const NO_FAMILY: u32 = ERRNO + 97;

#[test]
fn everyday_calls_are_allowed() {
    let here = (-100_i64).cast_unsigned();
    let calls: [(i64, &[u64]); 22] = [
        (libc::SYS_read, &[0, 0, 10]),
        (libc::SYS_execve, &[]),
        (libc::SYS_openat, &[here, 0, 0o100, 0o1777]),
        // Without O_CREAT the mode is whatever lay on the stack.
        (libc::SYS_openat, &[here, 0, 0o2, 0o6777]),
        (libc::SYS_fchmodat, &[here, 0, 0o755]),
        (libc::SYS_mknodat, &[here, 0, 0o010_644]),
        (libc::SYS_clone, &[0x003D_0F00]),
        (libc::SYS_clone, &[0x0120_0011]),
        (libc::SYS_unshare, &[0x400]),
        (libc::SYS_ioctl, &[0, 0x5401]),
        (libc::SYS_ioctl, &[0, 0x5413]),
        (libc::SYS_personality, &[0xFFFF_FFFF]),
        (libc::SYS_sched_setscheduler, &[0, 3]),
        (libc::SYS_socket, &[1, 1, 0]),
        (libc::SYS_socket, &[2, 0o2_000_001, 6]),
        (libc::SYS_socket, &[10, 2, 0]),
        (libc::SYS_socket, &[16, 0o2_000_003, 0]),
        (libc::SYS_socketpair, &[1, 5, 0]),
        (libc::SYS_shmget, &[]),
        (libc::SYS_prlimit64, &[0, 7, 0, 0]),
        (libc::SYS_setpriority, &[0, 1234, 5]),
        (libc::SYS_ioprio_set, &[1, 1234, 0]),
    ];
    for (number, arguments) in calls {
        assert_eq!(call(number, arguments), ALLOWED, "{number} {arguments:?}");
    }
}

#[test]
fn calls_that_reach_out_are_refused() {
    let calls: [(i64, &[u64]); 20] = [
        (libc::SYS_mount, &[]),
        (libc::SYS_ptrace, &[0]),
        (libc::SYS_bpf, &[]),
        (libc::SYS_keyctl, &[]),
        (libc::SYS_clone, &[0x1000_0000]),
        (libc::SYS_clone, &[0xFF_0000_0000 | 0x2000_0011]),
        (libc::SYS_unshare, &[0x80]),
        (libc::SYS_ioctl, &[0, 0x5412]),
        // The kernel takes no notice of what stands above 32 bits.
        (libc::SYS_ioctl, &[0, 0x1_0000_5412]),
        (libc::SYS_personality, &[0x0004_0000]),
        (libc::SYS_sched_setscheduler, &[0, 1]),
        (libc::SYS_sched_setscheduler, &[0, 0x4000_0002]),
        (libc::SYS_fchmod, &[3, 0o4755]),
        (libc::SYS_fchmodat, &[3, 0, 0o2755]),
        (calls::FCHMODAT2, &[3, 0, 0o6755, 0]),
        (libc::SYS_openat, &[3, 0, 0o101, 0o4755]),
        (libc::SYS_openat, &[3, 0, 0o20_200_002, 0o2755]),
        (libc::SYS_mknodat, &[3, 0, 0o020_666]),
        (libc::SYS_prlimit64, &[1234, 0, 0, 0]),
        (libc::SYS_prlimit64, &[u64::from(u32::MAX), 0, 0, 0]),
    ];
    for (number, arguments) in calls {
        assert_eq!(call(number, arguments), DENIED, "{number} {arguments:?}");
    }
}

#[test]
fn calls_that_hide_their_arguments_or_are_not_known_do_not_exist() {
    for number in [435, 437, 470, 0x4000_0000, 0x4000_0000 + libc::SYS_mount] {
        assert_eq!(call(number, &[]), ABSENT, "{number}");
    }
}

#[test]
fn only_the_usual_sockets_can_be_made() {
    for family in [0, 3, 17, 38, 40, 44] {
        assert_eq!(
            call(libc::SYS_socket, &[family, 1, 0]),
            NO_FAMILY,
            "{family}"
        );
    }
    for arguments in [[2, 3, 0], [2, 5, 132], [2, 1, 262], [10, 2, 58], [16, 3, 9]] {
        assert_eq!(
            call(libc::SYS_socket, &arguments),
            NO_FAMILY,
            "{arguments:?}"
        );
    }
    assert_eq!(call(libc::SYS_socketpair, &[40, 1, 0]), NO_FAMILY);
}

#[test]
fn without_namespaces_nothing_is_shared_and_the_network_only_if_it_is_meant_to_be() {
    let socket = |surroundings| answer(surroundings, ARCHITECTURE, libc::SYS_socket, &[2, 1, 0]);
    assert_eq!(socket(Surroundings::Machine), ALLOWED);
    assert_eq!(socket(Surroundings::MachineOffline), NO_FAMILY);
    for surroundings in [Surroundings::Machine, Surroundings::MachineOffline] {
        let shared = answer(surroundings, ARCHITECTURE, libc::SYS_shmget, &[]);
        assert_eq!(shared, DENIED);
        let pair = answer(surroundings, ARCHITECTURE, libc::SYS_socketpair, &[1, 1, 0]);
        assert_eq!(pair, ALLOWED);
    }
    // At the other end of a path there may be anybody.
    let local = |surroundings| answer(surroundings, ARCHITECTURE, libc::SYS_socket, &[1, 1, 0]);
    assert_eq!(local(Surroundings::Machine), ALLOWED);
    assert_eq!(local(Surroundings::MachineOffline), NO_FAMILY);
}

#[test]
fn without_namespaces_only_the_own_priority_can_be_changed() {
    let calls: [(i64, [u64; 3], u32); 8] = [
        (libc::SYS_setpriority, [0, 0, 5], ALLOWED),
        (libc::SYS_setpriority, [1, 0, 5], ALLOWED),
        (libc::SYS_setpriority, [0, 1234, 5], DENIED),
        (libc::SYS_setpriority, [2, 0, 5], DENIED),
        (libc::SYS_ioprio_set, [1, 0, 0], ALLOWED),
        (libc::SYS_ioprio_set, [1, 1234, 0], DENIED),
        (libc::SYS_ioprio_set, [2, 1234, 0], DENIED),
        (libc::SYS_ioprio_set, [3, 0, 0], DENIED),
    ];
    for (number, arguments, expected) in calls {
        for surroundings in [Surroundings::Machine, Surroundings::MachineOffline] {
            let verdict = answer(surroundings, ARCHITECTURE, number, &arguments);
            assert_eq!(verdict, expected, "{number} {arguments:?}");
        }
    }
}

#[test]
fn without_namespaces_nothing_of_others_is_reached_by_number_or_by_path() {
    let calls: [(i64, [u64; 3], u32); 19] = [
        (libc::SYS_shmat, [1, 0, 0], DENIED),
        (libc::SYS_shmctl, [1, 0, 0], DENIED),
        (libc::SYS_msgrcv, [1, 0, 0], DENIED),
        (libc::SYS_msgsnd, [1, 0, 0], DENIED),
        (libc::SYS_msgctl, [1, 0, 0], DENIED),
        (libc::SYS_semop, [1, 0, 0], DENIED),
        (libc::SYS_semtimedop, [1, 0, 0], DENIED),
        (libc::SYS_semctl, [1, 0, 0], DENIED),
        (libc::SYS_mq_unlink, [0; 3], DENIED),
        (libc::SYS_sched_setaffinity, [0, 8, 0], ALLOWED),
        (libc::SYS_sched_setaffinity, [1234, 8, 0], DENIED),
        (libc::SYS_sched_setscheduler, [0, 3, 0], ALLOWED),
        (libc::SYS_sched_setscheduler, [0, 1, 0], DENIED),
        (libc::SYS_sched_setscheduler, [1234, 3, 0], DENIED),
        (libc::SYS_sched_setparam, [1234, 0, 0], DENIED),
        (libc::SYS_setxattr, [0; 3], DENIED),
        (libc::SYS_fchownat, [0; 3], DENIED),
        (libc::SYS_inotify_add_watch, [0; 3], DENIED),
        (libc::SYS_fchmodat, [0, 0, 0o644], ALLOWED),
    ];
    for (number, arguments, expected) in calls {
        for surroundings in [Surroundings::Machine, Surroundings::MachineOffline] {
            let verdict = answer(surroundings, ARCHITECTURE, number, &arguments);
            assert_eq!(verdict, expected, "{number} {arguments:?}");
        }
    }
    let own = answer(Surroundings::Namespaces, ARCHITECTURE, libc::SYS_shmat, &[]);
    assert_eq!(own, ALLOWED);
}

#[test]
fn programs_of_another_processor_are_killed() {
    let number = libc::SYS_getpid;
    let killed = answer(Surroundings::Namespaces, I386, number, &[]);
    assert_eq!(killed, KILLED);
}
