//! All attempts, in the order in which they are made.

use super::{attempt::Attempt, files, kernel, limits, network, processes, secrets, workspace};

/// The attempts of every group.
const GROUPS: [&[Attempt]; 7] = [
    files::ATTEMPTS,
    workspace::ATTEMPTS,
    network::ATTEMPTS,
    processes::ATTEMPTS,
    kernel::ATTEMPTS,
    limits::ATTEMPTS,
    secrets::ATTEMPTS,
];

/// Returns every attempt.
pub(super) fn all() -> impl Iterator<Item = &'static Attempt> {
    GROUPS.into_iter().flatten()
}

/// Returns the attempt of this id.
pub(super) fn find(id: &str) -> Option<&'static Attempt> {
    let mut known = all().chain(network::BY_PROXY);
    known.find(|attempt| attempt.id == id)
}
