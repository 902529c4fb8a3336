//! Who can be asked, and how patient one is with them.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::ModelRef;
use openclaw_http::Retry;

use crate::catalogue::ModelInfo;
use crate::provider::Provider;
use crate::request::{CacheRetention, Effort};

/// A model that can be asked, with the keys that it can be asked with.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The model.
    pub model: ModelRef,
    /// The keys, the preferred one first; a candidate without any is passed over.
    pub credentials: Vec<Credential>,
    /// What is known about the model, if anything is: only then are requests cut to its limits.
    pub info: Option<ModelInfo>,
    /// How it is asked where the request does not say.
    pub defaults: Defaults,
    /// How long it may be silent; [`Policy::stall`], if not set.
    pub stall: Option<Duration>,
    /// How long it first rests after a failure; [`Policy::rest`], if not set.
    pub rest: Option<Duration>,
}

impl Candidate {
    /// Makes a candidate with one nameless key, of which nothing else is known.
    pub fn new(provider: Arc<dyn Provider>, model: impl Into<String>) -> Self {
        Self {
            model: ModelRef {
                provider: provider.id().clone(),
                model: model.into(),
            },
            credentials: vec![Credential {
                name: String::new(),
                provider,
            }],
            info: None,
            defaults: Defaults::default(),
            stall: None,
            rest: None,
        }
    }
}

/// A provider with one of its keys.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The key's name, which is never the key; empty where there is only one.
    pub name: String,
    /// The provider, which has the key.
    pub provider: Arc<dyn Provider>,
}

/// How a model is asked; what the request itself says comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Defaults {
    /// The most tokens that it may write.
    pub max_tokens: Option<u32>,
    /// How hard it is to think.
    pub effort: Option<Effort>,
    /// How freely it chooses its words.
    pub temperature: Option<f64>,
    /// How long its provider is to keep the prompt.
    pub cache: CacheRetention,
}

/// How patient one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often a model is asked the same before it is given up, and the waits between.
    pub retry: Retry,
    /// How long an answer may bring nothing, counted from its head on, whatever keeps the
    /// connection open.
    pub stall: Duration,
    /// How long a model or key rests after a failure; the second time it is twice as long, from
    /// the third on ten times.
    pub rest: Duration,
    /// How long a key rests that was refused or has no credit.
    pub long_rest: Duration,
    /// How many failures of a model in a row open its circuit.
    pub threshold: u32,
}

impl Default for Policy {
    /// Three attempts, five minutes of silence; rests of 30 seconds, 1 and 5 minutes, and of 10
    /// minutes for keys that are refused, as OpenClaw has them.
    fn default() -> Self {
        Self {
            retry: Retry {
                attempts: 3,
                ..Retry::default()
            },
            stall: Duration::from_mins(5),
            rest: Duration::from_secs(30),
            long_rest: Duration::from_mins(10),
            threshold: 3,
        }
    }
}
