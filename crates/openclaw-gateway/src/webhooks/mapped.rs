//! `hooks.mappings`: what requests to addresses of one's own ask for.

use axum::http::StatusCode;
use openclaw_config::{MappedAction, WebhookMapping};
use serde_json::{Map, Value};

use super::keys::{Keeps, Key};
use super::order::{Deed, Mode, Told, Turn, Wish};
use super::payload::{NAME, no_channel};
use super::refusal::Refusal;
use super::template::Sent;

/// How many elements of a list are taken.
const MOST_ELEMENTS: usize = 200;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Mapped {
    /// Each for itself.
    pub(super) wishes: Vec<Wish>,
    /// Whether they are the elements of a list.
    pub(super) of: Of,
}

/// Of what several wishes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Of the request.
    Request,
    /// Of the elements of a list in it.
    List,
}

/// Returns what a request asks for; nothing where no mapping is for it.
pub(super) fn mapped(mappings: &[WebhookMapping], sent: &Sent) -> Result<Option<Mapped>, Refusal> {
    let fits = |mapping: &&WebhookMapping| {
        let source = sent.payload.get("source").and_then(Value::as_str);
        mapping.path.as_ref().is_none_or(|path| *path == sent.path)
            && (mapping.source.is_none() || mapping.source.as_deref() == source)
    };
    let Some(mapping) = mappings.iter().find(fits) else {
        return Ok(None);
    };
    let Some(list) = &mapping.for_each else {
        return Ok(Some(Mapped {
            wishes: vec![wish(mapping, sent)?],
            of: Of::Request,
        }));
    };
    let elements = sent.payload.get(list).and_then(Value::as_array);
    let elements = elements.map(Vec::as_slice).unwrap_or_default();
    let left_out = elements.len().saturating_sub(MOST_ELEMENTS);
    if left_out > 0 {
        tracing::warn!(
            mapping = mapping.id,
            left_out,
            "a webhook's list is too long"
        );
    }
    let each = elements.iter().take(MOST_ELEMENTS).map(|element| {
        // Templates see a list of this one element.
        let mut payload: Map<String, Value> = sent.payload.clone();
        payload.insert(list.clone(), Value::Array(vec![element.clone()]));
        wish(mapping, &sent.with(payload))
    });
    Ok(Some(Mapped {
        wishes: each.collect::<Result<_, _>>()?,
        of: Of::List,
    }))
}

fn wish(mapping: &WebhookMapping, sent: &Sent) -> Result<Wish, Refusal> {
    let id = &mapping.id;
    let fill = |template: &Option<String>| {
        let filled = sent.fill(template.as_deref()?);
        let filled = filled.trim();
        (!filled.is_empty()).then(|| filled.to_owned())
    };
    let key = match (fill(&mapping.session_key), mapping.fills_in_its_key()) {
        (Some(key), true) => Some(Key::OfSender(key)),
        (Some(key), false) => Some(Key::OfConfig(key)),
        (None, true) => {
            let error =
                format!("the session key of the mapping `{id}` is empty when it is filled in");
            return Err(Refusal::invalid(error));
        }
        (None, false) => None,
    };
    let text = sent.fill(&mapping.template);
    let mode = Mode::of(mapping.wake_mode.as_deref());
    let deed = match mapping.action {
        MappedAction::Transform => {
            let error = format!(
                "the mapping `{id}` has a transform, which is JavaScript, and none is run here"
            );
            return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error));
        }
        MappedAction::Wake if key.is_some() && mode == Mode::NextHeartbeat => {
            let error =
                format!("the mapping `{id}` has a session key, which needs `wakeMode: now`");
            return Err(Refusal::invalid(error));
        }
        MappedAction::Wake => Deed::Wake(mode),
        MappedAction::Agent => Deed::Turn(Box::new(Turn {
            name: fill(&mapping.name).unwrap_or_else(|| NAME.to_owned()),
            keeps: match mapping.persistent {
                Some(true) => Keeps::Everything,
                _ => Keeps::Nothing,
            },
            told: match mapping.deliver {
                Some(false) => Told::Nobody,
                _ if mapping.names_a_channel() => return Err(no_channel()),
                _ => Told::Main,
            },
            model: fill(&mapping.model),
            thinking: fill(&mapping.thinking),
            within: mapping.timeout,
        })),
    };
    if text.trim().is_empty() {
        let error = format!("the mapping `{id}` leaves no text when it is filled in");
        return Err(Refusal::invalid(error));
    }
    Ok(Wish {
        text,
        agent: mapping.agent.clone(),
        key,
        deed,
    })
}
