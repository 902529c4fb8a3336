//! References to models, `provider/model@profile`, and what they are called today.

use super::known;
use crate::migration::tree::folded;

/// Returns the provider and the model that a reference names.
pub(in crate::migration) fn split(reference: &str) -> Option<(&str, &str)> {
    let (provider, model) = reference.trim().split_once('/')?;
    let (provider, model) = (provider.trim(), model.trim());
    (!provider.is_empty() && !model.is_empty()).then_some((provider, model))
}

/// Tells whether a reference names a model of a provider.
pub(in crate::migration) fn owned_by(reference: &str, provider: &str) -> bool {
    split(reference).is_some_and(|(own, _)| folded(own) == provider)
}

/// Splits the profile off a reference; dates and sizes after an `@` are a part of the model.
pub(super) fn split_profile(reference: &str) -> (&str, Option<&str>) {
    let reference = reference.trim();
    let after_provider = reference.rfind('/').map_or(0, |slash| slash + 1);
    let find_at = |from: usize| {
        let rest = reference.get(from..)?;
        rest.find('@').map(|found| from + found)
    };
    let Some(mut found) = find_at(after_provider).filter(|found| *found > 0) else {
        return (reference, None);
    };
    for is_part in [is_date, is_size] {
        let part = reference.get(found + 1..).unwrap_or_default();
        let part = part.split('@').next().unwrap_or_default();
        if is_part(part) {
            match find_at(found + 1 + part.len()) {
                Some(next) => found = next,
                None => return (reference, None),
            }
        }
    }
    let model = reference.get(..found).unwrap_or_default().trim();
    let profile = reference.get(found + 1..).unwrap_or_default().trim();
    if model.is_empty() || profile.is_empty() {
        (reference, None)
    } else {
        (model, Some(profile))
    }
}

fn is_date(part: &str) -> bool {
    const DIGITS: usize = 8;
    part.len() == DIGITS && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Recognises `4bit`, `q8` and `iq2_xs`.
fn is_size(part: &str) -> bool {
    let part = part.to_lowercase();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if part.strip_suffix("bit").is_some_and(digits) {
        return true;
    }
    let bare = part.strip_prefix('i').unwrap_or(&part);
    let Some(bare) = bare.strip_prefix('q') else {
        return false;
    };
    let mut pieces = bare.split('_');
    let is_piece =
        |piece: &str| !piece.is_empty() && piece.chars().all(|c| c.is_ascii_alphanumeric());
    pieces.next().is_some_and(digits) && pieces.all(is_piece)
}

fn is_google(provider: &str) -> bool {
    ["google", "google-gemini-cli", "google-vertex"].contains(&provider)
}

fn is_respelled(provider: &str, model: &str) -> bool {
    is_google(provider) || provider == "together" || folded(model).starts_with("google/")
}

/// Returns what a reference must be today; nothing when it is that already.
pub(super) fn current(reference: &str) -> Option<String> {
    let (model, profile) = split_profile(reference);
    let (provider, id) = match model.split_once('/') {
        Some((provider, id)) if !provider.is_empty() => (folded(provider), id),
        _ => (String::new(), model),
    };
    let respelled = match split(model).filter(|_| is_respelled(&provider, id)) {
        Some((provider, id)) => {
            let provider = folded(provider);
            let id = if is_google(&provider) || id.starts_with("google/") {
                known::google(id)
            } else {
                known::together(&provider, id)
            };
            format!("{provider}/{id}")
        }
        None => model.to_owned(),
    };
    let suffix = profile.map(|profile| format!("@{profile}"));
    let respelled = respelled + suffix.as_deref().unwrap_or_default();
    let new = successor(&respelled).unwrap_or(respelled);
    (new != reference).then_some(new)
}

/// Returns what a provider's own list must call one of its models.
pub(super) fn current_id(provider: &str, id: &str) -> String {
    let trimmed = id.trim();
    let folded_provider = folded(provider);
    let id = if is_respelled(&folded_provider, trimmed) {
        respelled_id(&folded_provider, trimmed)
    } else {
        trimmed.to_owned()
    };
    let new = successor(&format!("{provider}/{id}"));
    let own = new.as_deref().and_then(|new| new.split_once('/'));
    match own {
        Some((own, new)) if folded(own) == folded_provider => new.to_owned(),
        _ => id,
    }
}

fn respelled_id(provider: &str, id: &str) -> String {
    let id = if is_google(provider) {
        known::google(id)
    } else {
        known::together(provider, id)
    };
    if id.starts_with("google/") {
        return known::google(&id);
    }
    match split(&id) {
        Some((host, model)) if model.starts_with("google/") => {
            let respelled = known::google(model);
            if respelled == model {
                id
            } else {
                format!("{}/{respelled}", folded(host))
            }
        }
        _ => id,
    }
}

/// Returns the model that took the place of one that is gone.
fn successor(reference: &str) -> Option<String> {
    let (model, profile) = split_profile(reference);
    if model.is_empty() {
        return None;
    }
    let (provider, id) = match model.split_once('/') {
        Some((provider, id)) if !provider.is_empty() => (Some(provider.trim()), id.trim()),
        _ => (None, model),
    };
    let key = provider.map(folded).unwrap_or_default();
    let named = known::successor(&key, &folded(id)).map(str::to_owned);
    let new = named.or_else(|| {
        let upgraded = known::claude(&key, id)?;
        (upgraded != id).then_some(upgraded)
    })?;
    let provider = provider.map(|provider| format!("{provider}/"));
    let profile = profile.map(|profile| format!("@{profile}"));
    Some(
        [
            provider.unwrap_or_default(),
            new,
            profile.unwrap_or_default(),
        ]
        .concat(),
    )
}
