//! What is known about models that nobody has to be asked for: their limits, what they can be shown,
//! and what they cost.
//!
//! The figures stand in `models.json`, with their date and where they are from. A config overrides
//! them, and so does what a provider itself says about its models.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use openclaw_core::Price;
use serde::{Deserialize, Serialize};

use crate::provider::{ListedModel, Modality};

/// The figures.
const BUILT_IN: &str = include_str!("models.json");

/// Read when a model is first looked up: most commands need none of it.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    serde_json::from_str(BUILT_IN).unwrap_or_else(|err| {
        tracing::error!(%err, "the catalogue of models cannot be read");
        Catalogue::default()
    })
});

/// What is known about a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// The provider's name for it.
    pub id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The most tokens that a request and its answer may have together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// The most tokens that it may write in one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// What it can be shown.
    pub input: Vec<Modality>,
    /// Whether it can call tools.
    pub tools: bool,
    /// Whether it can be told to think before it answers.
    pub reasoning: bool,
    /// What its tokens cost; none if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

impl ModelInfo {
    /// Returns what is taken to hold for a model that nothing is known about: it reads text and
    /// calls tools, and what it costs is not known.
    pub fn unknown(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
            context_window: None,
            max_tokens: None,
            input: vec![Modality::Text],
            tools: true,
            reasoning: false,
            price: None,
        }
    }

    /// Returns this with what the model's provider itself says.
    #[must_use]
    pub fn refined(self, listed: &ListedModel) -> Self {
        let max_tokens = listed.max_tokens.filter(|tokens| *tokens > 0);
        Self {
            id: self.id,
            name: listed.name.clone().or(self.name),
            context_window: listed.context_window.or(self.context_window),
            max_tokens: max_tokens
                .map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX))
                .or(self.max_tokens),
            input: listed.input.clone().unwrap_or(self.input),
            tools: listed.tools.unwrap_or(self.tools),
            reasoning: listed.reasoning.unwrap_or(self.reasoning),
            price: listed.price.clone().or(self.price),
        }
    }
}

/// Models by their providers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The day that the figures are of.
    as_of: String,
    /// The providers on one's own machine, where nothing costs anything.
    free: Vec<String>,
    /// Who serves the models of others, and of whom.
    resold: BTreeMap<String, Vec<String>>,
    models: BTreeMap<String, Vec<ModelInfo>>,
}

impl Catalogue {
    /// Returns the catalogue that this program came with.
    pub fn built_in() -> &'static Self {
        &CATALOGUE
    }

    /// Returns the day that the figures are of, such as `2026-11-23`.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// Returns the models of a provider, the newest first.
    pub fn of(&self, provider: &str) -> &[ModelInfo] {
        self.models.get(provider).map_or(&[], Vec::as_slice)
    }

    /// Returns the providers that models are known of.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// Tells whether a provider is a program on one's own machine.
    pub fn is_free(&self, provider: &str) -> bool {
        self.free.iter().any(|free| free == provider)
    }

    /// Finds a model, also by a name with the day of its release, and also one that somebody else
    /// serves: `azure/gpt-5.5`, `openrouter/anthropic/claude-opus-4.6`.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ModelInfo> {
        self.own(provider, model).or_else(|| {
            let makers = self.resold.get(provider)?;
            match model.split_once('/') {
                Some((maker, rest)) => {
                    let maker = makers.iter().find(|known| *known == maker)?;
                    self.own(maker, rest)
                }
                None => makers.iter().find_map(|maker| self.own(maker, model)),
            }
        })
    }

    /// Returns what is known about a model, whether or not the catalogue has it.
    pub fn about(&self, provider: &str, model: &str) -> ModelInfo {
        let known = self.find(provider, model).cloned();
        let mut about = known.unwrap_or_else(|| ModelInfo::unknown(model));
        model.clone_into(&mut about.id);
        if self.is_free(provider) {
            about.price = Some(Price::FREE);
        }
        about
    }

    /// Returns what the dearest of the models costs that have this name, whoever serves them; a name
    /// may begin with somebody who does: `openai/gpt-5.5`.
    pub fn dearest(&self, model: &str) -> Option<&Price> {
        let name = model.rsplit('/').next().unwrap_or(model);
        self.providers()
            .filter_map(|provider| self.own(provider, name)?.price.as_ref())
            .max_by(|a, b| (a.input + a.output).total_cmp(&(b.input + b.output)))
    }

    fn own(&self, provider: &str, model: &str) -> Option<&ModelInfo> {
        let models = self.of(provider);
        let named = |name: &str| models.iter().find(|known| is_same(&known.id, name));
        named(model).or_else(|| named(undated(model)?))
    }
}

/// Who serves the models of others may write `4.6` for their `4-6`.
fn is_same(known: &str, name: &str) -> bool {
    let dashed = |byte: u8| if byte == b'.' { b'-' } else { byte };
    known.len() == name.len() && known.bytes().map(dashed).eq(name.bytes().map(dashed))
}

/// Returns a name without the day at its end (`-20251001`, `-2025-10-01`), if it has one.
fn undated(model: &str) -> Option<&str> {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    if digits(last, 8) {
        return Some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (digits(last, 2) && digits(month, 2) && digits(year, 4)).then_some(rest)
}

#[cfg(test)]
mod tests;
