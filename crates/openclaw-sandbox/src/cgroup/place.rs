//! Where this process may make control groups: below its own group, so that the limits that it has
//! itself hold for its commands, too.
//!
//! The second version adds a rule: a group that hands controllers on holds no processes. Where its
//! group was handed down to this process alone, this process moves one group down. Processes of
//! others are never moved.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

use rustix::fs::{Access, access, getxattr};

use super::{Availability, Obstacle};

/// The group that this process moves to, below the one that it was given.
const OURS: &str = "openclaw";

/// What limits a run as a whole.
pub(super) const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// What the kernel says about a process and its groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// Its `/proc/self/cgroup`.
    pub(super) groups: &'a str,
    /// Its `/proc/self/mountinfo`.
    pub(super) mounts: &'a str,
    pub(super) process: u32,
    pub(super) user: User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Root,
    Other,
}

/// Where groups are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A group of each hierarchy.
    V1 { memory: PathBuf, pids: PathBuf },
    /// One group, which `process` leaves first if it has to.
    V2 { parent: PathBuf, leave: Option<u32> },
}

/// Returns the place for the groups of this process.
pub(super) fn ours() -> Result<Place, Obstacle> {
    let read = |path| fs::read_to_string(path).map_err(|_unreadable| Obstacle::NotMounted);
    Place::find(&View {
        groups: &read("/proc/self/cgroup")?,
        mounts: &read("/proc/self/mountinfo")?,
        process: std::process::id(),
        user: User::ours(),
    })
}

impl User {
    pub(super) fn ours() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Root
        } else {
            Self::Other
        }
    }
}

impl Place {
    pub(super) fn find(view: &View<'_>) -> Result<Self, Obstacle> {
        if let [Some((_, memory)), Some((_, pids))] =
            CONTROLLERS.map(|controller| view.own(Some(controller)))
        {
            for path in [&memory, &pids] {
                writable(path, path)?;
            }
            return Ok(Self::V1 { memory, pids });
        }
        let (mount, own) = view.own(None).ok_or(Obstacle::NotMounted)?;
        let top = Top::of(&mount);
        let parent = below_own(view, &own, top);
        match (parent, top, view.user) {
            (Err(_), Top::Kernel, User::Root) => at_the_top(&mount, &own),
            (parent, _, _) => parent,
        }
    }

    pub(super) const fn version(&self) -> Availability {
        match self {
            Self::V1 { .. } => Availability::V1,
            Self::V2 { .. } => Availability::V2,
        }
    }

    /// Makes ready what groups of the second version need above them. Doing it twice, or twice at
    /// once, does no harm.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let Self::V2 { parent, leave } = self else {
            return Ok(());
        };
        if let Some(process) = leave {
            let ours = parent.join(OURS);
            match fs::create_dir(&ours) {
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => return Err(err),
                _ => {}
            }
            fs::write(ours.join("cgroup.procs"), process.to_string())?;
        }
        let handed_on = parent.join("cgroup.subtree_control");
        if !controls(&handed_on) {
            fs::write(
                handed_on,
                CONTROLLERS.map(|name| format!("+{name}")).join(" "),
            )?;
        }
        Ok(())
    }

    /// The directories in which a run has one each.
    pub(super) fn parents(&self) -> Vec<&Path> {
        match self {
            Self::V1 { memory, pids } => vec![memory, pids],
            Self::V2 { parent, .. } => vec![parent],
        }
    }
}

/// What the topmost visible group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Top {
    /// The root of all groups, which alone may hand controllers on and hold processes.
    Kernel,
    /// The topmost group of a container.
    Container,
}

impl Top {
    fn of(mount: &Path) -> Self {
        // Every group but the root has a type.
        if mount.join("cgroup.type").exists() {
            Self::Container
        } else {
            Self::Kernel
        }
    }
}

/// Looks whether groups can be made below the group of this process.
fn below_own(view: &View<'_>, own: &Path, top: Top) -> Result<Place, Obstacle> {
    let ready = |parent: &Path, leave| {
        usable(parent)?;
        Ok(Place::V2 {
            parent: parent.to_path_buf(),
            leave,
        })
    };
    if own.file_name() == Some(OsStr::new(OURS))
        && let Some(parent) = own.parent()
    {
        return ready(parent, None);
    }
    // What systemd did not hand down is its own to arrange; only root could get at it all the same.
    if view.user == User::Root && top == Top::Kernel && !handed_down(own) {
        return Err(Obstacle::NotPermitted {
            path: own.to_path_buf(),
        });
    }
    let parent = ready(own, Some(view.process))?;
    let members = fs::read_to_string(own.join("cgroup.procs")).unwrap_or_default();
    // A process that cannot be seen from here is written as 0.
    if members.lines().any(|line| line.parse() != Ok(view.process)) {
        return Err(Obstacle::Shared {
            path: own.to_path_buf(),
        });
    }
    Ok(parent)
}

/// Looks whether root can make groups at the top, beside those that systemd arranges.
fn at_the_top(mount: &Path, own: &Path) -> Result<Place, Obstacle> {
    let limited = own
        .ancestors()
        .take_while(|group| *group != mount)
        .find(|group| {
            fs::read_to_string(group.join("memory.max")).is_ok_and(|limit| limit.trim() != "max")
        });
    if let Some(path) = limited {
        return Err(Obstacle::Limited {
            path: path.to_path_buf(),
        });
    }
    usable(mount)?;
    Ok(Place::V2 {
        parent: mount.to_path_buf(),
        leave: None,
    })
}

fn handed_down(group: &Path) -> bool {
    ["trusted.delegate", "user.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        getxattr(group, *name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

fn usable(group: &Path) -> Result<(), Obstacle> {
    writable(group, group)?;
    for file in ["cgroup.procs", "cgroup.subtree_control"] {
        writable(&group.join(file), group)?;
    }
    if controls(&group.join("cgroup.controllers")) {
        return Ok(());
    }
    Err(Obstacle::NoControllers {
        path: group.to_path_buf(),
    })
}

fn writable(path: &Path, group: &Path) -> Result<(), Obstacle> {
    access(path, Access::WRITE_OK).map_err(|_denied| Obstacle::NotPermitted {
        path: group.to_path_buf(),
    })
}

/// Says whether a list of controllers names those that are needed.
fn controls(list: &Path) -> bool {
    fs::read_to_string(list).is_ok_and(|list| {
        CONTROLLERS
            .iter()
            .all(|wanted| list.split_whitespace().any(|name| name == *wanted))
    })
}

impl View<'_> {
    /// Returns where the hierarchy of a controller is mounted, and in it the group of the process;
    /// without a controller, those of the second version.
    fn own(&self, controller: Option<&str>) -> Option<(PathBuf, PathBuf)> {
        let path = self.groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            let wanted = match controller {
                Some(wanted) => controllers.split(',').any(|name| name == wanted),
                None => controllers.is_empty(),
            };
            wanted.then_some(Path::new(path))
        })?;
        // A group outside of what this process may see is written with dots.
        if path.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        self.mounts.lines().find_map(|line| {
            let (mount, system) = line.split_once(" - ")?;
            let mut system = system.split(' ');
            let (kind, options) = (system.next()?, system.nth(1)?);
            let wanted = match controller {
                Some(wanted) => kind == "cgroup" && options.split(',').any(|name| name == wanted),
                None => kind == "cgroup2",
            };
            let mut mount = mount.split(' ').skip(3);
            let (root, point) = (mount.next()?, Path::new(mount.next()?));
            let within = path.strip_prefix(root).ok().filter(|_| wanted)?;
            // Joining nothing would add a slash.
            let own = if within == Path::new("") {
                point.to_path_buf()
            } else {
                point.join(within)
            };
            Some((point.to_path_buf(), own))
        })
    }
}
