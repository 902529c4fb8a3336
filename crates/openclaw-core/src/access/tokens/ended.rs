//! The end of somebody's right to be here, which open connections wait for.

use std::future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time;

use crate::clock::Clock;

/// When an admission ends: by revocation, or because the token has run out.
#[derive(Clone, Debug)]
pub struct Ended {
    revoked: watch::Receiver<bool>,
    at: Option<Timestamp>,
}

impl Ended {
    /// Ends when the sender says so or is gone, and at a time if there is one.
    pub const fn new(revoked: watch::Receiver<bool>, at: Option<Timestamp>) -> Self {
        Self { revoked, at }
    }

    /// Tells whether it has ended.
    #[cfg(test)]
    pub(in crate::access) fn is_over(&self) -> bool {
        *self.revoked.borrow() || self.left() == Some(Duration::ZERO)
    }

    /// Waits for the end.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn wait(&self) {
        let mut revoked = self.revoked.clone();
        let run_out = async {
            match self.left() {
                Some(left) => time::sleep(left).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            // An error is a sender that is gone, and so is the grant.
            _ = revoked.wait_for(|revoked| *revoked) => {}
            () = run_out => {}
        }
    }

    fn left(&self) -> Option<Duration> {
        let left = self.at?.duration_since(Clock::system().now());
        Some(Duration::try_from(left).unwrap_or_default())
    }
}
