//! The body of a request to Ollama's chat API.
//!
//! What the API cannot carry is put so that the conversation stays usable: texts of one message are
//! joined, thoughts are not sent back, malformed arguments are wrapped in an object (see
//! [`Arguments::to_object`](crate::Arguments::to_object)), a failed tool says so in its text, and
//! of a document that is no picture only the name is told.

use std::borrow::Cow;
use std::collections::HashMap;

use openclaw_core::CallId;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::ids::{WireIds, wire_name};
use crate::request::{
    AssistantBlock, Effort, Message, Request, ToolCall, ToolResult, ToolSpec, UserBlock,
};

/// The parameters that stand beside the options.
///
/// After <https://docs.ollama.com/api/chat>; `format` is left out, since it would put every
/// answer into a form that tools and people do not expect.
const BESIDE: &[&str] = &["keep_alive", "truncate", "shift"];

/// The options of a model that a configuration may set, each of which Ollama checks itself.
///
/// After <https://docs.ollama.com/modelfile#valid-parameters-and-values> and the names that
/// OpenClaw passes on.
const OPTIONS: &[&str] = &[
    "num_ctx",
    "num_predict",
    "num_keep",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "use_mmap",
    "seed",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_last_n",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "stop",
];

/// Whether and how hard the model is to think, set for all requests.
const THINK: [&str; 2] = ["think", "thinking"];

#[derive(Clone, Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Value>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    options: Map<String, Value>,
    #[serde(flatten)]
    beside: Map<String, Value>,
}

impl Body<'_> {
    /// Returns whether the model is told how to think, which some models refuse to hear.
    pub(super) const fn tells_to_think(&self) -> bool {
        self.think.is_some()
    }

    pub(super) fn without_think(self) -> Self {
        Self {
            think: None,
            ..self
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum Turn<'a> {
    System {
        content: &'a str,
    },
    User {
        content: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        images: Vec<&'a str>,
    },
    Assistant {
        content: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
    },
    Tool {
        tool_name: Cow<'a, str>,
        tool_call_id: String,
        content: Cow<'a, str>,
    },
}

#[derive(Clone, Debug, Serialize)]
struct Call<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct CalledFunction<'a> {
    name: Cow<'a, str>,
    arguments: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

/// Writes a request; `params` is what the configuration says for this model.
pub(super) fn of<'a>(request: &'a Request, params: &Map<String, Value>) -> Body<'a> {
    let ids = WireIds::of(&request.messages);
    let system = (!request.system.is_empty()).then_some(Turn::System {
        content: &request.system,
    });
    let mut messages = system.into_iter().collect::<Vec<_>>();
    // Names of the calls so far, by which older servers know whose result it is.
    let mut names = HashMap::new();
    for message in &request.messages {
        match message {
            Message::User(blocks) => messages.extend(user(blocks)),
            Message::Assistant(blocks) => messages.extend(answer(blocks, &ids, &mut names)),
            Message::ToolResults(results) => {
                messages.extend(
                    results
                        .iter()
                        .map(|result| tool_result(result, &ids, &names)),
                );
            }
        }
    }
    let told = THINK.iter().find_map(|name| params.get(*name)).cloned();
    Body {
        model: &request.model,
        stream: true,
        think: request.effort.map(think).or(told),
        messages,
        tools: request.tools.iter().map(tool).collect(),
        options: options(request, params),
        beside: picked(params, BESIDE),
    }
}

/// Models without levels take every level for yes.
fn think(effort: Effort) -> Value {
    match effort {
        Effort::Off => Value::Bool(false),
        Effort::Minimal | Effort::Low => "low".into(),
        Effort::Medium => "medium".into(),
        Effort::High | Effort::XHigh | Effort::Max => "high".into(),
    }
}

fn options(request: &Request, params: &Map<String, Value>) -> Map<String, Value> {
    let mut options = picked(params, OPTIONS);
    if let Some(most) = request.max_tokens {
        options.insert("num_predict".to_owned(), most.into());
    }
    if let Some(temperature) = request.temperature {
        options.insert("temperature".to_owned(), temperature.into());
    }
    // Nothing but a number above 0 is a size; OpenClaw leaves others out too.
    let is_size = |size: &Value| size.as_u64().is_some_and(|size| size > 0);
    if !options.get("num_ctx").is_none_or(is_size) {
        options.remove("num_ctx");
    }
    options
}

fn picked(params: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let known = params
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()));
    known
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn user(blocks: &[UserBlock]) -> Option<Turn<'_>> {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    for block in blocks {
        match block {
            UserBlock::Text(text) => texts.push(Cow::Borrowed(text.as_str())),
            UserBlock::Image { base64, .. } => images.push(base64.as_str()),
            UserBlock::Document { mime, name, .. } => texts.push(Cow::Owned(format!(
                "[The file `{name}` ({mime}) is attached, and this model cannot read it.]"
            ))),
        }
    }
    let content = texts.join("\n");
    let says_something = !content.trim().is_empty() || !images.is_empty();
    says_something.then_some(Turn::User { content, images })
}

/// Writes an answer; none if it has neither words nor calls.
fn answer<'a>(
    blocks: &'a [AssistantBlock],
    ids: &WireIds<'_>,
    names: &mut HashMap<&'a CallId, &'a str>,
) -> Option<Turn<'a>> {
    let mut texts = Vec::new();
    let mut tool_calls = Vec::new();
    for block in blocks {
        match block {
            AssistantBlock::Text(text) => texts.push(text.as_str()),
            AssistantBlock::Thinking(_) => {}
            AssistantBlock::ToolCall(call) => {
                names.insert(&call.id, &call.name);
                tool_calls.push(tool_call(call, ids));
            }
        }
    }
    let content = texts.join("\n");
    let says_something = !content.trim().is_empty() || !tool_calls.is_empty();
    says_something.then_some(Turn::Assistant {
        content,
        tool_calls,
    })
}

fn tool_call<'a>(call: &'a ToolCall, ids: &WireIds<'_>) -> Call<'a> {
    Call {
        id: ids.get(&call.id).to_owned(),
        kind: "function",
        function: CalledFunction {
            name: wire_name(&call.name),
            arguments: call.arguments.to_object(),
        },
    }
}

/// The API has no field for failure, so the text begins with `error`.
fn tool_result<'a>(
    result: &'a ToolResult,
    ids: &WireIds<'_>,
    names: &HashMap<&'a CallId, &'a str>,
) -> Turn<'a> {
    let says_so = result.content.starts_with("error");
    Turn::Tool {
        tool_name: wire_name(names.get(&result.call_id).copied().unwrap_or_default()),
        tool_call_id: ids.get(&result.call_id).to_owned(),
        content: if result.is_error && !says_so {
            Cow::Owned(format!("error: {}", result.content))
        } else {
            Cow::Borrowed(&result.content)
        },
    }
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    Tool {
        kind: "function",
        function: Function {
            name: &spec.name,
            description: &spec.description,
            parameters: &spec.parameters,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn params(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_whole_conversation_is_written_as_the_api_wants_it() {
        insta::assert_json_snapshot!(of(&samples::conversation(), &Map::new()));
    }

    #[test]
    fn careless_ids_names_and_arguments_are_made_legal() {
        insta::assert_json_snapshot!(of(&samples::careless(), &Map::new()));
    }

    #[test]
    fn parameters_go_where_the_api_has_them_and_others_nowhere() {
        let request = Request {
            max_tokens: Some(100),
            temperature: Some(0.5),
            ..Request::default()
        };
        let params = params(&json!({
            "num_ctx": 32768, "top_k": 40, "temperature": 1, "keep_alive": "10m",
            "think": "low", "format": "json", "streaming": false,
        }));
        assert_eq!(
            serde_json::to_value(of(&request, &params)).unwrap(),
            json!({
                "model": "",
                "stream": true,
                "think": "low",
                "messages": [],
                "options": {"num_ctx": 32768, "num_predict": 100, "temperature": 0.5, "top_k": 40},
                "keep_alive": "10m",
            })
        );
    }

    #[test]
    fn a_size_that_is_none_is_left_out() {
        for odd in [json!(0), json!(-1), json!("32768"), json!(null)] {
            let params = params(&json!({"num_ctx": odd}));
            assert_eq!(options(&Request::default(), &params), Map::new());
        }
    }

    #[test]
    fn an_effort_says_more_than_the_configuration() {
        let request = Request {
            effort: Some(Effort::Off),
            ..Request::default()
        };
        let body = of(&request, &params(&json!({"think": true})));
        assert_eq!(body.think, Some(json!(false)));
    }
}
