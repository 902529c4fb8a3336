//! Which models an agent thinks with, and how they are to be asked.

use std::collections::BTreeMap;

use openclaw_core::ModelRef;
use serde_json::{Map, Value};

use super::reader::Reader;

/// The place of what all agents have in common.
const DEFAULTS: [&str; 2] = ["agents", "defaults"];

/// How much a model is to think before it answers (`thinkingDefault`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Off,
    /// Next to nothing.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    XHigh,
    /// As much as it can (`max`, and `ultra`, which nothing here goes beyond).
    Max,
    /// As much as the model itself finds right.
    Adaptive,
}

impl Thinking {
    /// Returns what a config's word for it means.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "off" => Self::Off,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::XHigh,
            "max" | "ultra" => Self::Max,
            "adaptive" => Self::Adaptive,
            _ => return None,
        })
    }
}

/// How an agent's models are to be asked: the layers of `params` and `thinkingDefault`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelParams {
    /// `agents.defaults.params`.
    shared: Map<String, Value>,
    /// `agents.defaults.models.*.params`, and over them the agent's own `models.*.params`.
    by_model: BTreeMap<String, Map<String, Value>>,
    /// `agents.entries.<id>.params`.
    own: Map<String, Value>,
    /// `agents.defaults.thinkingDefault`.
    shared_thinking: Option<Thinking>,
    /// `agents.entries.<id>.thinkingDefault`.
    own_thinking: Option<Thinking>,
}

impl ModelParams {
    /// Returns what is set for a model; of several settings, the one that is meant for fewest counts.
    pub fn of(&self, model: &ModelRef) -> Map<String, Value> {
        let mut params = self.shared.clone();
        let by_model = self.by_model.get(&model.to_string());
        params.extend(by_model.cloned().unwrap_or_default());
        params.extend(self.own.clone());
        params
    }

    /// Returns the same, but for how much every model is to think.
    #[must_use]
    pub fn with_thinking(mut self, thinking: Thinking) -> Self {
        self.own_thinking = Some(thinking);
        self
    }

    /// Returns how much a model is to think, if that is set.
    pub fn thinking(&self, model: &ModelRef) -> Option<Thinking> {
        let of_model = || {
            let params = self.by_model.get(&model.to_string())?;
            Thinking::of(params.get("thinking")?.as_str()?)
        };
        self.own_thinking.or_else(of_model).or(self.shared_thinking)
    }
}

/// A name that stands where a model is to be named, and means none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misnamed {
    /// The name.
    pub name: String,
    /// Why it means no model.
    pub problem: String,
}

/// The model that an agent thinks with, and what stands in for it.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) primary: Option<ModelRef>,
    pub(super) fallbacks: Vec<ModelRef>,
    pub(super) misnamed: Vec<Misnamed>,
}

impl Reader<'_> {
    /// Returns the models of the agent at this place.
    ///
    /// An agent that has a model of its own has no fallbacks but its own: what stands in for a model
    /// that was chosen on purpose is chosen on purpose, too.
    pub(super) fn model_choice(&mut self, agent: &[&str]) -> Choice {
        let own = [agent, &["model"]].concat();
        let shared = [&DEFAULTS[..], &["model"]].concat();
        let mut misnamed = Vec::new();
        let primary = self.primary(&own, &mut misnamed);
        let has_own = primary.is_some();
        let primary = primary.or_else(|| self.primary(&shared, &mut misnamed));
        let mut fallbacks = match self.fallbacks(&own, &mut misnamed) {
            Some(fallbacks) => fallbacks,
            None if has_own => Vec::new(),
            None => self.fallbacks(&shared, &mut misnamed).unwrap_or_default(),
        };
        let mut seen: Vec<ModelRef> = primary.iter().cloned().collect();
        fallbacks.retain(|model| {
            let is_new = !seen.contains(model);
            seen.push(model.clone());
            is_new
        });
        Choice {
            primary,
            fallbacks,
            misnamed,
        }
    }

    /// Returns the one model that stands at a path.
    pub(super) fn model_at(&mut self, path: &[&str]) -> Option<ModelRef> {
        self.primary(path, &mut Vec::new())
    }

    /// Returns the models that look at pictures, the first one to be asked first.
    pub(super) fn image_models(&mut self) -> Vec<ModelRef> {
        let path = [&DEFAULTS[..], &["imageModel"]].concat();
        // What is no model is noted on the way, and left out.
        let mut misnamed = Vec::new();
        let mut models: Vec<ModelRef> = self.primary(&path, &mut misnamed).into_iter().collect();
        models.extend(self.fallbacks(&path, &mut misnamed).unwrap_or_default());
        models
    }

    /// Returns how the models of the agent at this place are to be asked.
    pub(super) fn model_params(&mut self, agent: &[&str]) -> ModelParams {
        let mut by_model: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for place in [&DEFAULTS[..], agent] {
            for (model, settings) in self.members(&[place, &["models"]].concat()) {
                let params = settings.get("params").and_then(Value::as_object);
                let params = params.cloned().unwrap_or_default();
                by_model
                    .entry(model.trim().to_owned())
                    .or_default()
                    .extend(params);
            }
        }
        ModelParams {
            shared: self.params(&DEFAULTS),
            by_model,
            own: self.params(agent),
            shared_thinking: self.thinking(&DEFAULTS),
            own_thinking: self.thinking(agent),
        }
    }

    /// Returns what every model of a place is to be asked with.
    fn params(&self, place: &[&str]) -> Map<String, Value> {
        let params = self.raw(&[place, &["params"]].concat());
        params
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    }

    fn thinking(&self, place: &[&str]) -> Option<Thinking> {
        Thinking::of(&self.string(&[place, &["thinkingDefault"]].concat())?)
    }

    /// A model is text, or an object with `primary`.
    fn primary(&mut self, path: &[&str], misnamed: &mut Vec<Misnamed>) -> Option<ModelRef> {
        let primary = [path, &["primary"]].concat();
        let path = if matches!(self.raw(path), Some(Value::Object(_))) {
            &primary
        } else {
            path
        };
        let text = self.string(path)?;
        self.model_or_note(path, &text, misnamed)
    }

    /// Returns nothing where no `fallbacks` are given; an empty list means that there are none.
    fn fallbacks(&mut self, path: &[&str], misnamed: &mut Vec<Misnamed>) -> Option<Vec<ModelRef>> {
        let path = [path, &["fallbacks"]].concat();
        let names = self.raw(&path)?.as_array()?;
        let names = names.iter().filter_map(Value::as_str);
        let names: Vec<&str> = names.filter(|name| !name.trim().is_empty()).collect();
        let models = names
            .into_iter()
            .filter_map(|name| self.model_or_note(&path, name, misnamed));
        Some(models.collect())
    }

    fn model_or_note(
        &mut self,
        path: &[&str],
        text: &str,
        misnamed: &mut Vec<Misnamed>,
    ) -> Option<ModelRef> {
        match model_named(self.document(), text) {
            Ok(model) => Some(model),
            Err(problem) => {
                self.not_followed(path, problem.as_str());
                misnamed.push(Misnamed {
                    name: text.trim().to_owned(),
                    problem,
                });
                None
            }
        }
    }
}

/// Returns the model that a config means by a name: an alias, `provider/model`, or the model of the
/// one configured provider that lists it; or else why there is none.
pub fn model_named(config: &Value, name: &str) -> Result<ModelRef, String> {
    let name = name.trim();
    if let Some(model) = aliased(config, name) {
        return Ok(model);
    }
    name.parse::<ModelRef>()
        .or_else(|err| served_by_one(config, name).ok_or_else(|| err.to_string()))
}

/// Returns the aliases of a config (`agents.defaults.models.*.alias`), with what they mean.
pub fn aliases(config: &Value) -> Vec<(String, ModelRef)> {
    let models = config.pointer("/agents/defaults/models");
    let models = models.and_then(Value::as_object).into_iter().flatten();
    models
        .filter_map(|(model, settings)| {
            let alias = settings.get("alias")?.as_str()?.trim();
            let model = model.trim().parse().ok()?;
            (!alias.is_empty()).then(|| (alias.to_owned(), model))
        })
        .collect()
}

fn aliased(config: &Value, name: &str) -> Option<ModelRef> {
    let mut aliases = aliases(config).into_iter();
    aliases
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name))
        .map(|(_, model)| model)
}

/// Returns the model of the one configured provider that lists this name.
fn served_by_one(config: &Value, name: &str) -> Option<ModelRef> {
    let lists = |provider: &Value| {
        let models = provider.get("models").and_then(Value::as_array);
        let mut ids = models
            .into_iter()
            .flatten()
            .filter_map(|model| model.get("id")?.as_str());
        ids.any(|id| id == name)
    };
    let providers = config.pointer("/models/providers")?.as_object()?;
    let mut serving = providers.iter().filter(|(_, provider)| lists(provider));
    let (provider, _) = serving.next()?;
    serving.next().is_none().then(|| ModelRef {
        provider: provider.as_str().into(),
        model: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::AgentSettings;
    use crate::settings::tests::{meaning, not_followed};

    fn names(models: &[ModelRef]) -> Vec<String> {
        models.iter().map(ModelRef::to_string).collect()
    }

    fn fallbacks(agent: &AgentSettings) -> Vec<String> {
        names(&agent.fallbacks)
    }

    #[test]
    fn what_stands_in_for_a_model_is_named_as_the_model_is() {
        let config = meaning(
            "{ agents: { defaults: {
                 model: { primary: 'fast', fallbacks: ['p/m', ' Opus ', 'only-here', 'p/big', 'nobody', 'p/fast', ''] },
                 models: { 'p/fast': { alias: 'fast' }, 'p/big': { alias: 'opus' } } } },
               models: { providers: { q: { models: [{ id: 'only-here' }] } } } }",
        );
        let agent = config.default_agent().unwrap();
        assert_eq!(agent.model.as_ref().unwrap().to_string(), "p/fast");
        assert_eq!(fallbacks(agent), ["p/m", "p/big", "q/only-here"]);
        assert_eq!(not_followed(&config), ["agents.defaults.model.fallbacks"]);
    }

    #[test]
    fn an_agent_with_a_model_of_its_own_has_the_fallbacks_that_it_names() {
        let config = meaning(
            "{ agents: { defaults: { model: { primary: 'p/m', fallbacks: ['p/n'] } }, entries: {
                 main: {}, strict: { model: 'p/x' }, strict_too: { model: { primary: 'p/x' } },
                 own: { model: { primary: 'p/x', fallbacks: ['p/m'] } },
                 chain: { model: { fallbacks: ['p/y'] } }, none: { model: { fallbacks: [] } } } } }",
        );
        let told: Vec<(String, Vec<String>)> = config
            .agents
            .iter()
            .map(|agent| {
                (
                    format!("{}: {}", agent.id, agent.model.as_ref().unwrap()),
                    fallbacks(agent),
                )
            })
            .collect();
        let expected: [(&str, &[&str]); 6] = [
            ("main: p/m", &["p/n"]),
            ("chain: p/m", &["p/y"]),
            ("none: p/m", &[]),
            ("own: p/x", &["p/m"]),
            ("strict: p/x", &[]),
            ("strict_too: p/x", &[]),
        ];
        let mut told = told;
        told[1..].sort();
        assert_eq!(
            told,
            expected.map(|(agent, models)| (
                agent.to_owned(),
                models.iter().map(|model| (*model).to_owned()).collect()
            ))
        );
    }

    #[test]
    fn of_several_settings_the_one_that_is_meant_for_fewest_counts() {
        let config = meaning(
            "{ agents: { defaults: {
                 params: { cacheRetention: 'long', temperature: 0.1 }, thinkingDefault: 'low',
                 models: { 'p/m': { params: { temperature: 0.2, maxTokens: 5, thinking: 'high' } } } },
               entries: {
                 main: {},
                 a: { models: { 'p/m': { params: { temperature: 0.3 } } }, params: { maxTokens: 7 } },
                 b: { thinkingDefault: 'off' } } } }",
        );
        let model: ModelRef = "p/m".parse().unwrap();
        let other: ModelRef = "p/n".parse().unwrap();
        let of = |id: &str| {
            let agent = config.agent(&id.into()).unwrap();
            (
                Value::Object(agent.params.of(&model)),
                agent.params.thinking(&model),
                agent.params.thinking(&other),
            )
        };
        let params = |temperature: f64, max: u64| json!({ "cacheRetention": "long", "temperature": temperature, "maxTokens": max, "thinking": "high" });
        assert_eq!(
            of("main"),
            (params(0.2, 5), Some(Thinking::High), Some(Thinking::Low))
        );
        assert_eq!(
            of("a"),
            (params(0.3, 7), Some(Thinking::High), Some(Thinking::Low))
        );
        assert_eq!(
            of("b"),
            (params(0.2, 5), Some(Thinking::Off), Some(Thinking::Off))
        );
    }

    #[test]
    fn params_without_effect_are_named_one_by_one() {
        let config = meaning(
            "{ agents: { defaults: { models: { 'p/m': { params: { temperature: 1, transport: 'sse' }, streaming: false } } } } }",
        );
        assert_eq!(
            not_followed(&config),
            [
                "agents.defaults.models.p/m.params.transport",
                "agents.defaults.models.p/m.streaming"
            ]
        );
    }
}
