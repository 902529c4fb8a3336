//! What keeps this process's memory from being read, done before there is a secret in it.

/// Turns core dumps off, and keeps other processes of the same user from looking into this one.
///
/// Children start without a core dump, too, but may be looked into once they run their own program.
/// Returns what could not be done.
pub(crate) fn apply() -> Option<String> {
    let failed = |err| format!("the memory of this process is not protected: {err}");
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        if let Err(err) = setrlimit(Resource::Core, none) {
            return Some(failed(err));
        }
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(err) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            return Some(failed(err));
        }
    }
    None
}
