//! What the gateway knows and a command must not.

use std::{env, fs, os::fd::AsRawFd as _};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    errno,
    files::{holds, processes},
    processes::nobody,
    targets::Targets,
};

pub(super) const ATTEMPTS: &[Attempt] =
    &[
        of(
            "secrets.variables",
            "find a variable of this process in the environment",
            |targets| {
                let names: Vec<String> = env::vars_os()
                    .filter_map(|(name, _)| name.into_string().ok())
                    .filter(|name| targets.variables.contains(name))
                    .collect();
                match names.first() {
                    Some(name) => Tried::Got(format!("{name} and {} more", names.len() - 1)),
                    None => Tried::Refused("there is none".to_owned()),
                }
            },
        )
        .without_control("no level passes the environment on"),
        of(
            "secrets.environment",
            "read the environment of another process",
            |targets| {
                if targets.process.is_none() {
                    return nobody();
                }
                Tried::any(processes().iter().map(|process| {
                    match fs::read(process.join("environ")) {
                        Ok(bytes) if holds(&bytes, &targets.secret) => {
                            Tried::Got("the secret".to_owned())
                        }
                        Ok(_) => {
                            Tried::Refused("there are only processes of the sandbox".to_owned())
                        }
                        Err(err) => Tried::Refused(errno::of(err)),
                    }
                }))
            },
        ),
        of(
            "secrets.descriptors",
            "use a file that this process has open",
            |_| descriptors(),
        )
        .without_control("no level passes descriptors on"),
        of(
            "secrets.host-name",
            "learn the name of the host",
            |targets| {
                let name = rustix::system::uname();
                if name.nodename().to_bytes() == targets.host.as_bytes() {
                    Tried::Got(targets.host.clone())
                } else {
                    Tried::Refused("it is called otherwise inside".to_owned())
                }
            },
        ),
        of(
            "secrets.users",
            "learn who else uses the machine",
            |targets| match fs::read_to_string("/etc/passwd") {
                Ok(text) => {
                    let names: Vec<&str> = text
                        .lines()
                        .filter_map(|line| line.split(':').next())
                        .collect();
                    targets
                        .users
                        .iter()
                        .find(|user| names.contains(&user.as_str()))
                        .map_or_else(
                            || Tried::Refused("nobody of the host is named".to_owned()),
                            |user| Tried::Got(user.clone()),
                        )
                }
                Err(err) => Tried::Refused(errno::of(err)),
            },
        ),
        of("secrets.machine", "learn the number of the machine", |_| {
            Tried::of(fs::read("/etc/machine-id"), "/etc/machine-id")
        }),
    ];

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Secrets, title, Way::Inside(inside))
}

/// Looks for open descriptors beside the standard streams and the one that it looks with.
fn descriptors() -> Tried {
    let listed = fs::File::open("/proc/self/fd").and_then(|own| {
        let own = own.as_raw_fd().to_string();
        let entries = fs::read_dir("/proc/self/fd")?;
        Ok(entries
            .flatten()
            .filter(|entry| entry.file_name().to_str() != Some(&own))
            .filter(|entry| {
                !["0", "1", "2"]
                    .map(Some)
                    .contains(&entry.file_name().to_str())
            })
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            // The list that is being read is open, too.
            .find(|file| !file.starts_with("/proc")))
    });
    match listed {
        Ok(Some(file)) => Tried::Got(file.display().to_string()),
        Ok(None) => Tried::Refused("there is none".to_owned()),
        Err(err) => Tried::Refused(errno::of(err)),
    }
}
