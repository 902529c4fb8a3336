//! The client's own tools, and which of them it wants called.

use std::collections::HashSet;
use std::sync::Arc;

use openclaw_agents::ToolRegistry;
use openclaw_agents::terms::ClientCall;
use openclaw_core::redaction::mask;
use openclaw_providers::ToolSpec;
use serde_json::{Map, Value, json};

use super::door::Failure;

/// How many tools a client may bring.
const MOST: usize = 128;
/// The longest name that the model APIs take.
const MAX_NAME: usize = 64;

/// The client's own tools.
#[derive(Debug, Default)]
pub(super) struct ClientTools {
    /// Those that the model is offered.
    pub(super) offered: Vec<ToolSpec>,
    /// What it is told about them.
    pub(super) instruction: Option<String>,
    /// Which call the answer has to have.
    pub(super) wanted: Wanted,
}

/// Which call of the client's tools an answer has to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// None.
    #[default]
    Nothing,
    /// One of any of them.
    Any,
    /// One of this tool.
    Tool(String),
}

impl Wanted {
    /// Says why an answer with these calls is not the one that was wanted.
    pub(super) fn missed(&self, calls: &[ClientCall]) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Any => calls
                .is_empty()
                .then(|| "tool_choice=required was not satisfied by the agent response".to_owned()),
            Self::Tool(name) => (!calls.iter().any(|call| call.tool == *name)).then(|| {
                format!(
                    "tool_choice required a {name} tool call, but the agent did not produce one"
                )
            }),
        }
    }
}

impl ClientTools {
    /// Reads `tools` and `tool_choice`; `ours` are the gateway's own tools.
    pub(super) fn read(
        tools: Option<&[Value]>,
        choice: Option<&Value>,
        ours: &ToolRegistry,
    ) -> Result<Self, Failure> {
        let tools = tools.unwrap_or_default();
        if tools.len() > MOST {
            let message = format!("{} tools are too many: send at most {MOST}", tools.len());
            return Err(Failure::invalid(message).about("tools"));
        }
        let mut offered = Vec::with_capacity(tools.len());
        let mut names = HashSet::new();
        for (index, tool) in tools.iter().enumerate() {
            let about =
                |message: String| Failure::invalid(message).about(&format!("tools[{index}]"));
            let spec = spec(tool).map_err(about)?;
            let taken = |name: &str| ours.names().contains(&ours.own_name(name));
            if taken(&spec.name) {
                let message = format!(
                    "the gateway has a tool `{}` of its own: give the client's another name",
                    spec.name
                );
                return Err(about(message));
            }
            if !names.insert(spec.name.clone()) {
                return Err(about(format!("there are two tools named `{}`", spec.name)));
            }
            offered.push(spec);
        }
        let wanted = choice.map(wanted).transpose()?;
        Self::chosen(offered, wanted)
    }

    fn chosen(mut offered: Vec<ToolSpec>, wanted: Option<Choice>) -> Result<Self, Failure> {
        let (instruction, wanted) = match wanted {
            None | Some(Choice::Auto) => (None, Wanted::Nothing),
            Some(Choice::Nothing) => {
                offered.clear();
                (None, Wanted::Nothing)
            }
            Some(Choice::Any) if offered.is_empty() => {
                let message = "tool_choice=required but no tools were provided";
                return Err(Failure::invalid(message).about("tool_choice"));
            }
            Some(Choice::Any) => {
                let told = "You must call one of the available tools before responding.";
                let names: Vec<String> = offered
                    .iter()
                    .map(|tool| format!("`{}`", tool.name))
                    .collect();
                let told = format!("{told} Here, that is one of {}.", names.join(", "));
                (Some(told), Wanted::Any)
            }
            Some(Choice::Tool(name)) => {
                offered.retain(|tool| tool.name == name);
                if offered.is_empty() {
                    let message = format!("tool_choice requested unknown tool: {}", mask(&name));
                    return Err(Failure::invalid(message).about("tool_choice"));
                }
                let told = format!("You must call the {name} tool before responding.");
                (Some(told), Wanted::Tool(name))
            }
        };
        Ok(Self {
            offered,
            instruction,
            wanted,
        })
    }
}

/// What a `tool_choice` asks for.
enum Choice {
    Auto,
    Nothing,
    Any,
    Tool(String),
}

fn wanted(choice: &Value) -> Result<Choice, Failure> {
    let refused = |message: String| Failure::invalid(message).about("tool_choice");
    match choice {
        Value::String(name) => match name.as_str() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::Nothing),
            "required" => Ok(Choice::Any),
            _ => Err(refused("unsupported tool_choice type".to_owned())),
        },
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("function") => {
                let of = object.get("function").and_then(Value::as_object);
                let name = of.unwrap_or(object).get("name").and_then(Value::as_str);
                let name = name.map(str::trim).filter(|name| !name.is_empty());
                name.map(|name| Choice::Tool(name.to_owned()))
                    .ok_or_else(|| refused("tool_choice.function.name is required".to_owned()))
            }
            Some(kind) => Err(refused(format!(
                "tool_choice {} is not supported",
                mask(kind)
            ))),
            None => Err(refused("unsupported tool_choice type".to_owned())),
        },
        _ => Err(refused("tool_choice must be a string or object".to_owned())),
    }
}

/// Reads one tool, in the form of either of OpenAI's two APIs.
fn spec(tool: &Value) -> Result<ToolSpec, String> {
    let tool = tool.as_object().ok_or("each tool must be an object")?;
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Err("only function tools are supported".to_owned());
    }
    let of = match tool.get("function") {
        Some(function) => function.as_object().ok_or("tool.function is required")?,
        None => tool,
    };
    let name = of.get("name").and_then(Value::as_str).map(str::trim);
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or("tool.function.name is required")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.len() > MAX_NAME || !name.chars().all(legal) || mask(name) != name {
        return Err(format!(
            "a tool's name has letters, digits, `-` and `_`, at most {MAX_NAME}"
        ));
    }
    Ok(ToolSpec {
        name: name.to_owned(),
        description: text(of, "description").unwrap_or_default(),
        parameters: Arc::new(match of.get("parameters") {
            None | Some(Value::Null) => json!({ "type": "object", "properties": {} }),
            Some(schema @ Value::Object(_)) => schema.clone(),
            Some(_) => return Err("tool.function.parameters must be an object".to_owned()),
        }),
    })
}

fn text(of: &Map<String, Value>, name: &str) -> Option<String> {
    of.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Returns what the model is told of the form in which the answer is wanted.
pub(super) fn form(format: Option<&Value>, at: &str) -> Result<Option<String>, Failure> {
    let Some(format) = format else {
        return Ok(None);
    };
    let refused = |message: &str| Failure::invalid(message).about(at);
    let of = format
        .as_object()
        .ok_or_else(|| refused("the format of an answer is an object"))?;
    match of.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(
            "Write your final answer as one JSON object and nothing else: no other words, and no \
             code fence around it."
                .to_owned(),
        )),
        Some("json_schema") => {
            // The one API has the schema in an object of its own, the other beside the type.
            let named = of.get("json_schema").and_then(Value::as_object);
            let schema = named.unwrap_or(of).get("schema");
            let schema = schema
                .filter(|schema| schema.is_object())
                .ok_or_else(|| refused("the format `json_schema` needs a schema"))?;
            Ok(Some(format!(
                "Write your final answer as one JSON value that fits this JSON Schema, and nothing \
                 else: no other words, and no code fence around it.\n{schema}"
            )))
        }
        _ => Err(refused("type must be text, json_object, or json_schema")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tools: &Value, choice: Option<&Value>) -> Result<ClientTools, String> {
        let tools = tools.as_array().map(Vec::as_slice);
        ClientTools::read(tools, choice, &ToolRegistry::standard())
            .map_err(|failure| failure.error.message)
    }

    fn names(tools: &ClientTools) -> Vec<&str> {
        tools
            .offered
            .iter()
            .map(|tool| tool.name.as_str())
            .collect()
    }

    #[test]
    fn tools_come_in_the_form_of_either_api() {
        let tools = json!([
            {"type": "function", "function": {"name": "a", "description": "does a"}},
            {"type": "function", "name": "b", "parameters": {"type": "object"}, "strict": true},
        ]);
        let read = read(&tools, None).unwrap();
        let expected = [
            ToolSpec {
                name: "a".to_owned(),
                description: "does a".to_owned(),
                parameters: Arc::new(json!({"type": "object", "properties": {}})),
            },
            ToolSpec {
                name: "b".to_owned(),
                description: String::new(),
                parameters: Arc::new(json!({"type": "object"})),
            },
        ];
        assert_eq!(read.offered, expected);
    }

    #[test]
    fn a_choice_says_which_tools_are_offered_and_which_call_is_wanted() {
        let tools = json!([
            {"type": "function", "function": {"name": "a"}},
            {"type": "function", "function": {"name": "b"}},
        ]);
        let chosen = |choice| {
            let read = read(&tools, Some(&choice)).unwrap();
            let names: Vec<String> = names(&read).into_iter().map(str::to_owned).collect();
            (names.join(""), read.wanted)
        };
        assert_eq!(chosen(json!("auto")), ("ab".to_owned(), Wanted::Nothing));
        assert_eq!(chosen(json!("none")), (String::new(), Wanted::Nothing));
        assert_eq!(chosen(json!("required")), ("ab".to_owned(), Wanted::Any));
        let of_b = (String::from("b"), Wanted::Tool("b".to_owned()));
        for one in [
            json!({"type": "function", "function": {"name": "b"}}),
            json!({"type": "function", "name": "b"}),
        ] {
            assert_eq!(chosen(one), of_b);
        }
    }

    #[test]
    fn what_is_no_tool_of_the_client_is_refused() {
        let one = |function: Value| json!([{"type": "function", "function": function}]);
        for (tools, choice) in [
            (json!([5]), None),
            (json!([{"type": "web_search"}]), None),
            (one(json!({})), None),
            (one(json!({"name": "a b"})), None),
            (one(json!({"name": "exec"})), None),
            (one(json!({"name": "bash"})), None),
            (one(json!({"name": "a", "parameters": []})), None),
            (
                json!([{"type": "function", "name": "a"}, {"type": "function", "name": "a"}]),
                None,
            ),
            (json!([]), Some(json!("required"))),
            (
                one(json!({"name": "a"})),
                Some(json!({"type": "function", "name": "b"})),
            ),
            (
                one(json!({"name": "a"})),
                Some(json!({"type": "allowed_tools"})),
            ),
            (one(json!({"name": "a"})), Some(json!({"type": "function"}))),
            (one(json!({"name": "a"})), Some(json!(5))),
        ] {
            assert!(read(&tools, choice.as_ref()).is_err(), "{tools} {choice:?}");
        }
    }

    #[test]
    fn a_form_is_told_to_the_model() {
        assert!(form(None, "x").unwrap().is_none());
        assert!(form(Some(&json!({"type": "text"})), "x").unwrap().is_none());
        let schema = json!({"type": "json_schema", "json_schema": {"schema": {"type": "array"}}});
        let told = form(Some(&schema), "x").unwrap().unwrap();
        assert!(told.ends_with("{\"type\":\"array\"}"), "{told}");
        for wrong in [
            json!("x"),
            json!({"type": "xml"}),
            json!({"type": "json_schema"}),
        ] {
            assert!(form(Some(&wrong), "x").is_err(), "{wrong}");
        }
    }
}
