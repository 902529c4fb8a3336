//! Models that are recordings: what a provider answered once is answered again, byte for byte.
//!
//! The model's name is the path of a cassette, as `openclaw agent --record FILE` writes it. A
//! cassette says of each exchange which API it was with, so the bytes go through the decoder of that
//! API as if they came from its server. There is no key and no network. The exchanges are played
//! once each: a process that plays the cassette to its end has to be started again to begin anew.
//!
//! Where the recorded turn went on with another provider because the first one failed, the replay
//! does so too.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::env::{Env, HOME};
use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::{Tape, TapeError, Upcoming};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task;
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::EventStream;
use crate::provider::{Provider, ProviderConfig};
use crate::registry::{self, PROVIDERS, ProviderSpec, Reach};
use crate::request::Request;

/// The name of the provider.
pub const ID: &str = "replay";

/// The name of its API in configurations.
pub const API: &str = "replay";

/// The name of a model, to begin with.
pub const MODEL: &str = "cassette.jsonl";

/// The setting that makes answers take as long as they took.
const TIMING: &str = "timing";

/// What stands for a key; no server ever sees it.
const NO_KEY: &str = "replay";

/// How fast answers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    AtOnce,
    AsRecorded,
}

/// Answers from cassettes.
#[derive(Debug)]
pub struct ReplayProvider {
    id: ProviderId,
    pace: Pace,
    /// The cassettes that are being played.
    tapes: Mutex<BTreeMap<PathBuf, Tape>>,
}

impl ReplayProvider {
    /// Makes the provider that a configuration describes; with the setting `timing`, answers take as
    /// long as they took.
    pub fn from_config(config: &ProviderConfig) -> Self {
        let timed = config.params.get(TIMING) == Some(&Value::Bool(true));
        Self {
            id: config.id.clone(),
            pace: if timed {
                Pace::AsRecorded
            } else {
                Pace::AtOnce
            },
            tapes: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns the cassette, which goes on where it was.
    async fn tape(&self, model: &str) -> Result<Tape, ProviderError> {
        let path = located(model);
        let mut tapes = self.tapes.lock().await;
        if let Some(tape) = tapes.get(&path) {
            return Ok(tape.clone());
        }
        let file = path.clone();
        let tape = match task::spawn_blocking(move || Tape::play(&file)).await {
            Ok(read) => read.map_err(|source| self.failed(source))?,
            // Reading does not panic, so the task can only be gone with its runtime.
            Err(_gone) => return Err(ProviderError::Cancelled),
        };
        let tape = match self.pace {
            Pace::AtOnce => tape,
            Pace::AsRecorded => tape.with_timing(),
        };
        tapes.insert(path, tape.clone());
        Ok(tape)
    }

    /// Makes the provider that the exchange was with, to be answered by the tape.
    fn provider(&self, next: &Upcoming, tape: &Tape) -> Result<Arc<dyn Provider>, ProviderError> {
        let label = next.label.clone();
        // What is no API over a network is on no cassette.
        let is_recorded = |spec: &ProviderSpec| spec.api == label.api && spec.reach == Reach::Http;
        if !PROVIDERS.iter().any(is_recorded) {
            return Err(ProviderError::UnknownApi { api: label.api });
        }
        let config = ProviderConfig {
            base_url: label.base_url,
            api_key: Some(Arc::new(ApiKey::new(NO_KEY.to_owned()))),
            params: label.params,
            tape: Some(tape.clone()),
            // What a provider signed goes back to the one that has the same name.
            ..ProviderConfig::new(self.id.clone())
        };
        registry::build(&label.api, config)
    }

    fn failed(&self, source: TapeError) -> ProviderError {
        ProviderError::Http {
            provider: self.id.clone(),
            source: source.into(),
        }
    }
}

#[async_trait]
impl Provider for ReplayProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let tape = self.tape(&request.model).await?;
        let mut next = tape.upcoming().map_err(|source| self.failed(source))?;
        loop {
            let model = model(&next);
            let provider = self.provider(&next, &tape)?;
            let asked = Request {
                model: model.clone(),
                ..request.clone()
            };
            let error = match provider.stream(asked, stop.clone()).await {
                Ok(events) => return Ok(events),
                Err(error) => error,
            };
            match tape.upcoming() {
                Ok(then) if then.label != next.label || self::model(&then) != model => next = then,
                _ => return Err(error),
            }
        }
    }
}

/// Returns the path that a model's name is; `~` is the home directory.
fn located(model: &str) -> PathBuf {
    let home = || Env::from_process().get_os(HOME.name).map(PathBuf::from);
    model
        .strip_prefix("~/")
        .and_then(|below| Some(home()?.join(below)))
        .unwrap_or_else(|| PathBuf::from(model))
}

/// Returns the model that was asked; some APIs have it in the address.
fn model(next: &Upcoming) -> String {
    let in_path = |before: &str| {
        let (_, after) = next.path.split_once(before)?;
        after.split(['/', ':']).next()
    };
    next.body
        .get("model")
        .and_then(Value::as_str)
        .or_else(|| in_path("/models/"))
        .or_else(|| in_path("/deployments/"))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
