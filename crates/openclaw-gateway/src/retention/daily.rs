//! What a gateway does about `session.maintenance`: once when it starts, and then every day.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_agents::TaskScope;
use openclaw_config::MaintenanceMode;
use openclaw_core::{Clock, EventStore};
use tokio::time;

use super::cleanup::{Limits, Step, clean, plan};
use super::{RetentionError, archive_folder};
use crate::home::Home;

const DAY: Duration = Duration::from_hours(24);

/// The gateway's retention, if the config asks for any.
#[derive(Clone, Debug)]
pub(crate) struct Daily {
    mode: MaintenanceMode,
    limits: Limits,
    folder: PathBuf,
}

impl Daily {
    /// Returns what a home's config asks for; without a mode that is nothing.
    pub(crate) fn of(home: &Home) -> Option<Self> {
        let maintenance = &home.config.maintenance;
        let limits = Limits::of(maintenance);
        let mode = maintenance.mode.filter(|_| !limits.keep_everything())?;
        Some(Self {
            mode,
            limits,
            folder: archive_folder(&home.state),
        })
    }

    /// Works until the scope is told to stop.
    pub(crate) async fn run(self, store: EventStore, scope: TaskScope) {
        loop {
            let done = match self.mode {
                MaintenanceMode::Enforce => self.enforce(&store, &scope).await,
                MaintenanceMode::Warn => self.warn(&store).await,
            };
            if let Err(err) = done {
                tracing::error!(%err, "old sessions were not cleaned up");
            }
            tokio::select! {
                () = scope.stop().cancelled() => return,
                () = time::sleep(DAY) => {}
            }
        }
    }

    async fn enforce(&self, store: &EventStore, scope: &TaskScope) -> Result<(), RetentionError> {
        let mut gone = 0_u64;
        let cleaned = clean(store, self.limits, &self.folder, &Clock::system(), |step| {
            match step {
                Step::Deleted(due, deleted) => {
                    gone = gone.saturating_add(1);
                    let file = deleted.copy.map(|copy| copy.file);
                    tracing::info!(
                        session = %due.session.key, why = %due.why, ?file,
                        "a session was archived and deleted"
                    );
                }
                Step::Kept(due, err) => {
                    tracing::info!(session = %due.session.key, %err, "a session was kept");
                }
            }
            if scope.stop().is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await;
        if gone > 0 {
            tracing::warn!(
                sessions = gone,
                archive = %self.folder.display(),
                "sessions were archived and deleted, as session.maintenance of the config says"
            );
        }
        cleaned
    }

    async fn warn(&self, store: &EventStore) -> Result<(), RetentionError> {
        let mut due = 0_u64;
        plan(store, self.limits, &Clock::system(), |_, _| {
            due = due.saturating_add(1);
        })
        .await?;
        if due > 0 {
            tracing::warn!(
                sessions = due,
                "sessions are beyond the limits of session.maintenance; `openclaw sessions cleanup` archives and deletes them"
            );
        }
        Ok(())
    }
}
