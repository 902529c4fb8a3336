//! Who listens on a port, so that the operator need not search.

use std::fs;
use std::net::SocketAddr;

/// Returns the process that listens on the port, where the system lets us see it.
///
/// The tables are described in proc(5): a listening socket has state `0A`, and its inode appears
/// among the open files of its process.
pub(crate) fn holder(addr: SocketAddr) -> Option<String> {
    let inodes = listening(addr.port());
    if inodes.is_empty() {
        return None;
    }
    fs::read_dir("/proc")
        .ok()?
        .filter_map(Result::ok)
        .find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let holds = fs::read_dir(entry.path().join("fd"))
                .ok()?
                .filter_map(Result::ok)
                .any(|fd| {
                    fs::read_link(fd.path()).is_ok_and(|target| {
                        inodes
                            .iter()
                            .any(|inode| target.as_os_str() == inode.as_str())
                    })
                });
            if !holds {
                return None;
            }
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            Some(format!("{} (pid {pid})", name.trim()))
        })
}

/// Returns the sockets that listen on the port, in the form of the links in `/proc/<pid>/fd`.
fn listening(port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let wanted = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| {
            table
                .lines()
                .filter_map(|line| {
                    let mut columns = line.split_whitespace().skip(1);
                    let (local, state) = (columns.next()?, columns.nth(1)?);
                    let inode = columns.nth(5)?;
                    (local.ends_with(&wanted) && state == LISTEN)
                        .then(|| format!("socket:[{inode}]"))
                })
                .collect::<Vec<_>>()
        })
        .collect()
}
