//! Closing what was inherited.

use std::{
    fs, io,
    os::fd::{AsRawFd as _, BorrowedFd, RawFd},
};

/// Where the system lists the open descriptors of the process that looks.
const LIST: &str = if cfg!(target_os = "linux") {
    "/proc/self/fd"
} else {
    "/dev/fd"
};

/// Closes every descriptor but the three standard ones and those in `keep`.
///
/// Whoever started the gateway may have left descriptors open in it that every child inherits, and
/// bubblewrap passes on what it is given.
pub(super) fn close_all_but(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let open: Vec<RawFd> = fs::read_dir(LIST)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for number in open {
        let kept = number <= 2 || keep.iter().any(|kept| kept.as_raw_fd() == number);
        if !kept {
            // The descriptor of the list itself is in it, and closed by now.
            nix::unistd::close(number).unwrap_or_default();
        }
    }
    Ok(())
}
