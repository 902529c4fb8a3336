//! System calls that are refused whatever their arguments are.

use libc as sys;

/// The newest call that was looked at: `file_setattr`, of Linux 6.17.
pub(super) const NEWEST: u32 = 469;

// From 424 on a call has the same number on every processor, and libc does not name all of them.
const OPEN_TREE: i64 = 428;
const MOVE_MOUNT: i64 = 429;
const FSOPEN: i64 = 430;
const FSCONFIG: i64 = 431;
const FSMOUNT: i64 = 432;
const FSPICK: i64 = 433;
const CLONE3: i64 = 435;
const OPENAT2: i64 = 437;
const PIDFD_GETFD: i64 = 438;
const PROCESS_MADVISE: i64 = 440;
const MOUNT_SETATTR: i64 = 442;
const QUOTACTL_FD: i64 = 443;
const MEMFD_SECRET: i64 = 447;
const PROCESS_MRELEASE: i64 = 448;
const SET_MEMPOLICY_HOME_NODE: i64 = 450;
pub(super) const FCHMODAT2: i64 = 452;
const STATMOUNT: i64 = 457;
const LISTMOUNT: i64 = 458;
const LSM_SET_SELF_ATTR: i64 = 460;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const OPEN_TREE_ATTR: i64 = 467;
const FILE_SETATTR: i64 = 469;

/// The command may not do these.
pub(super) const REFUSED: &[i64] = &[
    // Another system of files.
    sys::SYS_mount,
    sys::SYS_umount2,
    sys::SYS_pivot_root,
    sys::SYS_chroot,
    OPEN_TREE,
    OPEN_TREE_ATTR,
    MOVE_MOUNT,
    FSOPEN,
    FSCONFIG,
    FSMOUNT,
    FSPICK,
    MOUNT_SETATTR,
    sys::SYS_open_by_handle_at,
    sys::SYS_name_to_handle_at,
    sys::SYS_fanotify_init,
    sys::SYS_fanotify_mark,
    sys::SYS_quotactl,
    QUOTACTL_FD,
    sys::SYS_swapon,
    sys::SYS_swapoff,
    sys::SYS_acct,
    // Other namespaces, and other processes' memory and descriptors.
    sys::SYS_setns,
    sys::SYS_ptrace,
    sys::SYS_process_vm_readv,
    sys::SYS_process_vm_writev,
    PROCESS_MADVISE,
    PROCESS_MRELEASE,
    sys::SYS_kcmp,
    PIDFD_GETFD,
    sys::SYS_move_pages,
    sys::SYS_migrate_pages,
    // Parts of the kernel that commands do without, and that have let attackers in.
    sys::SYS_bpf,
    sys::SYS_perf_event_open,
    sys::SYS_userfaultfd,
    sys::SYS_io_uring_setup,
    sys::SYS_io_uring_enter,
    sys::SYS_io_uring_register,
    sys::SYS_add_key,
    sys::SYS_request_key,
    sys::SYS_keyctl,
    sys::SYS_mbind,
    sys::SYS_set_mempolicy,
    SET_MEMPOLICY_HOME_NODE,
    MEMFD_SECRET,
    LSM_SET_SELF_ATTR,
    sys::SYS_sched_setattr,
    sys::SYS_lookup_dcookie,
    sys::SYS_nfsservctl,
    sys::SYS_vhangup,
    // The machine itself.
    sys::SYS_reboot,
    sys::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    sys::SYS_init_module,
    sys::SYS_finit_module,
    sys::SYS_delete_module,
    sys::SYS_syslog,
    sys::SYS_settimeofday,
    sys::SYS_clock_settime,
    sys::SYS_clock_adjtime,
    sys::SYS_adjtimex,
    sys::SYS_sethostname,
    sys::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_ustat,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_sysfs,
    #[cfg(target_arch = "x86_64")]
    sys::SYS__sysctl,
];

/// libc does not name it for every C library.
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: i64 = 320;
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: i64 = 294;

/// These do not exist: a program does without them, as it does on an older kernel.
///
/// The arguments of the first two lie in memory, where no filter can look at them. C libraries go
/// on with `clone` and `openat`.
pub(super) const ABSENT: [i64; 4] = [CLONE3, OPENAT2, STATMOUNT, LISTMOUNT];

/// The command may not do these where it has no namespaces: they reach what others share, or, by a
/// path, what Landlock does not keep from it.
///
/// To change modes and times by a path stays: git and archivers cannot do without.
pub(super) const SHARED: &[i64] = &[
    sys::SYS_shmget,
    sys::SYS_shmat,
    sys::SYS_shmctl,
    sys::SYS_semget,
    sys::SYS_semop,
    sys::SYS_semtimedop,
    sys::SYS_semctl,
    sys::SYS_msgget,
    sys::SYS_msgsnd,
    sys::SYS_msgrcv,
    sys::SYS_msgctl,
    sys::SYS_mq_open,
    sys::SYS_mq_unlink,
    sys::SYS_setxattr,
    sys::SYS_lsetxattr,
    sys::SYS_removexattr,
    sys::SYS_lremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    sys::SYS_fchownat,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    sys::SYS_lchown,
    sys::SYS_inotify_add_watch,
];
