//! What one model at one server takes.

use super::family::{BesideTools, LongCache, Temperature};
use super::{EFFORTS, Family, MaxTokensField, Quirks, Server, Switch, ThinkingFormat};
use crate::request::Effort;

/// Which of OpenAI's APIs is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Chat,
    Responses,
}

/// What one model at one server takes: what the configuration says, else what is known.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    api: Api,
    pub(crate) server: Server,
    family: Family,
    model: String,
    pub(crate) quirks: Quirks,
}

/// The efforts of a model that thinks and of which nothing else is known.
const USUAL_EFFORTS: &[&str] = &["low", "medium", "high"];

impl Dialect {
    pub(crate) fn new(api: Api, server: Server, model: &str, quirks: Option<&Quirks>) -> Self {
        Self {
            api,
            server,
            family: Family::of(model),
            model: model.to_ascii_lowercase(),
            quirks: quirks.cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn does(&self, switch: Switch) -> bool {
        let server = self.server.does(switch);
        let known = match switch {
            Switch::Temperature => self.family.temperature == Temperature::Taken,
            Switch::ReasoningEffort => server && self.family.efforts != Some(&[]),
            Switch::DeveloperRole => server && self.family.reasons(),
            Switch::ReasoningContent => server || Family::wants_reasoning_content(&self.model),
            _ => server,
        };
        self.quirks.says(switch).unwrap_or(known)
    }

    /// Tells whether the model is known to think, or said to.
    pub(crate) fn reasons(&self) -> bool {
        self.family.reasons() || self.quirks.says(Switch::ReasoningEffort) == Some(true)
    }

    pub(crate) fn max_tokens_field(&self) -> MaxTokensField {
        let known = match self.family.temperature {
            // These refuse the old field too, whoever stands in front of them.
            Temperature::Refused => MaxTokensField::MaxCompletionTokens,
            Temperature::Taken => self.server.max_tokens_field(),
        };
        self.quirks.max_tokens_field.unwrap_or(known)
    }

    pub(crate) fn thinking_format(&self) -> ThinkingFormat {
        let known = self.server.thinking_format();
        self.quirks.thinking_format.unwrap_or(known)
    }

    pub(crate) fn marks_cache(&self) -> bool {
        self.quirks.marks_cache || self.server.marks_cache(&self.model)
    }

    pub(crate) fn long_cache(&self) -> LongCache {
        let keeps = self.does(Switch::PromptCacheKey) && self.does(Switch::LongCacheRetention);
        match self.family.long_cache {
            known if keeps => known,
            _ => LongCache::Unknown,
        }
    }

    /// Tells whether thoughts may stand in tags at the beginning of the text.
    pub(crate) fn writes_think_tags(&self) -> bool {
        let own = matches!(self.server, Server::OpenAI | Server::Azure);
        let said = matches!(
            self.quirks.thinking_format,
            Some(
                ThinkingFormat::DeepSeek
                    | ThinkingFormat::Together
                    | ThinkingFormat::Qwen
                    | ThinkingFormat::QwenChatTemplate
                    | ThinkingFormat::Zai
            )
        );
        !own && (said || Family::writes_think_tags(&self.model))
    }

    /// Tells whether thoughts go back as `reasoning_content`.
    pub(crate) fn carries_reasoning_content(&self) -> bool {
        self.does(Switch::ReasoningContent)
            || matches!(
                self.thinking_format(),
                ThinkingFormat::DeepSeek | ThinkingFormat::Zai
            )
    }

    /// Returns the server's word for an effort, or for the nearest that the model knows; none if it
    /// knows nothing like it.
    pub(crate) fn effort(&self, effort: Effort) -> Option<&str> {
        if !self.does(Switch::ReasoningEffort) {
            return None;
        }
        let at = EFFORTS.iter().position(|(known, _)| *known == effort);
        let ours = at.and_then(|at| EFFORTS.get(at)).map(|(_, name)| *name);
        if let Some(theirs) = self.quirks.effort_names.get(ours.unwrap_or("off")) {
            return Some(theirs.as_str());
        }
        let known = self.efforts();
        let find = |name: &str| known.iter().copied().find(|known| *known == name);
        let Some(at) = at else {
            return find("none");
        };
        let (down, up) = EFFORTS.split_at_checked(at.saturating_add(1))?;
        let nearest = down.iter().rev().chain(up);
        nearest.into_iter().find_map(|(_, name)| find(name))
    }

    /// Returns the effort to send beside tools in Chat Completions, where some of OpenAI's models
    /// take none but `none`, or none at all.
    pub(crate) fn effort_beside_tools(&self, effort: Option<Effort>) -> Option<&str> {
        let own = matches!(self.server, Server::OpenAI | Server::Azure);
        match self.family.beside_tools {
            BesideTools::None if own => Some("none"),
            BesideTools::LeftOut if own => None,
            _ => effort.and_then(|effort| self.effort(effort)),
        }
    }

    fn efforts(&self) -> Vec<&str> {
        if let Some(said) = &self.quirks.efforts {
            return said.iter().map(String::as_str).collect();
        }
        let known = self.family.efforts.filter(|known| !known.is_empty());
        let known = known.unwrap_or(USUAL_EFFORTS).iter().copied();
        // Chat Completions never learnt the highest one.
        let taken = known.filter(|name| self.api == Api::Responses || *name != "max");
        taken.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(api: Api, model: &str, quirks: &Quirks) -> Dialect {
        Dialect::new(api, Server::OpenAI, model, Some(quirks))
    }

    #[test]
    fn an_effort_is_the_nearest_that_the_model_knows() {
        let quirks = Quirks::default();
        let efforts = |api, model| {
            let dialect = dialect(api, model, &quirks);
            [Effort::Off, Effort::Minimal, Effort::Medium, Effort::Max]
                .map(|effort| dialect.effort(effort).unwrap_or("-").to_owned())
                .join(" ")
        };
        assert_eq!(efforts(Api::Chat, "gpt-5"), "- minimal medium high");
        assert_eq!(efforts(Api::Chat, "gpt-5.2"), "none low medium xhigh");
        assert_eq!(
            efforts(Api::Responses, "gpt-5.6-sol"),
            "none low medium max"
        );
        assert_eq!(efforts(Api::Chat, "gpt-6-sol"), "none low medium xhigh");
        assert_eq!(efforts(Api::Chat, "gpt-5-pro"), "- high high high");
        assert_eq!(efforts(Api::Chat, "gpt-4o"), "- - - -");
        assert_eq!(efforts(Api::Chat, "somebodys"), "- low medium high");
    }

    #[test]
    fn the_configuration_has_the_last_word() {
        let quirks = Quirks {
            efforts: Some(vec!["on".into(), "low".into()]),
            effort_names: [("high".into(), "on".into())].into(),
            ..Quirks::default().with(Switch::Temperature)
        };
        let dialect = dialect(Api::Chat, "gpt-5", &quirks);
        assert_eq!(dialect.effort(Effort::High), Some("on"));
        assert_eq!(dialect.effort(Effort::Max), Some("low"));
        assert!(dialect.does(Switch::Temperature));
        let without = Quirks::default().without(Switch::ReasoningEffort);
        let dialect = self::dialect(Api::Chat, "gpt-5", &without);
        assert_eq!(dialect.effort(Effort::High), None);
    }

    #[test]
    fn some_models_take_no_effort_beside_tools() {
        let quirks = Quirks::default();
        let beside = |model| {
            let dialect = dialect(Api::Chat, model, &quirks);
            let effort = dialect.effort_beside_tools(Some(Effort::High));
            effort.map(str::to_owned)
        };
        assert_eq!(beside("gpt-5.6-sol").as_deref(), Some("none"));
        assert_eq!(beside("gpt-5.5"), None);
        assert_eq!(beside("gpt-5.2").as_deref(), Some("high"));
    }
}
