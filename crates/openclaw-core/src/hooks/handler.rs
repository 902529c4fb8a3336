//! What is called at a hook, and how it is registered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::catalog::Hook;
use super::lifecycle::Lifecycle;
use crate::kind::Kind;

/// The longest that a handler can be given.
pub const MOST_TIME: Duration = Duration::from_mins(10);

/// Something that is called at a hook.
#[async_trait]
pub trait Handler: fmt::Debug + Send + Sync {
    /// Deals with an event; `Value::Null` says nothing about it.
    ///
    /// # Cancel safety
    /// When the time is up, the future is dropped wherever it waits.
    async fn handle(&self, call: HookCall<'_>) -> Result<Value, HookError>;
}

/// Something that is called at a hook which does not wait.
pub trait SyncHandler: fmt::Debug + Send + Sync {
    /// Deals with an event; `Value::Null` says nothing about it.
    fn handle(&self, call: HookCall<'_>) -> Result<Value, HookError>;
}

/// One event at one hook.
#[derive(Clone, Copy, Debug)]
pub struct HookCall<'a> {
    /// The hook.
    pub hook: Hook,
    /// What happens, in OpenClaw's words.
    pub event: &'a Value,
    /// In what conversation, and on whose behalf.
    pub context: &'a Value,
}

/// Why a handler has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It said so.
    #[error("the handler failed: {0}")]
    Failed(String),
    /// It took too long.
    #[error("the handler did not answer within {0:?}")]
    TimedOut(Duration),
    /// Its result has another form than the hook asks for.
    #[error("the handler's result is not understood: {0}")]
    Malformed(&'static str),
}

impl HookError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Failed(_) | Self::TimedOut(_) => Kind::Unavailable,
            Self::Malformed(_) => Kind::Invalid,
        }
    }
}

/// Why something cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The hook does not wait, and the handler does; or the other way round.
    #[error("`{hook}` is a hook that {}", if hook.is_sync() { "does not wait" } else { "waits" })]
    OtherHandler {
        /// The hook.
        hook: Hook,
    },
    /// The hook is not about tools.
    #[error("`{0}` is not about tools and takes none by name")]
    NoTools(Hook),
    /// The list of tools has nothing in it, or a name that no tool can have.
    #[error("the tools of a handler for `{0}` have to be named one by one")]
    BadTools(Hook),
    /// The time is none, or too long.
    #[error("a handler for `{hook}` cannot have {time:?}; at most {MOST_TIME:?} are allowed")]
    BadTime {
        /// The hook.
        hook: Hook,
        /// The time.
        time: Duration,
    },
}

impl RegisterError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// A handler and when it is called.
#[derive(Clone, Debug)]
pub struct Registration {
    pub(super) hook: Hook,
    /// Which events of the hook it is for, when not for all.
    pub(super) only: Option<Lifecycle>,
    /// Whose it is.
    pub(super) by: String,
    pub(super) priority: i32,
    pub(super) timeout: Option<Duration>,
    pub(super) tools: Option<Vec<String>>,
    pub(super) handler: AnyHandler,
}

#[derive(Clone, Debug)]
pub(super) enum AnyHandler {
    Async(Arc<dyn Handler>),
    Sync(Arc<dyn SyncHandler>),
}

impl Registration {
    /// Registers a handler of `by`, which names it in logs and refusals.
    pub fn new(hook: Hook, by: &str, handler: Arc<dyn Handler>) -> Self {
        Self::of(hook, by, AnyHandler::Async(handler))
    }

    /// Registers a handler for a hook that does not wait.
    pub fn sync(hook: Hook, by: &str, handler: Arc<dyn SyncHandler>) -> Self {
        Self::of(hook, by, AnyHandler::Sync(handler))
    }

    /// Registers a handler for a moment in the life of a conversation.
    pub fn at(moment: Lifecycle, by: &str, handler: Arc<dyn Handler>) -> Self {
        Self {
            only: Some(moment),
            ..Self::new(moment.hook(), by, handler)
        }
    }

    fn of(hook: Hook, by: &str, handler: AnyHandler) -> Self {
        Self {
            hook,
            only: None,
            by: by.to_owned(),
            priority: 0,
            timeout: None,
            tools: None,
            handler,
        }
    }

    /// Says when it is called among others: those of higher priority come first, and of the same
    /// the one that was registered first.
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Gives it another time than the hook gives.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lets it be called for these tools only, by their own names.
    #[must_use]
    pub fn tools(mut self, tools: &[&str]) -> Self {
        self.tools = Some(
            tools
                .iter()
                .map(|tool| tool.trim().to_lowercase())
                .collect(),
        );
        self
    }

    pub(super) fn check(&self) -> Result<(), RegisterError> {
        let hook = self.hook;
        if hook.is_sync() != matches!(self.handler, AnyHandler::Sync(_)) {
            return Err(RegisterError::OtherHandler { hook });
        }
        if let Some(tools) = &self.tools {
            if !hook.is_about_tools() {
                return Err(RegisterError::NoTools(hook));
            }
            let unnamed = |tool: &String| tool.is_empty() || tool.contains('*');
            if tools.is_empty() || tools.iter().any(unnamed) {
                return Err(RegisterError::BadTools(hook));
            }
        }
        match self.timeout {
            Some(time) if time.is_zero() || time > MOST_TIME => {
                Err(RegisterError::BadTime { hook, time })
            }
            _ => Ok(()),
        }
    }

    /// Tells whether it is to hear of an event.
    pub(super) fn is_for(&self, event: &Value) -> bool {
        let tool = || event.get("toolName").and_then(Value::as_str);
        let named = |tools: &Vec<String>| {
            tool().is_some_and(|tool| tools.contains(&tool.trim().to_lowercase()))
        };
        self.tools.as_ref().is_none_or(named) && self.only.is_none_or(|moment| moment.is(event))
    }

    pub(super) fn time(&self) -> Option<Duration> {
        self.timeout.or_else(|| self.hook.timeout())
    }
}
