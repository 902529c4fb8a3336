//! What of a Mac every command may use, by name.
//!
//! The lists are short on purpose: what is not in one is denied, and a program that misses something
//! says so. Left out above all are the services behind which somebody else acts for the caller: the
//! keychain (`com.apple.SecurityServer`, `com.apple.securityd.xpc`), Launch Services and Apple
//! events (which start programs outside the sandbox), the pasteboard, the preferences daemon, and
//! `com.apple.trustd.agent` (which fetches from the network whatever a certificate names).

/// Folders that may be read and run from.
///
/// `/System` as a whole is not among them, because all of the machine is mounted below it again.
pub(super) const SYSTEM: [&str; 13] = [
    "/System/Cryptexes",
    "/System/Library",
    "/System/Volumes/Preboot/Cryptexes",
    "/System/iOSSupport",
    "/usr",
    "/bin",
    "/sbin",
    "/opt",
    "/Applications/Xcode.app",
    "/Library/Apple",
    "/Library/Developer",
    "/Library/Frameworks",
    "/Library/Java",
];

/// Files and folders that may be read, and say nothing about the users of this Mac.
pub(super) const CONFIGURATION: [&str; 19] = [
    "/private/etc/bashrc",
    "/private/etc/group",
    "/private/etc/localtime",
    "/private/etc/man.conf",
    "/private/etc/manpaths",
    "/private/etc/manpaths.d",
    "/private/etc/passwd",
    "/private/etc/paths",
    "/private/etc/paths.d",
    "/private/etc/profile",
    "/private/etc/protocols",
    "/private/etc/services",
    "/private/etc/shells",
    "/private/etc/ssl",
    "/private/etc/zprofile",
    "/private/etc/zshrc",
    "/private/var/db/timezone",
    "/private/var/db/xcode_select_link",
    "/private/var/select",
];

/// What may be looked at, not into: what leads to the rest.
pub(super) const WAYS: [&str; 15] = [
    "/Applications",
    "/Library",
    "/System",
    "/System/Volumes",
    "/System/Volumes/Preboot",
    "/Users",
    "/dev",
    "/etc",
    "/private",
    "/private/etc",
    "/private/tmp",
    "/private/var",
    "/private/var/db",
    "/tmp",
    "/var",
];

/// Devices that may be read.
///
/// Not `/dev/tty`: it is the terminal of the owner, into which a command could type.
pub(super) const READ_DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/random",
    "/dev/stderr",
    "/dev/stdin",
    "/dev/urandom",
    "/dev/zero",
];

/// Devices that may be written.
pub(super) const WRITTEN_DEVICES: [&str; 4] =
    ["/dev/null", "/dev/stderr", "/dev/stdout", "/dev/zero"];

/// The services that programs ask before they do anything: who a user id is, where the private
/// folders of a user are, and whether something of the system has changed.
pub(super) const SERVICES: [&str; 4] = [
    "com.apple.bsd.dirhelper",
    "com.apple.system.notification_center",
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
];

/// The services of a command that has the network of this Mac: names, routes and certificates.
pub(super) const NETWORK_SERVICES: [&str; 6] = [
    "com.apple.SystemConfiguration.DNSConfiguration",
    "com.apple.SystemConfiguration.configd",
    "com.apple.networkd",
    "com.apple.ocspd",
    "com.apple.trustd",
    "com.apple.trustd.agent",
];

/// The files of a command that has the network of this Mac.
pub(super) const NETWORK_FILES: [&str; 3] = [
    "/private/etc/hosts",
    "/private/etc/resolv.conf",
    "/private/var/run/resolv.conf",
];

/// What the kernel may be asked: the machine and the limits of a process.
///
/// Not `kern.procargs2`, which tells the variables of every other program of the user.
pub(super) const KERNEL: [&str; 35] = [
    "hw.activecpu",
    "hw.byteorder",
    "hw.cacheconfig",
    "hw.cachelinesize",
    "hw.cpufamily",
    "hw.cpufrequency",
    "hw.cputype",
    "hw.l1dcachesize",
    "hw.l1icachesize",
    "hw.l2cachesize",
    "hw.l3cachesize",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.machine",
    "hw.memsize",
    "hw.model",
    "hw.ncpu",
    "hw.nperflevels",
    "hw.packages",
    "hw.pagesize",
    "hw.pagesize_compat",
    "hw.physicalcpu",
    "hw.physicalcpu_max",
    "kern.argmax",
    "kern.maxfilesperproc",
    "kern.maxproc",
    "kern.ngroups",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osversion",
    "kern.usrstack64",
    "kern.version",
    "sysctl.proc_cputype",
    "vm.loadavg",
];

/// The same by how their names begin.
pub(super) const KERNEL_PREFIXES: [&str; 3] = ["hw.optional.", "hw.perflevel", "machdep.cpu."];
