//! What a request for a chat completion asks for.

use openclaw_config::HttpApiSettings;
use openclaw_ipc::openai::chat::{ChatMessage, ChatRequest};
use openclaw_ipc::openai::content::{Content, Part};
use serde_json::Value;

use super::write::Usage;
use crate::openai::asking::Wish;
use crate::openai::door::Failure;
use crate::openai::sources::{Given, Source, SourceKind, Takes};
use crate::openai::talk::{By, Conversation, Line, plain};
use crate::openai::target::Says;
use crate::openai::tools::form;

/// How many pictures a message may have.
const MAX_IMAGES: usize = 8;
/// How many texts may end an answer.
const MAX_STOPS: usize = 4;
/// What a message of pictures alone says.
const IMAGES_ONLY: &str = "User sent image(s) with no text.";

/// Tells whether the answer is streamed, and whether it tells what it took.
pub(super) fn streams(request: &ChatRequest) -> Option<Usage> {
    let options = request.stream_options.unwrap_or_default();
    (request.stream == Some(true)).then_some(match options.include_usage {
        Some(true) => Usage::Told,
        Some(false) | None => Usage::Untold,
    })
}

/// Makes a wish of a request.
pub(super) fn wish<'a>(
    request: &'a ChatRequest,
    settings: &'a HttpApiSettings,
) -> Result<Wish<'a>, Failure> {
    unsupported(request)?;
    let max_tokens = most(
        "max_completion_tokens",
        request.max_completion_tokens.as_ref(),
    )?;
    let legacy = most("max_tokens", request.max_tokens.as_ref())?;
    let messages = request.messages.as_deref().unwrap_or_default();
    let mut conversation = conversation(messages)?;
    conversation
        .instructions
        .extend(form(request.response_format.as_ref(), "response_format")?);
    let images = &settings.chat.images;
    Ok(Wish {
        says: Says {
            model: request.model.as_deref(),
            user: request.user.as_deref(),
            previous: None,
            prefix: "openai",
        },
        conversation,
        tools: request.tools.as_deref(),
        choice: request.tool_choice.as_ref(),
        sources: sources(messages)?,
        takes: Takes {
            images,
            files: &settings.responses.files,
            max_urls: MAX_IMAGES,
            max_chars: settings.responses.max_chars,
        },
        max_tokens: max_tokens.or(legacy),
        temperature: request.temperature,
        prefix: "chatcmpl",
        spoken: "messages",
    })
}

/// Refuses what cannot be had, and what is out of its range.
fn unsupported(request: &ChatRequest) -> Result<(), Failure> {
    let one = request.n.as_ref().is_none_or(|n| n.as_u64() == Some(1));
    if !one {
        let message = "one answer is given, not several: leave `n` out";
        return Err(Failure::invalid(message).about("n"));
    }
    let range = |name: &str, value: Option<f64>, from: f64, to: f64| match value {
        Some(value) if !(from..=to).contains(&value) => {
            let message = format!("`{name}` must be between {from} and {to}.");
            Err(Failure::invalid(message).about(name))
        }
        _ => Ok(()),
    };
    range("temperature", request.temperature, 0.0, 2.0)?;
    range("top_p", request.top_p, 0.0, 1.0)?;
    range("frequency_penalty", request.frequency_penalty, -2.0, 2.0)?;
    range("presence_penalty", request.presence_penalty, -2.0, 2.0)?;
    if request
        .seed
        .as_ref()
        .is_some_and(|seed| !seed.is_i64() && !seed.is_u64())
    {
        return Err(Failure::invalid("`seed` must be an integer.").about("seed"));
    }
    stops(request.stop.as_ref())
}

fn stops(stop: Option<&Value>) -> Result<(), Failure> {
    let refused =
        |message: &str| Failure::invalid(format!("Invalid stop: {message}")).about("stop");
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    match stop {
        None => Ok(()),
        Some(Value::Array(list)) if list.len() > MAX_STOPS => {
            Err(refused("stop supports at most 4 sequences"))
        }
        Some(Value::Array(list)) if list.iter().all(is_text) => Ok(()),
        Some(text) if is_text(text) => Ok(()),
        Some(_) => Err(refused("stop entries must be non-empty strings")),
    }
}

/// Reads how many tokens may be written at most.
pub(in crate::openai) fn most(name: &str, value: Option<&Value>) -> Result<Option<u32>, Failure> {
    let Some(value) = value else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(tokens) if tokens > 0 => Ok(Some(u32::try_from(tokens).unwrap_or(u32::MAX))),
        _ => {
            let message = format!("{name} must be a positive safe integer");
            Err(Failure::invalid(message).about(name))
        }
    }
}

fn conversation(messages: &[ChatMessage]) -> Result<Conversation, Failure> {
    let mut conversation = Conversation::default();
    for (index, message) in messages.iter().enumerate() {
        let text = message.content.as_ref().and_then(Content::text);
        let text = text.map(|text| plain(&text));
        let said = text.clone().filter(|text| !text.is_empty());
        match message.role.as_str() {
            "system" | "developer" => conversation.instructions.extend(said),
            "user" => {
                let has_images = message
                    .content
                    .as_ref()
                    .is_some_and(|content| content.parts().iter().any(|part| part.kind != "text"));
                let said = said.or_else(|| has_images.then(|| IMAGES_ONLY.to_owned()));
                let line = said.map(|text| Line::new(By::User, text));
                conversation.lines.extend(line);
            }
            "assistant" => {
                let line = said.map(|text| Line::new(By::Assistant, text));
                conversation.lines.extend(line);
                let calls = message.tool_calls.as_deref().unwrap_or_default().iter();
                conversation.lines.extend(calls.map(|call| {
                    Line::call(&call.id, &call.function.name, &call.function.arguments)
                }));
            }
            "tool" | "function" => {
                let of = message.tool_call_id.as_ref().or(message.name.as_ref());
                let of = of.map(|of| of.trim().to_owned()).unwrap_or_default();
                // A tool that says nothing has been run all the same.
                let line = Line::new(By::Tool(of), text.unwrap_or_default());
                conversation.lines.push(line);
            }
            other => {
                let message = format!(
                    "there is no role `{}`",
                    openclaw_core::redaction::mask(other)
                );
                return Err(Failure::invalid(message).about(&format!("messages[{index}].role")));
            }
        }
    }
    Ok(conversation)
}

/// Returns the pictures and files of the message that is to be answered.
fn sources(messages: &[ChatMessage]) -> Result<Vec<Source>, Failure> {
    let spoken = |message: &ChatMessage| {
        !matches!(message.role.as_str(), "system" | "developer" | "assistant")
    };
    let Some(at) = messages.iter().rposition(spoken) else {
        return Ok(Vec::new());
    };
    let content = messages
        .get(at)
        .filter(|message| message.role == "user")
        .and_then(|message| message.content.as_ref());
    let parts = content.map(Content::parts).unwrap_or_default();
    let mut sources = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let place = format!("messages[{at}].content[{index}]");
        let about = |message: String| Failure::invalid(message).about(&place);
        let given = source(part).map_err(about)?;
        sources.extend(given.map(|(kind, given, filename)| Source {
            kind,
            given,
            filename,
            at: place.clone(),
        }));
    }
    let images = sources
        .iter()
        .filter(|source| source.kind == SourceKind::Image);
    let images = images.count();
    if images > MAX_IMAGES {
        let message = format!("Too many image_url parts ({images}; limit {MAX_IMAGES})");
        return Err(Failure::invalid(message).about("messages"));
    }
    Ok(sources)
}

type Found = Option<(SourceKind, Given, Option<String>)>;

fn source(part: &Part) -> Result<Found, String> {
    match part.kind.as_str() {
        "text" | "refusal" | "input_text" => Ok(None),
        "image_url" => {
            let url = part.image_url.as_ref().map(|url| url.0.trim());
            let url = url.filter(|url| !url.is_empty());
            let url = url.ok_or("image_url part is missing a valid URL")?;
            Ok(Some((SourceKind::Image, Given::by_url(url)?, None)))
        }
        "file" => {
            let file = part.file.as_ref().ok_or("a file part needs a `file`")?;
            let data = file.file_data.as_deref();
            let data = data.ok_or("no files are kept here: send the file itself in `file_data`")?;
            let given = match Given::by_url(data)? {
                Given::Url(_) => return Err("`file_data` has to be a data URL".to_owned()),
                given @ Given::Bytes { .. } => given,
            };
            Ok(Some((SourceKind::File, given, file.filename.clone())))
        }
        other => Err(format!(
            "parts of type `{}` are not taken",
            openclaw_core::redaction::mask(other)
        )),
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::decode::decode;
    use serde_json::json;

    use super::*;

    fn refused(request: Value) -> Option<(Option<String>, String)> {
        let request: ChatRequest = decode(request).unwrap();
        let refused = wish(&request, &HttpApiSettings::default()).err()?;
        Some((refused.error.param, refused.error.message))
    }

    fn param(request: Value) -> Option<String> {
        refused(request).and_then(|(param, _)| param)
    }

    #[test]
    fn what_is_out_of_its_range_is_named() {
        for (name, value) in [
            ("n", json!(2)),
            ("n", json!("x")),
            ("temperature", json!(2.5)),
            ("top_p", json!(-0.1)),
            ("frequency_penalty", json!(3)),
            ("presence_penalty", json!(-3)),
            ("seed", json!(1.5)),
            ("stop", json!(["a", "b", "c", "d", "e"])),
            ("stop", json!([""])),
            ("max_tokens", json!(0)),
            ("max_completion_tokens", json!(1.5)),
            ("response_format", json!({"type": "xml"})),
        ] {
            let named = param(json!({name: value}));
            assert_eq!(named.as_deref(), Some(name), "{value}");
        }
        let fine = json!({
            "n": 1, "temperature": 0, "top_p": 1, "seed": -5, "stop": "x", "max_tokens": 5,
            "response_format": {"type": "text"}, "messages": [],
        });
        assert_eq!(refused(fine), None);
    }

    #[test]
    fn a_conversation_is_read_in_its_order() {
        let call =
            json!({"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{}"}});
        let messages = json!([
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "developer", "content": "be kind"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": ""},
            {"role": "function", "name": "w"},
        ]);
        let messages: Vec<ChatMessage> = decode(messages).unwrap();
        let read = conversation(&messages).unwrap();
        assert_eq!(read.instructions, ["be brief", "be kind"]);
        let expected = [
            Line::new(By::User, "a\nb"),
            Line::call("c1", "w", "{}"),
            Line::new(By::Tool("c1".to_owned()), ""),
            Line::new(By::Tool("w".to_owned()), ""),
        ];
        assert_eq!(read.lines, expected);
    }

    #[test]
    fn only_the_message_that_is_answered_brings_its_pictures() {
        let picture =
            json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]);
        let found = |messages: Value| {
            let messages: Vec<ChatMessage> = decode(messages).unwrap();
            sources(&messages)
                .map(|sources| sources.len())
                .map_err(|err| err.error.message)
        };
        let user = |content: &Value| json!({"role": "user", "content": content});
        assert_eq!(found(json!([user(&picture)])), Ok(1));
        assert_eq!(found(json!([user(&picture), user(&json!("so?"))])), Ok(0));
        let tool = json!({"role": "tool", "tool_call_id": "c", "content": "x"});
        assert_eq!(found(json!([user(&picture), tool])), Ok(0));
        assert!(found(json!([user(&json!([{"type": "input_audio"}]))])).is_err());
        let nine: Vec<Value> = (0..9).map(|_| picture[0].clone()).collect();
        assert!(found(json!([user(&json!(nine))])).is_err());
    }
}
