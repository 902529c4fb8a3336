//! The methods of OpenClaw's protocol that this gateway answers, and what each needs.
//!
//! A method is one row here and one arm in the gateway's `openclaw/methods`: a row without an arm
//! does not compile. `connect` is none of them: it can only be the first frame.

use std::fmt;
use std::str::FromStr;

use openclaw_core::access::devices::Right;

/// A text that names no method of the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown method: {0}")]
pub struct UnknownMethod(pub String);

macro_rules! methods {
    ($($variant:ident = $name:literal, $right:ident;)*) => {
        /// A method of OpenClaw's protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum OpenclawMethod {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )*
        }

        impl OpenclawMethod {
            /// Every method, in the order in which a client is told of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the method's name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns what a client has to be allowed to call it.
            pub const fn right(self) -> Right {
                match self {
                    $(Self::$variant => Right::$right,)*
                }
            }
        }

        impl FromStr for OpenclawMethod {
            type Err = UnknownMethod;

            fn from_str(text: &str) -> Result<Self, UnknownMethod> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownMethod(text.to_owned())),
                }
            }
        }
    };
}

methods! {
    Health = "health", Read;
    Status = "status", Read;
    LogsTail = "logs.tail", Read;
    ChannelsStatus = "channels.status", Read;
    UsageStatus = "usage.status", Read;
    UsageCost = "usage.cost", Read;
    ConfigGet = "config.get", Read;
    ExecApprovalList = "exec.approval.list", Approvals;
    ExecApprovalGet = "exec.approval.get", Approvals;
    ExecApprovalResolve = "exec.approval.resolve", Approvals;
    PluginApprovalList = "plugin.approval.list", Approvals;
    PluginApprovalResolve = "plugin.approval.resolve", Approvals;
    QuestionList = "question.list", Questions;
    TaskSuggestionsList = "taskSuggestions.list", Read;
    CommandsList = "commands.list", Read;
    ModelsList = "models.list", Read;
    ToolsCatalog = "tools.catalog", Read;
    ToolsEffective = "tools.effective", Read;
    SkillsStatus = "skills.status", Read;
    AgentsList = "agents.list", Read;
    AgentIdentityGet = "agent.identity.get", Read;
    NodeList = "node.list", Read;
    CronList = "cron.list", Read;
    LastHeartbeat = "last-heartbeat", Read;
    SystemPresence = "system-presence", Read;
    DevicePairList = "device.pair.list", Pairing;
    DevicePairApprove = "device.pair.approve", Pairing;
    DevicePairReject = "device.pair.reject", Pairing;
    DevicePairRemove = "device.pair.remove", Pairing;
    DeviceTokenRotate = "device.token.rotate", Pairing;
    DeviceTokenRevoke = "device.token.revoke", Pairing;
    SessionsList = "sessions.list", Read;
    SessionsCreate = "sessions.create", Write;
    SessionsPreview = "sessions.preview", Read;
    SessionsDescribe = "sessions.describe", Read;
    SessionsResolve = "sessions.resolve", Read;
    SessionsAbort = "sessions.abort", Write;
    SessionsDelete = "sessions.delete", Admin;
    SessionsCompact = "sessions.compact", Admin;
    SessionsPatch = "sessions.patch", Write;
    SessionsReset = "sessions.reset", Admin;
    SessionsSubscribe = "sessions.subscribe", Read;
    SessionsUnsubscribe = "sessions.unsubscribe", Read;
    SessionsMessagesSubscribe = "sessions.messages.subscribe", Read;
    SessionsMessagesUnsubscribe = "sessions.messages.unsubscribe", Read;
    ChatHistory = "chat.history", Read;
    ChatSend = "chat.send", Write;
    ChatAbort = "chat.abort", Write;
    Agent = "agent", Write;
    AgentWait = "agent.wait", Write;
}

impl fmt::Display for OpenclawMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_method_has_one_name() {
        let mut names = HashSet::new();
        for method in OpenclawMethod::ALL {
            assert!(names.insert(method.as_str()), "{method}");
            assert_eq!(method.as_str().parse(), Ok(*method));
        }
        let err = "nosuch.method".parse::<OpenclawMethod>().unwrap_err();
        assert_eq!(err.to_string(), "unknown method: nosuch.method");
    }
}
