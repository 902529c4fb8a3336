//! What there is of a sandbox on Windows: a job object around each command.
//!
//! A job keeps the processes of a run together: none can leave it, all are ended with the run, and
//! all are ended when this process is, however it ends. It hides no files and no network. So the
//! levels above None are refused, unless what is missing may be, and then each run says what it
//! did not have; `missing` decides it, `run` prepares a run, and `child` makes the job.
//!
//! Windows has limits on what the processes of a job use up. No library that we trust sets them by
//! safe code, so they are not set, and that is said of each run, too.

#[cfg(windows)]
mod child;
mod missing;
#[cfg(windows)]
mod run;

#[cfg(windows)]
pub(crate) use self::{
    child::{Child, start},
    run::{Means, prepare},
};
