//! How each API writes an answer and an error. A new API is a row here.

use serde_json::{Value, json};

/// One API over HTTP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Api {
    pub(super) name: &'static str,
    /// What stands behind the server's origin in a base URL.
    pub(super) base: &'static str,
    pub(super) wrong_key: (&'static str, &'static str),
    pub(super) wrong_model: (&'static str, &'static str),
    pub(super) too_long: (&'static str, &'static str),
    /// None if the API has no filter, or tells of it by a reason to stop.
    pub(super) filtered: Option<(&'static str, &'static str)>,
    pub(super) wire: Wire,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Anthropic,
    Chat,
    Responses,
    Google,
    Ollama,
}

/// A call that the model makes: its id, and its arguments as they come over the wire.
pub(super) type Call = (&'static str, &'static str);

const OPENAI_KEY: (&str, &str) = (
    "401 Unauthorized",
    r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
);
const OPENAI_MODEL: (&str, &str) = (
    "404 Not Found",
    r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
);
const OPENAI_LENGTH: (&str, &str) = (
    "400 Bad Request",
    r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
);
const OPENAI_FILTER: (&str, &str) = (
    "400 Bad Request",
    r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}"#,
);

const OPENAI: Api = Api {
    name: "openai-completions",
    base: "/v1",
    wrong_key: OPENAI_KEY,
    wrong_model: OPENAI_MODEL,
    too_long: OPENAI_LENGTH,
    filtered: Some(OPENAI_FILTER),
    wire: Wire::Chat,
};

const AZURE: Api = Api {
    name: "azure-openai-completions",
    base: "",
    wrong_key: (
        "401 Unauthorized",
        r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
    ),
    wrong_model: (
        "404 Not Found",
        r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
    ),
    too_long: OPENAI_LENGTH,
    filtered: Some((
        "400 Bad Request",
        r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
    )),
    wire: Wire::Chat,
};

pub(super) const APIS: &[Api] = &[
    Api {
        name: "anthropic-messages",
        base: "",
        wrong_key: (
            "401 Unauthorized",
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
        ),
        wrong_model: (
            "404 Not Found",
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#,
        ),
        too_long: (
            "400 Bad Request",
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}"#,
        ),
        filtered: Some((
            "400 Bad Request",
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#,
        )),
        wire: Wire::Anthropic,
    },
    OPENAI,
    Api {
        name: "openai-responses",
        wire: Wire::Responses,
        ..OPENAI
    },
    AZURE,
    Api {
        name: "azure-openai-responses",
        wire: Wire::Responses,
        ..AZURE
    },
    Api {
        name: "google-generative-ai",
        base: "/v1beta",
        wrong_key: (
            "400 Bad Request",
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
        ),
        wrong_model: (
            "404 Not Found",
            r#"{"error":{"code":404,"message":"models/x is not found for API version v1beta","status":"NOT_FOUND"}}"#,
        ),
        too_long: (
            "400 Bad Request",
            r#"{"error":{"code":400,"message":"The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).","status":"INVALID_ARGUMENT"}}"#,
        ),
        filtered: None,
        wire: Wire::Google,
    },
    Api {
        name: "ollama",
        base: "",
        wrong_key: ("401 Unauthorized", r#"{"error":"unauthorized"}"#),
        wrong_model: (
            "404 Not Found",
            r#"{"error":"model \"x\" not found, try pulling it first"}"#,
        ),
        too_long: (
            "400 Bad Request",
            r#"{"error":"prompt too long; exceeded max context length by 12 tokens"}"#,
        ),
        filtered: None,
        wire: Wire::Ollama,
    },
];

impl Wire {
    /// The media type of an answer.
    pub(super) const fn mime(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            Self::Anthropic | Self::Chat | Self::Responses | Self::Google => "text/event-stream",
        }
    }

    /// What comes before the first word.
    pub(super) fn start(self) -> String {
        match self {
            Self::Anthropic => {
                self.event(&json!({
                    "type": "message_start",
                    "message": {"model": "m", "content": [], "role": "assistant"},
                })) + &self.event(&json!({
                    "type": "content_block_start", "index": 0,
                    "content_block": {"type": "text", "text": ""},
                }))
            }
            Self::Responses => {
                self.event(&json!({
                    "type": "response.created", "response": {"id": "r", "model": "m", "output": []},
                })) + &self.event(&json!({
                    "type": "response.output_item.added", "output_index": 0,
                    "item": {"type": "message", "id": "i0", "role": "assistant", "content": []},
                }))
            }
            Self::Chat | Self::Google | Self::Ollama => String::new(),
        }
    }

    /// Some words.
    pub(super) fn text(self, text: &str) -> String {
        self.event(&match self {
            Self::Anthropic => json!({
                "type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text},
            }),
            Self::Chat => json!({
                "model": "m", "choices": [{"index": 0, "delta": {"content": text}}],
            }),
            Self::Responses => json!({
                "type": "response.output_text.delta", "item_id": "i0", "output_index": 0,
                "content_index": 0, "delta": text,
            }),
            Self::Google => json!({
                "modelVersion": "m",
                "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}],
            }),
            Self::Ollama => json!({
                "model": "m", "message": {"role": "assistant", "content": text}, "done": false,
            }),
        })
    }

    /// The end of an answer, after some calls and without a word about tokens.
    pub(super) fn end(self, calls: &[Call]) -> String {
        match self {
            Self::Anthropic => self.anthropic_end(calls),
            Self::Chat => self.chat_end(calls),
            Self::Responses => self.responses_end(calls),
            Self::Google => {
                let parts = calls.iter().map(|(id, arguments)| {
                    json!({"functionCall": {"id": id, "name": "exec", "args": value(arguments)}})
                });
                self.event(&json!({
                    "candidates": [{
                        "index": 0, "finishReason": "STOP",
                        "content": {"role": "model", "parts": parts.collect::<Vec<_>>()},
                    }],
                }))
            }
            Self::Ollama => {
                let calls = calls.iter().map(|(id, arguments)| {
                    json!({"id": id, "function": {"name": "exec", "arguments": value(arguments)}})
                });
                self.event(&json!({
                    "model": "m", "done": false,
                    "message": {"role": "assistant", "content": "", "tool_calls": calls.collect::<Vec<_>>()},
                })) + &self.event(&json!({
                    "model": "m", "done": true, "done_reason": "stop",
                    "message": {"role": "assistant", "content": ""},
                }))
            }
        }
    }

    fn anthropic_end(self, calls: &[Call]) -> String {
        let mut all = self.event(&json!({"type": "content_block_stop", "index": 0}));
        for (index, (id, arguments)) in (1..).zip(calls) {
            all += &self.event(&json!({
                "type": "content_block_start", "index": index,
                "content_block": {"type": "tool_use", "id": id, "name": "exec", "input": {}},
            }));
            all += &self.event(&json!({
                "type": "content_block_delta", "index": index,
                "delta": {"type": "input_json_delta", "partial_json": arguments},
            }));
            all += &self.event(&json!({"type": "content_block_stop", "index": index}));
        }
        let reason = if calls.is_empty() {
            "end_turn"
        } else {
            "tool_use"
        };
        all += &self.event(&json!({"type": "message_delta", "delta": {"stop_reason": reason}}));
        all + &self.event(&json!({"type": "message_stop"}))
    }

    fn chat_end(self, calls: &[Call]) -> String {
        let mut all = String::new();
        for (index, (id, arguments)) in calls.iter().enumerate() {
            let call = json!({
                "index": index, "id": id, "type": "function",
                "function": {"name": "exec", "arguments": arguments},
            });
            all += &self.event(&json!({
                "choices": [{"index": 0, "delta": {"tool_calls": [call]}}],
            }));
        }
        let reason = if calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        all += &self.event(&json!({
            "choices": [{"index": 0, "delta": {}, "finish_reason": reason}],
        }));
        all + "data: [DONE]\n\n"
    }

    fn responses_end(self, calls: &[Call]) -> String {
        let mut all = String::new();
        for (index, (id, arguments)) in (1..).zip(calls) {
            let item = |arguments: &str| {
                json!({
                    "type": "function_call", "id": format!("i{index}"), "call_id": id,
                    "name": "exec", "arguments": arguments,
                })
            };
            all += &self.event(&json!({
                "type": "response.output_item.added", "output_index": index, "item": item(""),
            }));
            all += &self.event(&json!({
                "type": "response.function_call_arguments.delta", "output_index": index,
                "item_id": format!("i{index}"), "delta": arguments,
            }));
            all += &self.event(&json!({
                "type": "response.output_item.done", "output_index": index,
                "item": item(arguments),
            }));
        }
        all + &self.event(&json!({
            "type": "response.completed",
            "response": {"id": "r", "model": "m", "status": "completed"},
        }))
    }

    /// Something that means nothing, as servers send it to keep a connection open.
    pub(super) fn nothing(self) -> String {
        match self {
            Self::Ollama => " ".repeat(4000) + "\n",
            Self::Anthropic | Self::Chat | Self::Responses | Self::Google => {
                format!(": {}\n\n", ".".repeat(4000))
            }
        }
    }

    /// An event that no API has.
    pub(super) const fn nonsense(self) -> &'static str {
        match self {
            Self::Ollama => "[]\n",
            Self::Anthropic | Self::Chat | Self::Responses | Self::Google => "data: 7\n\n",
        }
    }

    /// The beginning of a line that never ends.
    pub(super) const fn endless(self) -> &'static str {
        match self {
            Self::Ollama => "{\"x\":\"",
            Self::Anthropic | Self::Chat | Self::Responses | Self::Google => "data: {\"x\":\"",
        }
    }

    fn event(self, data: &Value) -> String {
        match self {
            Self::Ollama => format!("{data}\n"),
            Self::Anthropic | Self::Responses => {
                let name = data["type"].as_str().unwrap();
                format!("event: {name}\ndata: {data}\n\n")
            }
            Self::Chat | Self::Google => format!("data: {data}\n\n"),
        }
    }
}

/// Where an API has arguments as JSON, what is none is a text.
fn value(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| Value::from(arguments))
}
