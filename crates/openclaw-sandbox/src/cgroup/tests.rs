//! Groups of both versions: the second in a folder laid out like one, the first for real as root.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    Availability, Obstacle,
    group::{Bounds, Group, directories},
    place::{self, Place, User, View},
    removal::{self, Name},
};
use crate::{Limits, SandboxConfig};

const MIB: u64 = 1024 * 1024;

const BOUNDS: Bounds = Bounds {
    memory: Some(64 * MIB),
    processes: Some(100),
};

/// A tree of groups in a folder, with the files of the second version.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.group("");
        tree
    }

    fn path(&self, group: &str) -> PathBuf {
        self.0.path().join(group)
    }

    /// Adds a group without processes.
    fn group(&self, group: &str) {
        fs::create_dir_all(self.path(group)).unwrap();
        self.write(group, "cgroup.controllers", "cpu memory pids");
        self.write(group, "cgroup.procs", "");
        self.write(group, "cgroup.subtree_control", "");
        if !group.is_empty() {
            self.write(group, "cgroup.type", "domain");
            self.write(group, "memory.max", "max");
        }
    }

    fn write(&self, group: &str, file: &str, content: &str) {
        fs::write(self.path(group).join(file), content).unwrap();
    }

    fn find(&self, group: &str, user: User) -> Result<Place, Obstacle> {
        Place::find(&View {
            groups: &format!("1:name=systemd:/elsewhere\n0::/{group}\n"),
            mounts: &format!(
                "20 1 8:1 / / rw - ext4 /dev/sda rw\n\
                 31 23 0:28 / {} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
                self.0.path().display()
            ),
            process: 77,
            user,
        })
    }

    /// Every file of a group that was written, by its name.
    fn files(&self, group: &str) -> BTreeMap<String, String> {
        fs::read_dir(self.path(group))
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                (
                    entry.file_name().into_string().unwrap(),
                    fs::read_to_string(entry.path()).unwrap(),
                )
            })
            .collect()
    }
}

fn files<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, String> {
    files.map(|(name, text)| (name.into(), text.into())).into()
}

#[test]
fn a_service_that_was_handed_its_group_moves_down_and_limits_its_runs_beside_itself() {
    let tree = Tree::new();
    tree.group("user/service");
    tree.write("user/service", "cgroup.procs", "77\n");
    let place = tree.find("user/service", User::Other).unwrap();
    assert_eq!(
        place,
        Place::V2 {
            parent: tree.path("user/service"),
            leave: Some(77)
        }
    );
    assert_eq!(place.version(), Availability::V2);

    tree.group("user/service/openclaw");
    let name = Name {
        process: 77,
        number: 3,
    };
    let made = directories(&place, name).unwrap();
    // The kernel makes this one with the group.
    tree.write("user/service/openclaw-77-3", "cgroup.procs", "");
    tree.write("user/service/openclaw-77-3", "memory.swap.max", "max");
    tree.write("user/service/openclaw-77-3", "memory.oom.group", "0");
    let group = Group::limited(&place, made, BOUNDS).unwrap();
    assert_eq!(tree.files("user/service/openclaw")["cgroup.procs"], "77");
    assert_eq!(
        tree.files("user/service")["cgroup.subtree_control"],
        "+memory +pids"
    );
    for mut entrance in group.procs() {
        entrance.write_all(b"0").unwrap();
    }
    assert_eq!(
        tree.files("user/service/openclaw-77-3"),
        files([
            ("cgroup.procs", "0"),
            ("memory.max", "67108864"),
            ("memory.oom.group", "1"),
            ("memory.swap.max", "0"),
            ("pids.max", "100"),
        ])
    );
    assert!(!group.ran_out());
    let events = |kills| format!("low 0\nhigh 0\nmax 9\noom 1\noom_kill {kills}\n");
    tree.write("user/service/openclaw-77-3", "memory.events", &events(0));
    assert!(!group.ran_out());
    tree.write("user/service/openclaw-77-3", "memory.events", &events(2));
    assert!(group.ran_out());
}

#[test]
fn a_process_that_moved_down_stays_there() {
    let tree = Tree::new();
    tree.group("service");
    tree.group("service/openclaw");
    tree.write("service/openclaw", "cgroup.procs", "77\n78\n");
    assert_eq!(
        tree.find("service/openclaw", User::Other),
        Ok(Place::V2 {
            parent: tree.path("service"),
            leave: None
        })
    );
}

#[test]
fn processes_of_others_are_never_moved() {
    let tree = Tree::new();
    tree.group("session");
    for members in ["77\n1234\n", "0\n77\n"] {
        tree.write("session", "cgroup.procs", members);
        assert_eq!(
            tree.find("session", User::Other),
            Err(Obstacle::Shared {
                path: tree.path("session")
            })
        );
    }
}

#[test]
fn a_group_without_the_controllers_is_none() {
    let tree = Tree::new();
    tree.group("service");
    tree.write(
        "service",
        "cgroup.controllers",
        "cpu pids memory_of_another_kind",
    );
    assert_eq!(
        tree.find("service", User::Other),
        Err(Obstacle::NoControllers {
            path: tree.path("service")
        })
    );
    assert_eq!(
        tree.find("../outside", User::Other),
        Err(Obstacle::NotMounted)
    );
}

#[test]
fn root_makes_groups_at_the_top_where_its_own_was_not_handed_down() {
    let tree = Tree::new();
    tree.group("system/service");
    tree.write("system/service", "cgroup.procs", "77\n");
    let top = Ok(Place::V2 {
        parent: tree.path(""),
        leave: None,
    });
    assert_eq!(tree.find("system/service", User::Root), top);
    assert_eq!(tree.find("", User::Root), top);

    tree.write("system", "memory.max", "1000000000\n");
    assert_eq!(
        tree.find("system/service", User::Root),
        Err(Obstacle::Limited {
            path: tree.path("system")
        })
    );
}

#[test]
fn in_a_container_root_takes_no_more_than_its_own_group() {
    let tree = Tree::new();
    tree.write("", "cgroup.type", "domain");
    tree.write("", "cgroup.procs", "77\n");
    assert_eq!(
        tree.find("", User::Root),
        Ok(Place::V2 {
            parent: tree.path(""),
            leave: Some(77)
        })
    );
    tree.write("", "cgroup.procs", "1\n77\n");
    assert_eq!(
        tree.find("", User::Root),
        Err(Obstacle::Shared {
            path: tree.path("")
        })
    );
}

#[test]
fn finds_the_group_of_this_process_in_each_hierarchy_of_the_first_version() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, pids) = (folder.path().join("memory"), folder.path().join("pids"));
    fs::create_dir_all(memory.join("own/deep")).unwrap();
    fs::create_dir_all(&pids).unwrap();
    let root = folder.path().display();
    let find = |groups: &str| {
        Place::find(&View {
            groups,
            mounts: &format!(
                "30 1 0:30 / {root}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                 31 1 0:31 / {root}/memory rw - cgroup cgroup rw,memory\n\
                 32 1 0:32 /box {root}/pids rw - cgroup cgroup rw,pids\n"
            ),
            process: 77,
            user: User::Root,
        })
    };
    assert_eq!(
        find("9:name=systemd:/\n8:pids:/box\n4:memory:/own/deep\n0::/\n"),
        Ok(Place::V1 {
            memory: memory.join("own/deep"),
            pids
        })
    );
    assert_eq!(find("8:pids:/box\n0::/\n"), Err(Obstacle::NotMounted));
    assert_eq!(
        find("8:pids:/\n4:memory:/own/deep\n"),
        Err(Obstacle::NotMounted)
    );
    let gone = memory.join("gone");
    assert_eq!(
        find("8:pids:/box\n4:memory:/gone\n"),
        Err(Obstacle::NotPermitted { path: gone })
    );
}

#[test]
fn what_killed_processes_left_behind_is_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let gone = u32::MAX - 1;
    let names = [
        format!("openclaw-{gone}-0"),
        "openclaw-1-4".to_owned(),
        "openclaw-77-0".to_owned(),
        format!("openclaw-{gone}-00"),
        format!("openclaw-{gone}"),
        format!("other-{gone}-0"),
        "openclaw".to_owned(),
    ];
    for name in &names {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let busy = format!("openclaw-{gone}-1");
    fs::create_dir_all(folder.path().join(&busy).join("a process")).unwrap();
    removal::sweep(folder.path(), 77);
    let mut left: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            "openclaw".to_owned(),
            "openclaw-1-4".to_owned(),
            format!("openclaw-{gone}"),
            format!("openclaw-{gone}-00"),
            busy,
            format!("other-{gone}-0"),
        ]
    );
}

/// Returns the place for groups on this machine, or says that there is none.
fn real() -> Option<Place> {
    match place::ours() {
        Ok(place) => Some(place),
        Err(obstacle) => {
            writeln!(io::stderr(), "SKIPPED: no control groups here: {obstacle}").unwrap();
            None
        }
    }
}

fn left_of(group: &Group, place: &Place) -> Vec<PathBuf> {
    let name = fs::read_link(format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&group.procs()[0])
    ))
    .unwrap();
    let name = name.parent().and_then(Path::file_name).unwrap().to_owned();
    place
        .parents()
        .into_iter()
        .map(|parent| parent.join(&name))
        .collect()
}

#[test]
fn a_group_has_its_limits_and_goes_when_it_is_dropped() {
    let Some(place) = real() else { return };
    let config = SandboxConfig {
        max_memory: Some(64 * MIB),
        ..SandboxConfig::default()
    };
    let limits = Limits {
        processes: Some(u64::MAX),
        ..Limits::default()
    };
    let group = Group::make(&config, &limits).unwrap().unwrap();
    let directories = left_of(&group, &place);
    let read = |directory: Option<&PathBuf>, file| {
        fs::read_to_string(directory.unwrap().join(file)).map(|text| text.trim().to_owned())
    };
    let memory = match place.version() {
        Availability::V1 => "memory.limit_in_bytes",
        _ => "memory.max",
    };
    assert_eq!(read(directories.first(), memory).unwrap(), "67108864");
    assert_eq!(read(directories.last(), "pids.max").unwrap(), "4194304");
    assert!(!group.ran_out());
    drop(group);
    assert_eq!(directories.iter().find(|path| path.exists()), None);
}

#[test]
fn a_run_without_limits_needs_no_group() {
    let config = SandboxConfig {
        max_memory: None,
        ..SandboxConfig::default()
    };
    let limits = Limits {
        processes: None,
        ..Limits::default()
    };
    assert!(Group::make(&config, &limits).unwrap().is_none());
}

#[test]
fn a_group_is_removed_even_by_a_runtime_that_shuts_down() {
    let Some(place) = real() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let directories = runtime.block_on(async {
        let groups: Vec<Group> = (0..8)
            .map(|_| {
                Group::make(&SandboxConfig::default(), &Limits::default())
                    .unwrap()
                    .unwrap()
            })
            .collect();
        groups
            .iter()
            .flat_map(|group| left_of(group, &place))
            .collect::<Vec<_>>()
    });
    drop(runtime);
    assert_eq!(directories.iter().find(|path| path.exists()), None);
}
