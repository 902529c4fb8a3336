//! Following the log over more than one connection.
//!
//! A client that follows remembers the cursor of the last fact that it was given. When the
//! connection is lost it connects anew, says where it was, and goes on from there: each fact comes
//! once, in the order of the log. Between two attempts it waits a little longer each time, and it
//! gives up when nothing was heard for [`PATIENCE`].

use std::time::Duration;

use openclaw_core::{Kind, SessionKey};
use tokio::time::{Instant, sleep};

use super::Client;
use super::error::ClientError;
use super::line::{Incoming, Line, output};
use crate::cursor::Cursor;
use crate::methods::{EventsSubscribe, EventsSubscribeOutput, EventsSubscribeParams};
use crate::notifications::Notification;

/// For how long a lost connection is tried to be had again.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How long the first attempt waits, and how long one waits at most.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What a client follows.
#[derive(Debug)]
pub(super) struct Following {
    sessions: Option<Vec<SessionKey>>,
    /// The place behind the last fact that was taken.
    cursor: Cursor,
    standing: Standing,
}

/// Whether what comes is what follows the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Current,
    /// Something was left out: the gateway has to be told anew where to go on.
    Behind,
    /// The connection is lost.
    Lost,
}

/// How often a connection was lost without anything heard in between.
#[derive(Debug)]
pub(super) struct Loss {
    first: Instant,
    times: u32,
    /// How long the gateway asks to be left alone.
    asked: Duration,
}

impl Client {
    /// Follows the log from a cursor on, or from now on: all sessions, or those that are named.
    ///
    /// From then on, notifications are what follows the cursor that is returned, and the client
    /// comes back by itself when the connection is lost. Notifications that were kept are dropped.
    pub async fn follow(
        &mut self,
        cursor: Option<Cursor>,
        sessions: Option<Vec<SessionKey>>,
    ) -> Result<Cursor, ClientError> {
        let params = EventsSubscribeParams {
            cursor,
            sessions: sessions.clone(),
        };
        let EventsSubscribeOutput { cursor, .. } = self.line.subscribe(&params).await?;
        self.backlog = super::Backlog::default();
        self.loss = None;
        self.following = Some(Following {
            sessions,
            cursor: cursor.clone(),
            standing: Standing::Current,
        });
        Ok(cursor)
    }

    /// Returns the place behind the last fact that was taken, for somebody who will come back.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.following.as_ref().map(|following| &following.cursor)
    }

    /// Takes a notification, unless it is none of what is followed.
    pub(super) fn heard(&mut self, notification: Notification) -> Option<Notification> {
        if let Some(following) = &mut self.following {
            if following.standing != Standing::Current {
                return None;
            }
            if let Notification::SessionEvent(fact) = &notification {
                following.cursor = fact.cursor.clone();
            }
        }
        self.loss = None;
        Some(notification)
    }

    /// Keeps a notification for later; what there is no room for will be asked for again.
    pub(super) fn keep(&mut self, notification: Notification) {
        if let Some(following) = &mut self.following
            && following.standing == Standing::Current
            && self.backlog.is_full()
        {
            following.standing = Standing::Behind;
        }
        if let Some(notification) = self.heard(notification) {
            self.backlog.push(notification);
        }
    }

    /// Notes that the connection is lost; the error is given back if it stays so.
    pub(super) fn lost(&mut self, err: ClientError) -> Result<(), ClientError> {
        let Some(following) = self.following.as_mut().filter(|_| is_a_loss(&err)) else {
            return Err(err);
        };
        following.standing = Standing::Lost;
        let loss = self.loss.get_or_insert_with(|| Loss {
            first: Instant::now(),
            times: 0,
            asked: Duration::ZERO,
        });
        loss.times = loss.times.saturating_add(1);
        loss.asked = err.retry_after().unwrap_or_default();
        let waits_until = Instant::now() + loss.wait();
        if waits_until.duration_since(loss.first) > PATIENCE {
            return Err(err);
        }
        Ok(())
    }

    /// As [`Client::lost`], while a call was under way that may be made again or may not.
    pub(super) fn lost_in_call(
        &mut self,
        err: ClientError,
        again: Again,
    ) -> Result<(), ClientError> {
        match again {
            Again::Harmless => self.lost(err),
            Again::Unknown => {
                if let Some(following) = self.following.as_mut().filter(|_| is_a_loss(&err)) {
                    following.standing = Standing::Lost;
                }
                Err(err)
            }
        }
    }

    /// Sees to it that what comes is what is followed, if anything is.
    ///
    /// Cancel-safe: what is left undone is done by the next call.
    pub(super) async fn restore(&mut self) -> Result<(), ClientError> {
        while let Some(following) = &self.following
            && following.standing != Standing::Current
        {
            if let Some(loss) = &self.loss {
                sleep(loss.wait()).await;
            }
            if let Err(err) = self.go_on().await {
                self.lost(err)?;
            }
        }
        Ok(())
    }

    /// Tries once to go on where the last fact was taken.
    async fn go_on(&mut self) -> Result<(), ClientError> {
        let Some(following) = &mut self.following else {
            return Ok(());
        };
        if following.standing == Standing::Lost {
            self.line = Line::open(&self.address, &self.bearer).await?;
            following.standing = Standing::Behind;
        }
        let params = EventsSubscribeParams {
            cursor: Some(following.cursor.clone()),
            sessions: following.sessions.clone(),
        };
        self.line.subscribe(&params).await?;
        following.standing = Standing::Current;
        Ok(())
    }
}

impl Line {
    /// Says what to follow; what comes before the answer is of no interest.
    async fn subscribe(
        &mut self,
        params: &EventsSubscribeParams,
    ) -> Result<EventsSubscribeOutput, ClientError> {
        let id = self.send::<EventsSubscribe>(params).await?;
        loop {
            if let Incoming::Answer(answer) = self.receive().await?
                && let Some(output) = output::<EventsSubscribe>(&id, answer)?
            {
                return Ok(output);
            }
        }
    }
}

/// Whether a call may be made a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It reads, or has a name under which it is carried out once.
    Harmless,
    /// Nobody knows.
    Unknown,
}

impl Loss {
    /// Returns how long to wait before the next attempt.
    fn wait(&self) -> Duration {
        let doubled = self.times.saturating_sub(1).min(16);
        let wait = FIRST_WAIT.saturating_mul(1 << doubled);
        wait.min(LONGEST_WAIT).max(self.asked)
    }
}

/// Tells whether it may help to connect anew.
fn is_a_loss(err: &ClientError) -> bool {
    match err {
        ClientError::TooLarge => false,
        ClientError::Rpc(error) => error.kind() == Kind::Limited,
        err => matches!(
            err.kind(),
            Kind::Unreachable | Kind::Unavailable | Kind::Limited
        ),
    }
}
