//! The names of the errors by which a system refuses.

use std::io;

use super::attempt::Tried;

/// Those that a sandbox refuses with; for any other the system's own words do.
const NAMES: [(i32, &str); 27] = [
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::ESRCH, "ESRCH"),
    (libc::EIO, "EIO"),
    (libc::ENXIO, "ENXIO"),
    (libc::EBADF, "EBADF"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EACCES, "EACCES"),
    (libc::EBUSY, "EBUSY"),
    (libc::EEXIST, "EEXIST"),
    (libc::EXDEV, "EXDEV"),
    (libc::ENODEV, "ENODEV"),
    (libc::ENOTDIR, "ENOTDIR"),
    (libc::EISDIR, "EISDIR"),
    (libc::EINVAL, "EINVAL"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENOTTY, "ENOTTY"),
    (libc::EFBIG, "EFBIG"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EROFS, "EROFS"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::ENETUNREACH, "ENETUNREACH"),
    (libc::ECONNREFUSED, "ECONNREFUSED"),
    (libc::EHOSTUNREACH, "EHOSTUNREACH"),
    (libc::ETIMEDOUT, "ETIMEDOUT"),
];

/// Returns the name of an error by its number.
pub(super) fn name(number: i32) -> String {
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(
            || io::Error::from_raw_os_error(number).to_string(),
            |(_, name)| (*name).to_owned(),
        )
}

/// Returns how an operation was refused.
pub(super) fn of(err: impl Into<io::Error>) -> String {
    let err = err.into();
    err.raw_os_error().map_or_else(|| err.to_string(), name)
}

impl Tried {
    /// Makes it from what came of one operation, and what success means.
    pub(super) fn of<T, E: Into<io::Error>>(result: Result<T, E>, got: impl Into<String>) -> Self {
        match result {
            Ok(_) => Self::Got(got.into()),
            Err(err) => Self::Refused(of(err)),
        }
    }

    /// A success of several by their names, and otherwise how each was refused, if all were.
    pub(super) fn each(tries: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let (mut got, mut unable, mut refused) = (None, None, Vec::new());
        for (name, tried) in tries {
            match tried {
                Self::Got(_) => got = got.or(Some(tried)),
                Self::Unable(_) => unable = unable.or(Some(tried)),
                Self::Refused(how) => refused.push(format!("{name}: {how}")),
            }
        }
        got.or(unable)
            .unwrap_or_else(|| Self::Refused(refused.join(", ")))
    }

    /// The first success of several, and otherwise the first refusal.
    pub(super) fn any(tries: impl IntoIterator<Item = Self>) -> Self {
        let mut first = None;
        for tried in tries {
            match tried {
                Self::Got(_) => return tried,
                Self::Refused(_) => first = first.or(Some(tried)),
                Self::Unable(_) => {}
            }
        }
        first.unwrap_or_else(|| Self::Unable("there is nothing to try it on".to_owned()))
    }
}

/// Returns the name of a signal by its number.
pub(super) fn signal(number: i32) -> String {
    let name = match number {
        libc::SIGABRT => "SIGABRT",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSYS => "SIGSYS",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}
