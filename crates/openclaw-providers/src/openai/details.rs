//! The thoughts as `OpenRouter` wants them back: `reasoning_details`, put together from their pieces.

use serde_json::{Map, Value};

/// The field of an answer, of a message, and of our signature.
pub(super) const FIELD: &str = "reasoning_details";

/// The most that is kept of them, in bytes; beyond that none go back.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Fields that come in pieces.
const PIECES: &[&str] = &["text", "summary", "data"];

/// The details of one answer.
#[derive(Debug, Default)]
pub(super) struct Details {
    list: Vec<Map<String, Value>>,
    bytes: usize,
}

impl Details {
    pub(super) fn push(&mut self, piece: Map<String, Value>) {
        self.bytes = piece
            .values()
            .filter_map(Value::as_str)
            .map(str::len)
            .fold(self.bytes.saturating_add(1), usize::saturating_add);
        if self.bytes > MAX_BYTES {
            self.list.clear();
            return;
        }
        let same = |known: &&mut Map<String, Value>| {
            piece.get("index").is_some_and(|index| !index.is_null())
                && ["index", "type"]
                    .iter()
                    .all(|field| known.get(*field) == piece.get(*field))
        };
        match self.list.iter_mut().rev().find(same) {
            Some(known) => add(known, piece),
            None => self.list.push(piece),
        }
    }

    /// Takes them out as our signature; none if there are none.
    pub(super) fn take_signature(&mut self) -> Option<String> {
        let list = std::mem::take(&mut self.list);
        let list = list.into_iter().map(Value::Object).collect::<Vec<_>>();
        if list.is_empty() {
            return None;
        }
        let form = Map::from_iter([(FIELD.to_owned(), Value::Array(list))]);
        Some(Value::Object(form).to_string())
    }
}

fn add(known: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (field, more) in piece {
        match (known.get_mut(&field), more) {
            (Some(Value::String(text)), Value::String(more))
                if PIECES.contains(&field.as_str()) =>
            {
                text.push_str(&more);
            }
            (Some(_), Value::Null) => {}
            (_, more) => {
                known.insert(field, more);
            }
        }
    }
}

/// Returns the words in a piece that may be shown.
pub(super) fn words(piece: &Map<String, Value>) -> Option<&str> {
    ["text", "summary"]
        .iter()
        .find_map(|field| piece.get(*field)?.as_str())
}

/// Returns how many bytes of a piece only its provider can read.
pub(super) fn hidden(piece: &Map<String, Value>) -> usize {
    let data = piece.get("data").and_then(Value::as_str);
    data.map_or(0, str::len)
}

/// Reads a signature of ours; none if it is somebody else's.
pub(super) fn of_signature(signature: &str) -> Option<Vec<Value>> {
    let mut form: Map<String, Value> = serde_json::from_str(signature).ok()?;
    match form.remove(FIELD)? {
        Value::Array(list) => Some(list),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn details(pieces: Value) -> Option<Vec<Value>> {
        let pieces: Vec<Map<String, Value>> = serde_json::from_value(pieces).unwrap();
        let mut details = Details::default();
        for piece in pieces {
            details.push(piece);
        }
        of_signature(&details.take_signature()?)
    }

    #[test]
    fn pieces_of_one_thought_are_put_together() {
        let pieces = json!([
            {"type": "reasoning.text", "text": "Let ", "format": "f", "index": 0},
            {"type": "reasoning.text", "text": "me.", "format": "f", "index": 0, "signature": null},
            {"type": "reasoning.text", "signature": "c2ln", "format": "f", "index": 0},
            {"type": "reasoning.encrypted", "data": "eA==", "index": 1},
            {"type": "reasoning.encrypted", "data": "eQ=="},
            {"type": "reasoning.encrypted", "data": "eg=="},
        ]);
        let whole = json!([
            {"type": "reasoning.text", "text": "Let me.", "format": "f", "index": 0,
                "signature": "c2ln"},
            {"type": "reasoning.encrypted", "data": "eA==", "index": 1},
            {"type": "reasoning.encrypted", "data": "eQ=="},
            {"type": "reasoning.encrypted", "data": "eg=="},
        ]);
        assert_eq!(details(pieces).map(Value::Array), Some(whole));
    }

    #[test]
    fn a_foreign_signature_is_none_of_ours() {
        for foreign in ["c2lnbmVk", "{}", r#"{"id":"rs_1"}"#, ""] {
            assert_eq!(of_signature(foreign), None);
        }
    }

    #[test]
    fn too_many_of_them_are_forgotten() {
        let piece = json!([{"type": "reasoning.text", "index": 0, "text": "x".repeat(1 << 20)}]);
        let pieces = (0..8).flat_map(|_| piece.as_array().unwrap().clone());
        assert_eq!(details(pieces.collect()), None);
    }
}
