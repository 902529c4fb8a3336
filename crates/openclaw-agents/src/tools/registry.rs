//! The registry: every tool that can be called, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::Kind;
use openclaw_providers::ToolSpec;
use openclaw_sandbox::{Command, SandboxConfig};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::page::bound;
use super::schema::{ArgumentError, Schema};
use super::{
    ApplyPatchTool, EditTool, Effect, ExecTool, FindTool, GrepTool, LsTool, MAX_RESULT_BYTES,
    MessageTool, Needs, ProcessTool, ReadTool, SessionsHistoryTool, SessionsListTool,
    SessionsSendTool, Tool, ToolCx, ToolError, ToolOutput, Touch, WebFetchTool, WriteTool,
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
    tools: BTreeMap<String, Arc<Registered>>,
}

/// A tool, and what a model is told of it; deriving that is too slow for every turn.
struct Registered {
    tool: Arc<dyn AnyTool>,
    spec: ToolSpec,
    schema: Schema,
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
    /// What its arguments have to be like cannot be checked.
    #[error("the schema of `{name}` is none: {problem}")]
    Schema {
        /// The tool.
        name: String,
        /// What is wrong with its schema.
        problem: String,
    },
}

impl RegistryError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Taken(_) => Kind::Conflict,
            Self::Name(_) => Kind::Invalid,
            Self::Schema { .. } => Kind::Internal,
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
        registry.insert(ProcessTool::NAME, ProcessTool);
        registry.insert(ReadTool::NAME, ReadTool::default());
        registry.insert(WriteTool::NAME, WriteTool);
        registry.insert(EditTool::NAME, EditTool);
        registry.insert(ApplyPatchTool::NAME, ApplyPatchTool);
        registry.insert(LsTool::NAME, LsTool);
        registry.insert(GrepTool::NAME, GrepTool);
        registry.insert(FindTool::NAME, FindTool);
        registry.insert(WebFetchTool::NAME, WebFetchTool::default());
        registry.insert(SessionsListTool::NAME, SessionsListTool::default());
        registry.insert(SessionsHistoryTool::NAME, SessionsHistoryTool::default());
        registry.insert(SessionsSendTool::NAME, SessionsSendTool::default());
        registry.insert(MessageTool::NAME, MessageTool);
        registry
    }

    /// Puts a tool in under its own name, in the place of one of that name.
    #[must_use]
    pub fn with<T: Tool>(mut self, tool: T) -> Self {
        self.insert(T::NAME, tool);
        self
    }

    /// Takes a tool out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.tools.remove(name);
        self
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
        self.add(name, tool)
    }

    /// Adds a tool of this crate, of which a test says that it can be added.
    fn insert<T: Tool>(&mut self, name: &str, tool: T) {
        if let Err(err) = self.add(name, tool) {
            tracing::error!(%err, "a tool is left out");
        }
    }

    fn add<T: Tool>(&mut self, name: &str, tool: T) -> Result<(), RegistryError> {
        let spec = ToolSpec {
            name: name.to_owned(),
            description: T::DESCRIPTION.to_owned(),
            parameters: Arc::new(parameters::<T>()),
        };
        let schema = Schema::new(&spec.parameters).map_err(|problem| RegistryError::Schema {
            name: name.to_owned(),
            problem,
        })?;
        let registered = Registered {
            tool: Arc::new(tool),
            spec,
            schema,
        };
        self.tools.insert(name.to_owned(), Arc::new(registered));
        Ok(())
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
        let registered = self.tools.get(self.own_name(name))?;
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

    /// Returns a registry with those of the tools that are to be kept.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let tools = self.tools.iter().filter(|(name, _)| keep(name));
        Self {
            tools: tools
                .map(|(name, registered)| (name.clone(), Arc::clone(registered)))
                .collect(),
        }
    }

    /// Returns by what the tool of that name touches this machine, if there is one.
    pub fn touch(&self, name: &str) -> Option<Touch> {
        self.get(name).map(|tool| tool.touch())
    }

    /// Returns what a call of the tool of that name may bring about, if there is one.
    pub fn effect(&self, name: &str, params: &Value) -> Option<Effect> {
        self.get(name).map(|tool| tool.effect(params))
    }

    /// Returns every address that a call of the tool of that name would ask a server for.
    pub fn addresses(&self, name: &str, params: &Value) -> Vec<String> {
        self.get(name)
            .map(|tool| tool.addresses(params))
            .unwrap_or_default()
    }

    /// Returns what an agent has to have for the tool of that name, if there is one.
    pub fn needs(&self, name: &str) -> Option<Needs> {
        self.get(name).map(|tool| tool.needs())
    }

    /// Checks that a call names a tool and has arguments that fit it, without running it.
    pub fn validate(&self, name: &str, params: &Value) -> Result<(), ToolError> {
        let Some(registered) = self.tools.get(self.own_name(name)) else {
            return Err(ToolError::NoTool {
                name: name.to_owned(),
                known: self.names().join(", "),
            });
        };
        registered.schema.check(name, params)?;
        registered.tool.check(name, params)
    }

    /// As [`validate`](Self::validate), for a client.
    pub fn check(&self, name: &str, params: &Value) -> Result<(), CallRefused> {
        self.validate(name, params).map_err(|err| match err {
            ToolError::NoTool { name, .. } => CallRefused::NoTool(name),
            other => CallRefused::Arguments(other.model_text()),
        })
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
    fn effect(&self, params: &Value) -> Effect;
    fn addresses(&self, params: &Value) -> Vec<String>;
    fn writes(&self, params: &Value) -> Vec<String>;
    fn needs(&self) -> Needs;
    fn check(&self, name: &str, params: &Value) -> Result<(), ToolError>;
    /// The name that this program has for it, whatever it is registered as.
    fn kind(&self) -> &'static str;
    fn would_run(&self, params: &Value, cx: &ToolCx) -> Option<(SandboxConfig, Command)>;
    fn about(&self, params: &Value, cx: &ToolCx) -> Option<String>;
    async fn call(&self, params: Value, cx: &ToolCx) -> Result<ToolOutput, ToolError>;
}

#[async_trait]
impl<T: Tool> AnyTool for T {
    fn touch(&self) -> Touch {
        T::TOUCH
    }

    fn effect(&self, params: &Value) -> Effect {
        T::effect(params)
    }

    fn addresses(&self, params: &Value) -> Vec<String> {
        T::addresses(params)
    }

    fn writes(&self, params: &Value) -> Vec<String> {
        T::writes(params)
    }

    fn needs(&self) -> Needs {
        T::NEEDS
    }

    fn check(&self, name: &str, params: &Value) -> Result<(), ToolError> {
        decode::<T>(name, params.clone()).map(drop)
    }

    fn kind(&self) -> &'static str {
        T::NAME
    }

    fn would_run(&self, params: &Value, cx: &ToolCx) -> Option<(SandboxConfig, Command)> {
        Tool::would_run(self, &decode::<T>(T::NAME, params.clone()).ok()?, cx)
    }

    fn about(&self, params: &Value, cx: &ToolCx) -> Option<String> {
        Tool::about(self, params, cx)
    }

    async fn call(&self, params: Value, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let args = decode::<T>(T::NAME, params)?;
        let mut output = self.run(args, cx).await?;
        // Of each of a command's two streams so much is kept as the owner says.
        let kept = cx.means.limits.kept_bytes.saturating_mul(2);
        let most = kept.saturating_add(2 * MAX_RESULT_BYTES);
        output.result = bound(output.result, most);
        Ok(output)
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

fn decode<T: Tool>(name: &str, params: Value) -> Result<T::Args, ToolError> {
    openclaw_core::decode::decode(params).map_err(|err| ArgumentError::own(name, err).into())
}
