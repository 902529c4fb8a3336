//! Requests that are turned down at the door; each is sent once, since the server here answers once.

use std::time::Duration;

use openclaw_providers::{ProviderError, Reason};
use tokio_util::sync::CancellationToken;

use super::served::{self, KEY};
use super::{Verdict, ensure, every_api, request};
use crate::server::Server;

async fn refused(api: &str, case: &str) -> Result<ProviderError, String> {
    let server = Server::start([served::refusal(api, case)?]);
    let provider = served::provider(api, "mine", &server);
    let asked = provider.stream(request(), CancellationToken::new()).await;
    let error = asked.err().ok_or("there is an answer")?;
    let shown = format!("{error} {error:?}");
    ensure!(!shown.contains(KEY), "the key is shown: {shown}");
    Ok(error)
}

fn is(error: &ProviderError, expected: Reason) -> Verdict {
    let ProviderError::Status { reason, .. } = error else {
        return Err(format!("ends with {error:?}"));
    };
    ensure!(*reason == expected, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_is_told_with_a_hint() {
    every_api(async |api| {
        let error = refused(api, "401").await?;
        is(&error, Reason::Authentication)?;
        let hint = error.hint().unwrap_or_default();
        ensure!(hint.contains("key of provider `mine`"), "hints {hint:?}");
        ensure!(!error.is_retryable(), "the same key would be tried again");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_rate_limit_tells_how_long_to_wait() {
    every_api(async |api| {
        let error = refused(api, "429").await?;
        is(&error, Reason::RateLimited)?;
        let ProviderError::Status { retry_after, .. } = error else {
            return Err("no status".to_owned());
        };
        let wait = Some(Duration::from_mins(10));
        ensure!(retry_after == wait, "waits for {retry_after:?}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_server_with_too_much_to_do_may_be_asked_again() {
    every_api(async |api| {
        let error = refused(api, "529").await?;
        is(&error, Reason::Overloaded)?;
        ensure!(error.is_retryable(), "nobody would ask again");
        Ok(())
    })
    .await;
}
