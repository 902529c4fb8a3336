//! Whether a client is still there.

use std::time::Duration;

use axum::extract::ws::Message;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::end::End;

/// How often a connection is asked whether it still lives.
const PING: Duration = Duration::from_secs(30);

/// After how long without any sign of life a client counts as gone.
const SILENCE: Duration = Duration::from_secs(90);

/// How many pings and pongs a client may send in each [`STRETCH`].
const SIGNS: u32 = 200;
const STRETCH: Duration = Duration::from_secs(10);

/// What has been heard of a client.
pub(crate) struct Life {
    ask: time::Interval,
    heard: Instant,
    /// Since when pings and pongs are counted, and how many there were.
    since: Instant,
    signs: u32,
}

impl Life {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let mut ask = time::interval_at(now.checked_add(PING).unwrap_or(now), PING);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ask,
            heard: now,
            since: now,
            signs: 0,
        }
    }

    /// Returns the text of a request, if that is what was received.
    pub(crate) fn hear(
        &mut self,
        received: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<String>, End> {
        let now = Instant::now();
        self.heard = now;
        match received {
            Some(Ok(Message::Text(text))) => Ok(Some(text.as_str().to_owned())),
            Some(Ok(Message::Binary(_))) => Err(End::BINARY),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                if now.duration_since(self.since) >= STRETCH {
                    (self.since, self.signs) = (now, 0);
                }
                self.signs = self.signs.saturating_add(1);
                if self.signs > SIGNS {
                    return Err(End::FLOOD);
                }
                Ok(None)
            }
            Some(Ok(Message::Close(_))) => Err(End::Closed),
            Some(Err(err)) => Err(End::of(err)),
            None => Err(End::Gone),
        }
    }

    /// Waits until the client is to be asked whether it still lives.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn ask(&mut self) -> Result<Message, End> {
        let now = self.ask.tick().await;
        if now.saturating_duration_since(self.heard) > SILENCE {
            return Err(End::SILENT);
        }
        Ok(Message::Ping(Vec::new().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_never_heard_of_is_gone() {
        let mut life = Life::new();
        for _ in 0..3 {
            assert!(life.ask().await.is_ok());
        }
        assert_eq!(life.ask().await, Err(End::SILENT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_stays() {
        let mut life = Life::new();
        for _ in 0..100 {
            assert!(life.ask().await.is_ok());
            let pong = Message::Pong(Vec::new().into());
            assert_eq!(life.hear(Some(Ok(pong))), Ok(None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_pings_is_too_much() {
        let mut life = Life::new();
        let ping = || Some(Ok(Message::Ping(Vec::new().into())));
        for _ in 0..SIGNS {
            assert_eq!(life.hear(ping()), Ok(None));
        }
        assert_eq!(life.hear(ping()), Err(End::FLOOD));
        time::advance(STRETCH).await;
        assert_eq!(life.hear(ping()), Ok(None));
    }
}
