//! Answers that never come to their end.

use std::time::Duration;

use futures_util::StreamExt as _;
use openclaw_http::{HttpError, Phase, Timeouts};
use openclaw_providers::{ProviderError, StreamEvent};
use tokio_util::sync::CancellationToken;

use super::served::{self, End, PATIENCE};
use super::{Verdict, ensure, every_api};
use crate::server::Server;

/// What every answer here begins with.
const FIRST_WORDS: &str = "I was";

/// The most that a client may take to hang up.
const SOON: Duration = Duration::from_secs(10);

fn begins(words: &str) -> Verdict {
    ensure!(words.starts_with(FIRST_WORDS), "says {words:?}");
    Ok(())
}

async fn hangs_up(server: &Server) -> Verdict {
    let hung_up = tokio::time::timeout(SOON, server.client_hung_up()).await;
    hung_up.map_err(|_elapsed| "the connection stays open".to_owned())
}

fn ran_out(error: &ProviderError, expected: Phase) -> Verdict {
    let ProviderError::Http {
        source: HttpError::Timeout { phase, .. },
        ..
    } = error
    else {
        return Err(format!("ends with {error:?}"));
    };
    ensure!(*phase == expected, "ran out of time: {error:?}");
    Ok(())
}

#[tokio::test]
async fn an_error_in_the_stream_comes_after_what_was_said() {
    every_api(async |api| {
        let server = Server::start([served::stream(api, "error", End::InOrder)?]);
        let provider = served::provider(api, "mine", &server);
        let events = served::open(&provider, &CancellationToken::new()).await?;
        let (words, error) = served::words_and_error(events).await?;
        begins(&words)?;
        let ProviderError::Sent { message, .. } = &error else {
            return Err(format!("ends with {error:?}"));
        };
        ensure!(!message.is_empty(), "does not say what is wrong: {error:?}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_cut_is_never_a_short_answer() {
    every_api(async |api| {
        for end in [End::InOrder, End::Torn] {
            let server = Server::start([served::stream(api, "cut", end)?]);
            let provider = served::provider(api, "mine", &server);
            let events = served::open(&provider, &CancellationToken::new()).await?;
            let (words, error) = served::words_and_error(events).await?;
            begins(&words)?;
            ensure!(
                matches!(error, ProviderError::EndedEarly { .. }),
                "{end:?} ends with {error:?}"
            );
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_never_begins_is_not_waited_for() {
    every_api(async |api| {
        let server = Server::hanging("");
        let timeouts = Timeouts {
            first_byte: PATIENCE,
            ..Timeouts::default()
        };
        let provider = served::impatient(api, &server, timeouts);
        let asked = provider.stream(super::request(), CancellationToken::new());
        let Err(error) = asked.await else {
            return Err("there is an answer".to_owned());
        };
        ran_out(&error, Phase::FirstByte)?;
        hangs_up(&server).await
    })
    .await;
}

#[tokio::test]
async fn a_server_that_falls_silent_is_not_waited_for() {
    every_api(async |api| {
        let server = Server::hanging(served::stream(api, "cut", End::Torn)?);
        let timeouts = Timeouts {
            idle: PATIENCE,
            ..Timeouts::default()
        };
        let provider = served::impatient(api, &server, timeouts);
        let events = served::open(&provider, &CancellationToken::new()).await?;
        let (words, error) = served::words_and_error(events).await?;
        begins(&words)?;
        ran_out(&error, Phase::Idle)?;
        hangs_up(&server).await
    })
    .await;
}

/// How a caller has had enough.
#[derive(Clone, Copy, Debug)]
enum Enough {
    Stops,
    DropsTheStream,
}

#[tokio::test]
async fn whoever_has_had_enough_of_an_answer_closes_its_connection() {
    every_api(async |api| {
        for enough in [Enough::Stops, Enough::DropsTheStream] {
            let server = Server::hanging(served::stream(api, "cut", End::Torn)?);
            let stop = CancellationToken::new();
            let provider = served::provider(api, "mine", &server);
            let mut events = served::open(&provider, &stop).await?;
            let mut first = events.next().await;
            while !matches!(first, Some(Ok(StreamEvent::Text(_)))) {
                ensure!(matches!(first, Some(Ok(_))), "no words, but {first:?}");
                first = events.next().await;
            }
            match enough {
                Enough::DropsTheStream => drop(events),
                Enough::Stops => {
                    stop.cancel();
                    let (_, error) = served::words_and_error(events).await?;
                    let cancelled = matches!(error, ProviderError::Cancelled);
                    ensure!(cancelled, "ends with {error:?}");
                }
            }
            hangs_up(&server).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn stopping_before_the_answer_closes_its_connection() {
    every_api(async |api| {
        let server = Server::hanging("");
        let stop = CancellationToken::new();
        let provider = served::provider(api, "mine", &server);
        let asked = provider.stream(super::request(), stop.clone());
        let (answer, ()) = tokio::join!(asked, async {
            server.wait_for_requests(1).await;
            stop.cancel();
        });
        let error = answer.err();
        ensure!(
            matches!(error, Some(ProviderError::Cancelled)),
            "ends with {error:?}"
        );
        hangs_up(&server).await
    })
    .await;
}
