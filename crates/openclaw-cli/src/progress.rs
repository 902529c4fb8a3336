//! How far long work is, for people who wait.

use std::time::{Duration, Instant};

pub(crate) use openclaw_gateway::doctor::Hear;
use tokio::sync::watch;

use crate::output::Output;

/// Work that is done by then needs no progress.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the line changes at most.
const EVERY: Duration = Duration::from_millis(100);

/// Does long work and shows how far it is.
///
/// The work gets a function to report to, which may be called on any thread.
pub(crate) async fn watched<T, W: Future<Output = T>>(
    out: &Output,
    what: &'static str,
    work: impl FnOnce(Hear) -> W,
) -> T {
    let (tell, mut heard) = watch::channel((0, 0));
    let mut work = std::pin::pin!(work(Box::new(move |done, total| {
        tell.send_replace((done, total));
    })));
    let mut progress = Progress::begin(out, what);
    loop {
        tokio::select! {
            biased;
            outcome = work.as_mut() => return outcome,
            Ok(()) = heard.changed() => {
                let (done, total) = *heard.borrow_and_update();
                progress.at(done, total);
            }
        }
    }
}

/// A line on a terminal's standard error that is gone when the work is done.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    out: &'a Output,
    what: &'static str,
    due: Instant,
    width: usize,
}

impl<'a> Progress<'a> {
    /// Begins; nothing is shown of work that takes no time.
    pub(crate) fn begin(out: &'a Output, what: &'static str) -> Self {
        let now = Instant::now();
        Self {
            out,
            what,
            due: now.checked_add(PATIENCE).unwrap_or(now),
            width: 0,
        }
    }

    /// Says how much is done.
    pub(crate) fn at(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        if !self.out.stderr().terminal || now < self.due {
            return;
        }
        self.due = now.checked_add(EVERY).unwrap_or(now);
        let percent = done
            .saturating_mul(100)
            .checked_div(total)
            .unwrap_or(100)
            .min(100);
        let line = format!("{} {percent} %", self.what);
        let width = self.width.max(line.len());
        self.width = width;
        self.write(&format!("\r{line:<width$}"));
    }

    fn write(&self, text: &str) {
        // If standard error cannot be written, there is nobody to be told.
        drop(self.out.stderr_bytes(text.as_bytes()));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.width > 0 {
            let width = self.width;
            self.write(&format!("\r{:<width$}\r", ""));
        }
    }
}
