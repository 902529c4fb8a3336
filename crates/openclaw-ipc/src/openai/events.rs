//! What `POST /v1/responses` streams.

use serde::{Deserialize, Serialize};

use super::responses::{OutputItem, OutputText, ResponseObject};

/// An event of a streamed response; its name is its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ResponseEvent {
    /// There will be a response.
    #[serde(rename = "response.created")]
    Created {
        /// As it is.
        response: ResponseObject,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// It is being made.
    #[serde(rename = "response.in_progress")]
    InProgress {
        /// As it is.
        response: ResponseObject,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// It has one more item.
    #[serde(rename = "response.output_item.added")]
    ItemAdded {
        /// The item's place.
        output_index: usize,
        /// As it is.
        item: OutputItem,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// An item has one more part.
    #[serde(rename = "response.content_part.added")]
    PartAdded {
        /// The item.
        item_id: String,
        /// The item's place.
        output_index: usize,
        /// The part's place.
        content_index: usize,
        /// As it is.
        part: OutputText,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// A text goes on.
    #[serde(rename = "response.output_text.delta")]
    TextDelta {
        /// The item.
        item_id: String,
        /// The item's place.
        output_index: usize,
        /// The part's place.
        content_index: usize,
        /// What is added.
        delta: String,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// A text is whole.
    #[serde(rename = "response.output_text.done")]
    TextDone {
        /// The item.
        item_id: String,
        /// The item's place.
        output_index: usize,
        /// The part's place.
        content_index: usize,
        /// The text.
        text: String,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// A part is whole.
    #[serde(rename = "response.content_part.done")]
    PartDone {
        /// The item.
        item_id: String,
        /// The item's place.
        output_index: usize,
        /// The part's place.
        content_index: usize,
        /// As it is.
        part: OutputText,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// The arguments of a call go on.
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta {
        /// The item.
        item_id: String,
        /// The item's place.
        output_index: usize,
        /// What is added.
        delta: String,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// The arguments of a call are whole.
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone {
        /// The item.
        item_id: String,
        /// The item's place.
        output_index: usize,
        /// The arguments.
        arguments: String,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// An item is whole.
    #[serde(rename = "response.output_item.done")]
    ItemDone {
        /// The item's place.
        output_index: usize,
        /// As it is.
        item: OutputItem,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// The response is whole.
    #[serde(rename = "response.completed")]
    Completed {
        /// As it is.
        response: ResponseObject,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// The response ends where it may not be longer.
    #[serde(rename = "response.incomplete")]
    Incomplete {
        /// As it is.
        response: ResponseObject,
        /// Its place in the stream.
        sequence_number: u64,
    },
    /// There is no response.
    #[serde(rename = "response.failed")]
    Failed {
        /// Why.
        response: ResponseObject,
        /// Its place in the stream.
        sequence_number: u64,
    },
}

impl ResponseEvent {
    /// Returns the name that the event's frame has.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "response.created",
            Self::InProgress { .. } => "response.in_progress",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::PartDone { .. } => "response.content_part.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::Completed { .. } => "response.completed",
            Self::Incomplete { .. } => "response.incomplete",
            Self::Failed { .. } => "response.failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_s_name_is_its_type() {
        let event = ResponseEvent::TextDelta {
            item_id: "msg_1".to_owned(),
            output_index: 0,
            content_index: 0,
            delta: "a".to_owned(),
            sequence_number: 4,
        };
        let expected = json!({
            "type": event.name(), "item_id": "msg_1", "output_index": 0, "content_index": 0,
            "delta": "a", "sequence_number": 4,
        });
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
    }
}
