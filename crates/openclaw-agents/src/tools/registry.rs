//! The registry: every tool that can be called, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::Kind;
use openclaw_providers::{Arguments, ToolSpec};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{
    EditTool, ExecTool, LsTool, ReadTool, Tool, ToolCx, ToolError, ToolOutput, Touch, WriteTool,
};

/// The names of TypeScript OpenClaw come first; these are other names for the same tools.
const ALIASES: &[(&str, &str)] = &[("bash", ExecTool::NAME), ("read_file", ReadTool::NAME)];

/// The longest tool name that the model APIs take.
const MAX_NAME: usize = 64;

/// The tools that may be called.
///
/// ```
/// use std::path::PathBuf;
/// use openclaw_agents::{BashTool, ReadFileTool, SandboxConfig, ToolRegistry};
///
/// let sandbox_config = SandboxConfig::default();
/// let workspace = PathBuf::from("./workspace");
///
/// let mut tools = ToolRegistry::new();
/// tools.register("bash", BashTool::new(sandbox_config.clone()))?;
/// tools.register("read_file", ReadFileTool::new(workspace.clone()))?;
/// // Tools NOT registered here cannot be called, period.
/// # assert!(tools.register("bash", BashTool::new(sandbox_config)).is_err());
/// # Ok::<(), openclaw_agents::tools::RegistryError>(())
/// ```
#[derive(Clone, Default)]
pub struct ToolRegistry {
    tools: BTreeMap<String, Registered>,
}

/// A tool, and what a model is told of it; deriving that is too slow for every turn.
#[derive(Clone)]
struct Registered {
    tool: Arc<dyn AnyTool>,
    spec: ToolSpec,
}

impl fmt::Debug for ToolRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.tools.keys()).finish()
    }
}

/// Why a tool was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The name is taken.
    #[error("there is a tool named `{0}` already")]
    Taken(String),
    /// The model APIs do not take such a name.
    #[error("`{0}` is no tool name: use letters, digits, `-` and `_`, at most {MAX_NAME}")]
    Name(String),
}

impl RegistryError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Taken(_) => Kind::Conflict,
            Self::Name(_) => Kind::Invalid,
        }
    }
}

/// Why a client's call is refused before anything happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallRefused {
    /// There is no such tool.
    #[error("there is no tool `{0}`")]
    NoTool(String),
    /// The arguments do not fit the tool.
    #[error("{0}")]
    Arguments(String),
}

impl CallRefused {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoTool(_) => Kind::NotFound,
            Self::Arguments(_) => Kind::Invalid,
        }
    }

    /// Returns which part of the call is meant.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NoTool(_) => "tool",
            Self::Arguments(_) => "params",
        }
    }
}

impl ToolRegistry {
    /// Makes a registry without tools.
    pub const fn new() -> Self {
        Self {
            tools: BTreeMap::new(),
        }
    }

    /// Makes a registry with every tool that comes with this crate.
    pub fn standard() -> Self {
        let mut registry = Self::new();
        registry.insert(ExecTool::NAME, ExecTool::default());
        registry.insert(ReadTool::NAME, ReadTool::default());
        registry.insert(WriteTool::NAME, WriteTool);
        registry.insert(EditTool::NAME, EditTool);
        registry.insert(LsTool::NAME, LsTool);
        registry
    }

    /// Adds a tool under a name.
    pub fn register<T: Tool>(&mut self, name: &str, tool: T) -> Result<(), RegistryError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(legal) {
            return Err(RegistryError::Name(name.to_owned()));
        }
        if self.tools.contains_key(name) {
            return Err(RegistryError::Taken(name.to_owned()));
        }
        self.insert(name, tool);
        Ok(())
    }

    fn insert<T: Tool>(&mut self, name: &str, tool: T) {
        let spec = ToolSpec {
            name: name.to_owned(),
            description: T::DESCRIPTION.to_owned(),
            parameters: parameters::<T>(),
        };
        let tool = Arc::new(tool);
        self.tools
            .insert(name.to_owned(), Registered { tool, spec });
    }

    /// Returns what a model needs to know of each tool, sorted by name.
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.tools
            .values()
            .map(|registered| registered.spec.clone())
            .collect()
    }

    /// Returns the tool of that name, or of the name that it is an alias of.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn AnyTool>> {
        let aliased = || {
            ALIASES
                .iter()
                .find(|(alias, _)| *alias == name)
                .map(|(_, name)| *name)
        };
        let registered = self
            .tools
            .get(name)
            .or_else(|| self.tools.get(aliased()?))?;
        Some(Arc::clone(&registered.tool))
    }

    /// Returns the name that a tool goes by, for one that it answers to.
    pub fn own_name<'a>(&self, name: &'a str) -> &'a str {
        if self.tools.contains_key(name) {
            return name;
        }
        let aliased = ALIASES.iter().find(|(alias, _)| *alias == name);
        aliased.map_or(name, |(_, name)| *name)
    }

    /// Returns by what the tool of that name touches this machine, if there is one.
    pub fn touch(&self, name: &str) -> Option<Touch> {
        self.get(name).map(|tool| tool.touch())
    }

    /// Checks that a call names a tool and has arguments that fit it, without running it.
    pub fn check(&self, name: &str, params: &Value) -> Result<(), CallRefused> {
        let tool = self
            .get(name)
            .ok_or_else(|| CallRefused::NoTool(name.to_owned()))?;
        tool.check(params)
            .map_err(|err| CallRefused::Arguments(err.model_text()))
    }

    /// Returns the other names that a tool answers to.
    pub fn aliases<'a>(&self, name: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        ALIASES
            .iter()
            .filter(move |(_, meant)| *meant == name)
            .map(|(alias, _)| *alias)
    }

    /// Returns the names of the tools, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.tools.keys().map(String::as_str).collect()
    }
}

/// A tool whose argument type is erased.
#[async_trait]
pub(crate) trait AnyTool: Send + Sync {
    fn touch(&self) -> Touch;
    fn check(&self, params: &Value) -> Result<(), ToolError>;
    async fn call(&self, params: Value, cx: &ToolCx) -> Result<ToolOutput, ToolError>;
}

#[async_trait]
impl<T: Tool> AnyTool for T {
    fn touch(&self) -> Touch {
        T::TOUCH
    }

    fn check(&self, params: &Value) -> Result<(), ToolError> {
        decode::<T>(params.clone()).map(drop)
    }

    async fn call(&self, params: Value, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let args = decode::<T>(params)?;
        self.run(args, cx).await
    }
}

/// The JSON Schema of a tool's arguments, in the form that model APIs take.
fn parameters<T: Tool>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    // Model APIs know neither the dialect's address nor references.
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T::Args>();
    schema.remove("title");
    schema.into()
}

fn decode<T: Tool>(params: Value) -> Result<T::Args, ToolError> {
    if let Some(text) = params.get(Arguments::MALFORMED_KEY).and_then(Value::as_str) {
        let start: String = text.chars().take(200).collect();
        return Err(ToolError::ForModel(format!(
            "the arguments are no JSON object: {start}"
        )));
    }
    openclaw_core::decode::decode(params).map_err(|err| {
        let hint = err.hint().map(|hint| format!("; {hint}"));
        ToolError::ForModel(format!(
            "the arguments do not fit: {err}{}",
            hint.unwrap_or_default()
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_tool_takes_an_argument_that_it_does_not_know() {
        let tools = ToolRegistry::standard();
        for spec in tools.specs() {
            assert_eq!(
                spec.parameters["additionalProperties"], false,
                "{}",
                spec.name
            );
            let refused = tools.check(&spec.name, &json!({ "unheardOf": 1 }));
            let Err(CallRefused::Arguments(message)) = refused else {
                panic!("{} takes anything", spec.name);
            };
            assert!(message.contains("unknown field `unheardOf`"), "{message}");
        }
    }
}
