//! What of this host is shown inside a sandbox, read-only.
//!
//! For every mount bubblewrap reads the list of all mounts, an eighth of a millisecond each, so
//! what can be shown without one is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// Files of `/etc` that programs need and that say nothing about this host's users or services.
pub(crate) const ETC: [&str; 16] = [
    "alternatives",
    "crypto-policies",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];

/// Those of them that are folders of hundreds of files, where looking would cost more than a mount.
const LARGE: [&str; 3] = ["alternatives", "fonts", "ssl/certs"];

/// The largest file that is sooner copied than mounted, and how many of them in one folder.
const SMALL: u64 = 512 * 1024;
const FEW: usize = 8;

/// The directories of programs and libraries beside `/usr`, which on most systems are links to it.
const PROGRAMS: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Files that tell of the whole machine rather than of the sandbox, and read as errors inside.
///
/// Others of that kind, such as `/proc/kcore`, the kernel itself shows to no user namespace but
/// the first.
const MASKED: [&str; 12] = [
    "/proc/allocinfo",
    "/proc/kallsyms",
    "/proc/key-users",
    "/proc/keys",
    "/proc/kpagecgroup",
    "/proc/kpagecount",
    "/proc/kpageflags",
    "/proc/pagetypeinfo",
    "/proc/sched_debug",
    "/proc/slabinfo",
    "/proc/timer_list",
    "/proc/vmallocinfo",
];

/// How one of the directories beside `/usr` exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// As a symlink to this.
    Link(PathBuf),
    /// As a directory of its own.
    Directory,
}

/// What this host has of the things that not every host has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The directories of programs beside `/usr`.
    pub(crate) roots: Vec<(PathBuf, Root)>,
    /// The files of `/etc` that are copied.
    pub(crate) copied: Vec<PathBuf>,
    /// The directories and large files of `/etc`, which are mounted.
    pub(crate) mounted: Vec<PathBuf>,
    /// The files of `/proc` to hide. One that does not exist could not be mounted over, and one
    /// that this user may not read is no secret to be kept; each costs a mount.
    pub(crate) masked: Vec<PathBuf>,
}

impl Layout {
    /// Looks at this host. Blocks on the file system.
    pub(crate) fn of_this_host() -> Self {
        let (mut copied, mut mounted) = (Vec::new(), Vec::new());
        for name in ETC {
            let path = Path::new("/etc").join(name);
            let small = if LARGE.contains(&name) {
                None
            } else {
                small_files(&path)
            };
            match small {
                Some(files) => copied.extend(files),
                None if path.exists() => mounted.push(path),
                None => {}
            }
        }
        let masked = MASKED
            .iter()
            .map(PathBuf::from)
            // Whoever the command is inside, it is this user to the files of the kernel.
            .filter(|path| access(path, Access::READ_OK).is_ok())
            .collect();
        Self {
            roots: roots(),
            copied,
            mounted,
            masked,
        }
    }
}

/// Returns the directories of programs beside `/usr`. Blocks on the file system.
pub(crate) fn roots() -> Vec<(PathBuf, Root)> {
    PROGRAMS
        .iter()
        .filter_map(|path| Some((PathBuf::from(path), root(Path::new(path))?)))
        .collect()
}

fn root(path: &Path) -> Option<Root> {
    fs::read_link(path)
        .map(Root::Link)
        .ok()
        .or_else(|| path.is_dir().then_some(Root::Directory))
}

/// Returns the file, or those in the directory, if they are few and small.
fn small_files(path: &Path) -> Option<Vec<PathBuf>> {
    let small = |path: &Path| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= SMALL)
    };
    if small(path) {
        return Some(vec![path.to_path_buf()]);
    }
    let entries = fs::read_dir(path).ok()?.take(FEW + 1);
    let files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    (files.len() <= FEW && files.iter().all(|path| small(path))).then_some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_what_is_small_and_mounts_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "text").unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        assert_eq!(small_files(&path("file")), Some(vec![path("file")]));
        assert_eq!(small_files(&path("link")), Some(vec![path("link")]));

        fs::create_dir_all(path("few")).unwrap();
        fs::write(path("few/one.conf"), "text").unwrap();
        assert_eq!(small_files(&path("few")), Some(vec![path("few/one.conf")]));

        fs::create_dir_all(path("deep/folder")).unwrap();
        fs::create_dir_all(path("many")).unwrap();
        for number in 0..=FEW {
            fs::write(path("many").join(number.to_string()), "text").unwrap();
        }
        let large = fs::File::create(path("large")).unwrap();
        large.set_len(SMALL + 1).unwrap();
        for name in ["deep", "many", "large", "missing"] {
            assert_eq!(small_files(&path(name)), None, "{name}");
        }
    }
}
