//! What a request for a response asks for.

use openclaw_config::HttpApiSettings;
use openclaw_core::redaction::mask;
use openclaw_ipc::openai::content::{Content, Part, Source as Where};
use openclaw_ipc::openai::responses::{Input, Item, ResponsesRequest};

use crate::openai::asking::Wish;
use crate::openai::chat::most;
use crate::openai::door::Failure;
use crate::openai::sources::{Given, Source, SourceKind, Takes};
use crate::openai::talk::{By, Conversation, Line, plain};
use crate::openai::target::Says;
use crate::openai::tools::form;

/// What a message of pictures alone says.
const IMAGES_ONLY: &str = "User sent image(s) with no text.";
/// What a message of files alone says.
const FILES_ONLY: &str = "User sent file(s) with no text.";

/// Makes a wish of a request.
pub(super) fn wish<'a>(
    request: &'a ResponsesRequest,
    settings: &'a HttpApiSettings,
) -> Result<Wish<'a>, Failure> {
    unsupported(request)?;
    let (mut conversation, sources) = match request.input.as_ref() {
        None => {
            let message = "`input` is missing";
            return Err(Failure::invalid(message).about("input"));
        }
        Some(Input::Text(text)) => {
            let said = Some(plain(text)).filter(|text| !text.is_empty());
            let mut conversation = Conversation::default();
            let line = said.map(|text| Line::new(By::User, text));
            conversation.lines.extend(line);
            (conversation, Vec::new())
        }
        Some(Input::Items(items)) => (conversation(items)?, sources(items)?),
    };
    let own = request.instructions.as_deref().map(plain);
    let own = own.filter(|text| !text.is_empty());
    conversation.instructions.splice(0..0, own);
    let format = request.text.as_ref().and_then(|text| text.format.as_ref());
    conversation
        .instructions
        .extend(form(format, "text.format")?);
    let takes = &settings.responses;
    Ok(Wish {
        says: Says {
            model: request.model.as_deref(),
            user: request.user.as_deref(),
            previous: request.previous_response_id.as_deref(),
            prefix: "openresponses",
        },
        conversation,
        tools: request.tools.as_deref(),
        choice: request.tool_choice.as_ref(),
        sources,
        takes: Takes {
            images: &takes.images,
            files: &takes.files,
            max_urls: takes.max_url_parts,
            max_chars: takes.max_chars,
        },
        max_tokens: most("max_output_tokens", request.max_output_tokens.as_ref())?,
        temperature: request.temperature,
        prefix: "resp",
        spoken: "input",
    })
}

/// Refuses what cannot be had, and what is out of its range.
fn unsupported(request: &ResponsesRequest) -> Result<(), Failure> {
    let refused = |name: &str, message: &str| Err(Failure::invalid(message).about(name));
    if request.background == Some(true) {
        return refused("background", "responses are not made in the background");
    }
    if request.conversation.is_some() {
        let message = "no conversations are kept by name: use `previous_response_id` or `user`";
        return refused("conversation", message);
    }
    if request.prompt.is_some() {
        return refused(
            "prompt",
            "no prompts are kept here: send it in `instructions`",
        );
    }
    if request
        .temperature
        .is_some_and(|t| !(0.0..=2.0).contains(&t))
    {
        return refused("temperature", "`temperature` must be between 0 and 2.");
    }
    if request.top_p.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        return refused("top_p", "`top_p` must be between 0 and 1.");
    }
    Ok(())
}

fn conversation(items: &[Item]) -> Result<Conversation, Failure> {
    let mut conversation = Conversation::default();
    for (index, item) in items.iter().enumerate() {
        let about = |message: String, member: &str| {
            Failure::invalid(message).about(&format!("input[{index}].{member}"))
        };
        let needs = |value: &Option<String>, member: &str| {
            let there = value.clone().filter(|value| !value.trim().is_empty());
            there.ok_or_else(|| about(format!("`{member}` is missing"), member))
        };
        let kind = item.kind.as_deref().unwrap_or("message");
        match kind {
            "message" => {
                let role = needs(&item.role, "role")?;
                let said = said(item);
                match role.as_str() {
                    "system" | "developer" => conversation.instructions.extend(said),
                    "user" | "assistant" => {
                        let by = if role == "user" {
                            By::User
                        } else {
                            By::Assistant
                        };
                        let line = said.map(|text| Line::new(by, text));
                        conversation.lines.extend(line);
                    }
                    other => {
                        let message = format!("there is no role `{}`", mask(other));
                        return Err(about(message, "role"));
                    }
                }
            }
            "function_call" => {
                let id = item.call_id.clone().or_else(|| item.id.clone());
                let name = needs(&item.name, "name")?;
                let arguments = item.arguments.as_deref().unwrap_or_default();
                let line = Line::call(&id.unwrap_or_default(), &name, arguments);
                conversation.lines.push(line);
            }
            "function_call_output" => {
                let call = needs(&item.call_id, "call_id")?;
                let output = item.output.as_ref();
                let output =
                    output.ok_or_else(|| about("`output` is missing".to_owned(), "output"))?;
                // A tool that says nothing has been run all the same.
                let text = output.text().map(|text| plain(&text)).unwrap_or_default();
                conversation.lines.push(Line::new(By::Tool(call), text));
            }
            "reasoning" | "item_reference" => {}
            other => {
                let message = format!("items of type `{}` are not taken", mask(other));
                return Err(about(message, "type"));
            }
        }
    }
    Ok(conversation)
}

/// Returns what a message says, if it says anything.
fn said(item: &Item) -> Option<String> {
    let content = item.content.as_ref()?;
    let text = content.text().map(|text| plain(&text));
    let text = text.filter(|text| !text.is_empty());
    let kinds = || content.parts().iter().map(|part| part.kind.as_str());
    text.or_else(|| match () {
        () if kinds().any(|kind| kind == "input_image") => Some(IMAGES_ONLY.to_owned()),
        () if kinds().any(|kind| kind == "input_file") => Some(FILES_ONLY.to_owned()),
        () => None,
    })
}

/// Returns the pictures and files of the message that is to be answered.
fn sources(items: &[Item]) -> Result<Vec<Source>, Failure> {
    let is_message = |item: &Item| matches!(item.kind.as_deref(), None | Some("message"));
    let by_user = |item: &Item| is_message(item) && item.role.as_deref() == Some("user");
    let is_output = |item: &Item| item.kind.as_deref() == Some("function_call_output");
    let Some(at) = items
        .iter()
        .rposition(|item| by_user(item) || is_output(item))
    else {
        return Ok(Vec::new());
    };
    // What came of a call begins a turn of its own, to which earlier pictures do not belong.
    let content = items.get(at).filter(|item| by_user(item));
    let content = content.and_then(|item| item.content.as_ref());
    let mut sources = Vec::new();
    for (index, part) in content
        .map(Content::parts)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let place = format!("input[{at}].content[{index}]");
        let about = |message: String| Failure::invalid(message).about(&place);
        let (kind, found) = match part.kind.as_str() {
            "input_text" | "output_text" | "text" | "refusal" => continue,
            "input_image" => (SourceKind::Image, image(part)),
            "input_file" => (SourceKind::File, file(part)),
            other => {
                let message = format!("parts of type `{}` are not taken", mask(other));
                return Err(about(message));
            }
        };
        let named = part
            .source
            .as_ref()
            .and_then(|source| source.filename.clone());
        sources.push(Source {
            kind,
            given: found.map_err(about)?,
            filename: part.filename.clone().or(named),
            at: place.clone(),
        });
    }
    Ok(sources)
}

fn image(part: &Part) -> Result<Given, String> {
    match (&part.source, &part.image_url) {
        (Some(source), _) => given(source),
        (None, Some(url)) => Given::by_url(&url.0),
        (None, None) => Err("a picture needs an `image_url` or a `source`".to_owned()),
    }
}

fn file(part: &Part) -> Result<Given, String> {
    match (&part.source, &part.file_data, &part.file_url) {
        (Some(source), _, _) => given(source),
        (None, Some(data), _) => match Given::by_url(data)? {
            Given::Url(_) => Err("`file_data` has to be a data URL".to_owned()),
            bytes @ Given::Bytes { .. } => Ok(bytes),
        },
        (None, None, Some(url)) => Given::by_url(url),
        (None, None, None) => {
            Err("no files are kept here: send `file_data`, `file_url` or a `source`".to_owned())
        }
    }
}

fn given(source: &Where) -> Result<Given, String> {
    match source.kind.as_str() {
        "url" => Given::by_url(source.url.as_deref().ok_or("`source.url` is missing")?),
        "base64" => Ok(Given::Bytes {
            mime: source
                .media_type
                .as_deref()
                .ok_or("`source.media_type` is missing")?
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase(),
            base64: source.data.clone().ok_or("`source.data` is missing")?,
        }),
        _ => Err("`source.type` is `url` or `base64`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::decode::decode;
    use serde_json::{Value, json};

    use super::*;

    fn items(value: Value) -> Vec<Item> {
        decode(value).unwrap()
    }

    #[test]
    fn items_are_read_in_their_order() {
        let read = conversation(&items(json!([
            {"role": "developer", "content": "be brief"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "w", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": ""},
        ])))
        .unwrap();
        assert_eq!(read.instructions, ["be brief"]);
        let expected = [
            Line::new(By::User, "a"),
            Line::call("c1", "w", "{}"),
            Line::new(By::Tool("c1".to_owned()), ""),
        ];
        assert_eq!(read.lines, expected);
    }

    #[test]
    fn an_item_that_is_none_is_named() {
        for (value, at) in [
            (json!([{"role": "king", "content": "x"}]), "input[0].role"),
            (json!([{"content": "x"}]), "input[0].role"),
            (
                json!([{"type": "function_call_output", "output": "x"}]),
                "input[0].call_id",
            ),
            (
                json!([{"type": "function_call_output", "call_id": "c"}]),
                "input[0].output",
            ),
            (json!([{"type": "computer_call"}]), "input[0].type"),
        ] {
            let refused = conversation(&items(value)).unwrap_err();
            assert_eq!(refused.error.param.as_deref(), Some(at));
        }
    }

    #[test]
    fn files_come_in_the_form_of_either_api() {
        let of = |part: Value| {
            let message = json!([{"role": "user", "content": [part]}]);
            let found = sources(&items(message)).map_err(|err| err.error.message)?;
            Ok::<_, String>(found[0].given.clone())
        };
        let bytes = Given::Bytes {
            mime: "image/png".to_owned(),
            base64: "AA".to_owned(),
        };
        let url = Given::Url("https://a.example/x".to_owned());
        for part in [
            json!({"type": "input_image", "image_url": "data:image/png;base64,AA"}),
            json!({"type": "input_image", "source":
                {"type": "base64", "media_type": "image/png", "data": "AA"}}),
            json!({"type": "input_file", "file_data": "data:image/png;base64,AA"}),
        ] {
            assert_eq!(of(part), Ok(bytes.clone()));
        }
        for part in [
            json!({"type": "input_image", "image_url": "https://a.example/x"}),
            json!({"type": "input_file", "file_url": "https://a.example/x"}),
            json!({"type": "input_file", "source": {"type": "url", "url": "https://a.example/x"}}),
        ] {
            assert_eq!(of(part), Ok(url.clone()));
        }
        for part in [
            json!({"type": "input_image"}),
            json!({"type": "input_file", "file_id": "file_1"}),
            json!({"type": "input_audio"}),
            json!({"type": "input_image", "source": {"type": "ftp"}}),
        ] {
            assert!(of(part.clone()).is_err(), "{part}");
        }
    }
}
