//! The table itself. A method is one entry here and one handler in the gateway.

use serde_json::value::RawValue;

use super::agent::{AgentListOutput, AgentStatusOutput, AgentStatusParams};
use super::approvals::{
    ApprovalsFilesOutput, ApprovalsFilesParams, ApprovalsGrantsOutput, ApprovalsListOutput,
    ApprovalsListParams, ApprovalsResolveOutput, ApprovalsResolveParams, ApprovalsVouchOutput,
    ApprovalsVouchParams, ApprovalsWithdrawOutput, ApprovalsWithdrawParams,
};
use super::audit::{AuditListOutput, AuditListParams, AuditVerifyOutput};
use super::config::{
    ConfigChangeOutput, ConfigGetOutput, ConfigGetParams, ConfigPatchParams, ConfigSchemaOutput,
    ConfigSetParams, ConfigUnsetParams, ConfigValidateOutput,
};
use super::context::{
    ContextShowOutput, ContextShowParams, SessionCompactOutput, SessionCompactParams,
    SessionRestoreOutput, SessionRestoreParams,
};
use super::credentials::CredentialsListOutput;
use super::devices::{
    DeviceRow, DevicesApproveParams, DevicesListOutput, DevicesRejectParams, DevicesRevokeOutput,
    DevicesRevokeParams, PairingRow,
};
use super::discover::RpcDiscoverOutput;
use super::dispatch::{Handle, Handlers, call, unknown};
use super::doctor::{DoctorRunOutput, DoctorRunParams};
use super::events::{
    EventsListOutput, EventsListParams, EventsSubscribeOutput, EventsSubscribeParams,
};
use super::extensions::{ChannelsListOutput, PluginsListOutput};
use super::health::HealthGetOutput;
use super::logs::{LogsTailOutput, LogsTailParams};
use super::models::ModelsStatusOutput;
use super::policy::{PolicyExplainOutput, PolicyExplainParams};
use super::session::{
    SessionCancelOutput, SessionCancelParams, SessionCreateOutput, SessionCreateParams,
    SessionEndOutput, SessionEndParams, SessionHistoryOutput, SessionHistoryParams,
    SessionListOutput, SessionListParams, SessionMessageOutput, SessionMessageParams,
};
use super::skills::{SkillsListOutput, SkillsListParams};
use super::tokens::{
    LoginCreateOutput, TokensCreateOutput, TokensCreateParams, TokensListOutput,
    TokensRevokeOutput, TokensRevokeParams,
};
use super::tools::{ToolsExecuteOutput, ToolsExecuteParams, ToolsListOutput};
use super::usage::{
    UsageGetOutput, UsageGetParams, UsageRaiseOutput, UsageRaiseParams, UsageStatusOutput,
    UsageStatusParams,
};
use super::{Example, Method, MethodInfo, NoParams, Scope};
use crate::jsonrpc::{Params, RpcError};

/// Makes of each entry a marker type, a row of [`METHODS`] and an arm of [`dispatch`].
macro_rules! methods {
    ($(
        $marker:ident = $name:literal, $scope:ident, $params:ty => $output:ty {
            doc: $doc:literal,
            example: $example_params:literal => $example_output:literal,
        }
    )*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $doc)]
            #[derive(Clone, Copy, Debug)]
            pub struct $marker;

            impl Method for $marker {
                const NAME: &'static str = $name;
                const SCOPE: Scope = Scope::$scope;
                const DOC: &'static str = $doc;
                const EXAMPLE: Example =
                    Example { params: $example_params, output: $example_output };
                type Params = $params;
                type Output = $output;
            }
        )*

        /// Every method, in the order of the reference page.
        pub const METHODS: &[MethodInfo] = &[$(MethodInfo::of::<$marker>()),*];

        /// Calls a method by its name and returns its output as JSON text.
        ///
        /// The caller's right to the method is checked first, then the params are read, then the
        /// handler runs. It is as cancel-safe as that handler.
        pub async fn dispatch<H>(
            handlers: &H,
            cx: &<H as Handlers>::Cx,
            method: &str,
            params: Params,
        ) -> Result<Box<RawValue>, RpcError>
        where
            H: Handlers $(+ Handle<$marker>)*,
        {
            match method {
                // Boxed, so that a call is as large as its own handler and not as the largest one.
                $($name => Box::pin(call::<$marker, H>(handlers, cx, params)).await,)*
                _ => Err(unknown(handlers, cx, method)),
            }
        }
    };
}

methods! {
    SessionCreate = "session.create", Write, SessionCreateParams => SessionCreateOutput {
        doc: "Opens a session with an agent and returns its key.

With a `peerId`, the key follows from agent, channel and peer, and a session that exists already is returned as it is.
Without one, every call opens a new session.",
        example: r#"{"agentId": "main"}"#
            => r#"{"sessionKey": "agent:main:explicit:0198c5a2-7f3e-4b7a-9d0e-3c1f5a6b7c8d"}"#,
    }
    SessionMessage = "session.message", Write, SessionMessageParams => SessionMessageOutput {
        doc: "Says something to the agent and answers when its turn has ended.

One run at a time works in a session; a message that comes meanwhile waits for its turn.
What happens during the turn is told by the notifications.",
        example: r#"{"sessionKey": "agent:main:main", "content": "list the files here"}"#
            => r#"{"runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "content": "There are two files: a.txt and b.txt.", "model": "scripted-1", "provider": "scripted", "usage": {"input": 42, "output": 17, "cacheRead": 0, "cacheWrite": 0, "reasoning": 0}, "steps": 2, "stopReason": "endturn"}"#,
    }
    SessionHistory = "session.history", Read, SessionHistoryParams => SessionHistoryOutput {
        doc: "Reads the event log of a session, oldest event first, a page at a time.

To follow a session after a lost connection, pass the `seq` of the last event that was seen as the cursor.",
        example: r#"{"sessionKey": "agent:main:main", "cursor": 1, "limit": 1}"#
            => r#"{"events": [{"sessionKey": "agent:main:main", "seq": 2, "position": 2, "time": "2026-11-22T23:15:04.207Z", "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "kind": "MessageReceived", "data": {"content": "list the files here", "attachments": []}, "hash": "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}], "nextCursor": 2}"#,
    }
    SessionEnd = "session.end", Write, SessionEndParams => SessionEndOutput {
        doc: "Ends a session and records why.

A run that is under way is cancelled first.",
        example: r#"{"sessionKey": "agent:main:main", "reason": "done for today"}"#
            => r#"{"ended": true, "seq": 9}"#,
    }
    SessionList = "session.list", Read, SessionListParams => SessionListOutput {
        doc: "Lists the sessions, the one with the latest event first, a page at a time.",
        example: r#"{"limit": 1}"#
            => r#"{"sessions": [{"sessionKey": "agent:main:main", "agentId": "main", "events": 9, "startedAt": "2026-11-22T23:15:04.207Z", "updatedAt": "2026-11-22T23:16:31.988Z", "ended": true}], "nextCursor": null}"#,
    }
    SessionCancel = "session.cancel", Write, SessionCancelParams => SessionCancelOutput {
        doc: "Stops the run that is under way in a session.

The call of `session.message` that set it off, and those that wait behind it, are answered with an error of the kind `cancelled`.",
        example: r#"{"sessionKey": "agent:main:main"}"# => r#"{"cancelled": true}"#,
    }
    SessionCompact = "session.compact", Write, SessionCompactParams => SessionCompactOutput {
        doc: "Has the earlier part of a session summed up, so that the model sees the summary in its place.

The log keeps everything, and `session.restore` undoes it.
With `preview`, it says what would leave the model's view and changes nothing.
A session with a run under way is an error of the kind `busy`.",
        example: r#"{"sessionKey": "agent:main:main"}"#
            => r###"{"seq": 212, "firstKept": 180, "leaving": [{"seq": 2, "tokens": 14, "text": "[person] list the files here"}], "summaryBefore": null, "summary": "## Asked for\nThe files of the workspace; done.", "model": "anthropic/claude-opus-4-6", "tokensBefore": 151020, "tokensAfter": 24100, "costUsd": 0.21}"###,
    }
    SessionRestore = "session.restore", Write, SessionRestoreParams => SessionRestoreOutput {
        doc: "Undoes a compaction: the model sees again what the summary stood for.

A session with a run under way is an error of the kind `busy`.",
        example: r#"{"sessionKey": "agent:main:main"}"# => r#"{"undone": [212]}"#,
    }
    ContextShow = "context.show", Read, ContextShowParams => ContextShowOutput {
        doc: "Shows what fills the model's window in a session: every part of the next request with its tokens, and what was compacted when.",
        example: r#"{"sessionKey": "agent:main:main"}"#
            => r#"{"sessionKey": "agent:main:main", "model": "anthropic/claude-opus-4-6", "window": 200000, "limit": 180000, "estimated": 24100, "percent": 13, "reported": 17020, "parts": [{"kind": "system", "name": "identity", "count": 1, "tokens": 22}, {"kind": "messages", "name": null, "count": 9, "tokens": 1204}], "compactions": [{"seq": 212, "time": "2026-11-23T18:15:04.207Z", "firstKept": 180, "tokensBefore": 151020, "tokensAfter": 24100, "trigger": "threshold", "model": "anthropic/claude-opus-4-6", "failure": null, "undone": false}]}"#,
    }
    AgentList = "agent.list", Read, NoParams => AgentListOutput {
        doc: "Lists the configured agents.",
        example: r"{}"
            => r#"{"agents": [{"agentId": "main", "model": "scripted-1", "provider": "scripted", "default": true}]}"#,
    }
    AgentStatus = "agent.status", Read, AgentStatusParams => AgentStatusOutput {
        doc: "Says what an agent is and what it does now.",
        example: r#"{"agentId": "main"}"#
            => r#"{"agent": {"agentId": "main", "model": "scripted-1", "provider": "scripted", "default": true}, "state": "running", "runs": [{"runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "sessionKey": "agent:main:main"}], "tools": ["exec", "ls"]}"#,
    }
    ToolsList = "tools.list", Read, NoParams => ToolsListOutput {
        doc: "Lists the registered tools with the schemas of their arguments.",
        example: r"{}"
            => r#"{"tools": [{"name": "exec", "description": "Runs a shell command in the sandbox.", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}, "aliases": ["bash"]}]}"#,
    }
    ToolsExecute = "tools.execute", Write, ToolsExecuteParams => ToolsExecuteOutput {
        doc: "Runs a tool without a model, through the same policy, sandbox and event log as a model's call.

A tool that fails is an output with `success: false`; an unknown tool or arguments that do not fit it are errors.",
        example: r#"{"tool": "exec", "params": {"command": "echo hello"}}"#
            => r#"{"success": true, "result": "hello\n", "sessionKey": "agent:main:explicit:0198c5a2-7f3e-4b7a-9d0e-3c1f5a6b7c8d", "callId": "call-1", "durationMs": 12}"#,
    }
    ApprovalsList = "approvals.list", Read, ApprovalsListParams => ApprovalsListOutput {
        doc: "Lists the tool calls that wait for somebody's consent, the oldest first.

Each shows exactly what would run, and why it is asked for.
With `all`, the newest hundred that wait no more are listed, too, with who decided and when.",
        example: r"{}"
            => r#"{"approvals": [{"id": "0198c5a2-8b20-7d55-a1c2-1d2e3f4a5b6c", "session": "agent:main:main", "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "callId": "call-1", "shape": {"agent": "main", "tool": "exec", "arguments": {"command": "make install"}, "argv": ["/bin/sh", "-c", "make install"], "cwd": "/home/you/.openclaw/workspace", "env": ["HOME", "LANG", "PATH", "TERM"], "policy": ["sandbox: strict", "network: none"]}, "reasons": ["a web page (docs.example) came into view since your last message"], "asked": "2026-11-22T23:15:04.207Z", "expires": "2026-11-22T23:45:04.207Z"}]}"#,
    }
    ApprovalsResolve = "approvals.resolve", Approvals, ApprovalsResolveParams => ApprovalsResolveOutput {
        doc: "Decides whether a tool call may run, and puts that on record.

`allow-once` is about this call, `allow-always` also about every later one of exactly the same shape, `deny` refuses it.
Of several decisions the first one counts; a request that was decided, has expired or belongs to a run that is over is an error of the kind `conflict`.",
        example: r#"{"id": "0198c5a2-8b20-7d55-a1c2-1d2e3f4a5b6c", "decision": "allow-once"}"#
            => r#"{"id": "0198c5a2-8b20-7d55-a1c2-1d2e3f4a5b6c", "decision": "allow-once", "allowed": true, "shape": {"agent": "main", "tool": "exec", "arguments": {"command": "make install"}, "argv": ["/bin/sh", "-c", "make install"], "cwd": "/home/you/.openclaw/workspace", "env": ["HOME", "LANG", "PATH", "TERM"], "policy": ["sandbox: strict", "network: none"]}}"#,
    }
    ApprovalsGrants = "approvals.grants", Read, NoParams => ApprovalsGrantsOutput {
        doc: "Lists the calls that run without being asked for, as somebody allowed them for good.",
        example: r"{}"
            => r#"{"grants": [{"digest": "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3", "shape": {"agent": "main", "tool": "exec", "arguments": {"command": "make install"}, "argv": ["/bin/sh", "-c", "make install"], "cwd": "/home/you/.openclaw/workspace", "env": ["HOME", "LANG", "PATH", "TERM"], "policy": ["sandbox: strict", "network: none"]}, "by": "local-owner", "since": "2026-11-22T23:15:04.207Z"}]}"#,
    }
    ApprovalsWithdraw = "approvals.withdraw", Approvals, ApprovalsWithdrawParams => ApprovalsWithdrawOutput {
        doc: "Takes back what was allowed for good: calls of that shape are asked for again.",
        example: r#"{"digest": "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}"#
            => r#"{"withdrawn": true}"#,
    }
    ApprovalsFiles = "approvals.files", Read, ApprovalsFilesParams => ApprovalsFilesOutput {
        doc: "Lists the files of a workspace that were written while something untrusted was in view.

What is read from one of them counts as untrusted, too.",
        example: r"{}"
            => r#"{"workspace": "/home/you/.openclaw/workspace", "files": [{"path": "notes.md", "sources": ["a web page (docs.example)"]}]}"#,
    }
    ApprovalsVouch = "approvals.vouch", Approvals, ApprovalsVouchParams => ApprovalsVouchOutput {
        doc: "Says that a file is as good as the principal's own: whoever read it vouches for it.",
        example: r#"{"path": "notes.md"}"# => r#"{"cleared": 1}"#,
    }
    PolicyExplain = "policy.explain", Read, PolicyExplainParams => PolicyExplainOutput {
        doc: "Says whether a call may run, which setting decided that, and what every other one said about it.

Nothing is run, and nobody is asked.",
        example: r#"{"tool": "exec", "channel": "telegram", "sender": "4711"}"#
            => r#"{"agentId": "main", "tool": "exec", "sender": {"channel": "telegram", "peer": "4711", "standing": "guest"}, "sessionKey": "agent:main:telegram:direct:4711", "model": "anthropic/claude-sonnet-5", "sandbox": "strict", "decision": "deny", "rule": "tools.toolsBySender.*.deny", "file": "/home/you/.openclaw/openclaw.json:12", "reason": "denies it by `group:runtime`", "layers": [{"rule": "tools.toolsBySender.*.deny", "file": "/home/you/.openclaw/openclaw.json:12", "says": "deny", "reason": "denies it by `group:runtime`"}, {"rule": "default for guests", "file": null, "says": "deny", "reason": "a guest has the tools that a rule gives, and none gives this one"}]}"#,
    }
    ModelsStatus = "models.status", Read, NoParams => ModelsStatusOutput {
        doc: "Names the models and keys whose last call failed, and until when each is left alone.",
        example: r"{}"
            => r#"{"failing": [{"provider": "anthropic", "model": "claude-opus-4-6", "credential": "ANTHROPIC_API_KEY", "why": "too many requests were made", "failures": 1, "until": "2026-11-22T23:15:34.207Z"}]}"#,
    }
    ConfigGet = "config.get", Read, ConfigGetParams => ConfigGetOutput {
        doc: "Shows the config as its files are now, and where each value stands.

No secret is in it: in the place of one stands `__OPENCLAW_REDACTED__`.
A path that is not set is an error of the kind `notfound`.",
        example: r#"{"path": "gateway.port"}"#
            => r#"{"file": "/home/you/.openclaw/openclaw.json", "includes": [], "exists": true, "hash": "keyed-sha256:9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3", "value": 19001, "written": 19001, "places": {"gateway.port": {"file": "/home/you/.openclaw/openclaw.json", "line": 3, "column": 5}}, "raw": null, "issues": [], "warnings": []}"#,
    }
    ConfigSchema = "config.schema", Read, NoParams => ConfigSchemaOutput {
        doc: "Returns the JSON Schema of the config.",
        example: r"{}" => r#"{"schema": {"type": "object", "properties": {"gateway": {"type": "object"}}}}"#,
    }
    ConfigValidate = "config.validate", Read, NoParams => ConfigValidateOutput {
        doc: "Says whether the config is valid as its files are now, and everything that is wrong with it.",
        example: r"{}"
            => r#"{"valid": false, "file": "/home/you/.openclaw/openclaw.json", "issues": [{"path": "gateway.port", "message": "Invalid input: expected number, received string", "file": "/home/you/.openclaw/openclaw.json", "line": 3, "column": 5}], "warnings": [], "notFollowed": []}"#,
    }
    ConfigSet = "config.set", Admin, ConfigSetParams => ConfigChangeOutput {
        doc: "Sets a value in the config file as `openclaw config set` does, and puts that on record.

Comments and the order of the file stay, and a copy of the file as it was is kept.
A value that would make the config invalid is an error of the kind `config`, and nothing is changed.
With `baseHash`, a config that somebody has changed since `config.get` is an error of the kind `conflict`.
The gateway takes the change up by itself, but for what `waiting` names.",
        example: r#"{"path": "gateway.port", "value": 19001, "how": "set"}"#
            => r#"{"changed": true, "paths": ["gateway.port"], "removed": [], "files": ["/home/you/.openclaw/openclaw.json"], "backups": ["/home/you/.openclaw/openclaw.json.bak"], "waiting": ["gateway.port"], "warnings": [], "hash": "keyed-sha256:9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}"#,
    }
    ConfigUnset = "config.unset", Admin, ConfigUnsetParams => ConfigChangeOutput {
        doc: "Removes a value from the config file, as `config.set` sets one; where there is none, it is an error of the kind `notfound`.",
        example: r#"{"path": "messages.responsePrefix"}"#
            => r#"{"changed": true, "paths": ["messages.responsePrefix"], "removed": [], "files": ["/home/you/.openclaw/openclaw.json"], "backups": ["/home/you/.openclaw/openclaw.json.bak"], "waiting": [], "warnings": [], "hash": "keyed-sha256:9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}"#,
    }
    ConfigPatch = "config.patch", Admin, ConfigPatchParams => ConfigChangeOutput {
        doc: "Makes many changes to the config file, all of them or none, as `config.set` makes one.",
        example: r#"{"patch": {"gateway": {"port": 19001}, "logging": null}}"#
            => r#"{"changed": true, "paths": ["gateway.port", "logging"], "removed": [], "files": ["/home/you/.openclaw/openclaw.json"], "backups": ["/home/you/.openclaw/openclaw.json.bak"], "waiting": ["gateway.port"], "warnings": [], "hash": "keyed-sha256:9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}"#,
    }
    ChannelsList = "channels.list", Read, NoParams => ChannelsListOutput {
        doc: "Lists the channels that the config names, and whether each is connected.

This version connects to no messengers, so none is.",
        example: r"{}"
            => r#"{"channels": [{"channel": "telegram", "enabled": true, "accounts": [], "running": false, "why": "this version connects to no messengers"}]}"#,
    }
    PluginsList = "plugins.list", Read, NoParams => PluginsListOutput {
        doc: "Lists the plugins that are installed in the home, and those that the config has settings for.

This version runs no plugins.",
        example: r"{}"
            => r#"{"plugins": [{"pluginId": "voice-call", "name": "Voice Call", "version": "2026.9.6", "description": null, "folder": "/home/you/.openclaw/extensions/voice-call", "channels": [], "enabled": true, "running": false, "why": "this version runs no plugins"}]}"#,
    }
    SkillsList = "skills.list", Read, SkillsListParams => SkillsListOutput {
        doc: "Lists the skills of an agent, with what each needs and what of that is missing.

A skill is for the agent when it is `eligible` and not `blockedByAgentFilter`.",
        example: r#"{"agentId": "main"}"#
            => r#"{"agentId": "main", "workspaceDir": "/home/you/.openclaw/workspace", "managedSkillsDir": "/home/you/.openclaw/skills", "skills": [{"name": "greet", "description": "Greets somebody.", "source": "openclaw-workspace", "bundled": false, "filePath": "/home/you/.openclaw/workspace/skills/greet/SKILL.md", "baseDir": "/home/you/.openclaw/workspace/skills/greet", "skillKey": "greet", "always": false, "disabled": false, "blockedByAllowlist": false, "blockedByAgentFilter": false, "eligible": true, "platformIncompatible": false, "modelVisible": true, "userInvocable": true, "commandVisible": true, "requirements": {"bins": [], "anyBins": [], "env": [], "config": [], "os": []}, "missing": {"bins": [], "anyBins": [], "env": [], "config": [], "os": []}, "configChecks": [], "install": []}], "broken": []}"#,
    }
    UsageGet = "usage.get", Read, UsageGetParams => UsageGetOutput {
        doc: "Sums up what the calls of models took, failed ones too.

Days are those of the time zone in the output.
The calls of deleted sessions count, and so do those that were imported.",
        example: r#"{"by": "model", "days": 7}"#
            => r#"{"by": "model", "timeZone": "Europe/Berlin", "since": "2026-11-17", "until": null, "rows": [{"name": "anthropic/claude-sonnet-5", "calls": 12, "failed": 1, "unpriced": 0, "tokens": {"input": 5200, "output": 1800, "cacheRead": 48000, "cacheWrite": 6100, "reasoning": 400}, "costUsd": 0.079875, "latencyMs": {"p50": 2300, "p95": 7500}, "firstTokenMs": {"p50": 620, "p95": 1450}}], "total": {"name": "", "calls": 12, "failed": 1, "unpriced": 0, "tokens": {"input": 5200, "output": 1800, "cacheRead": 48000, "cacheWrite": 6100, "reasoning": 400}, "costUsd": 0.079875, "latencyMs": {"p50": 2300, "p95": 7500}, "firstTokenMs": {"p50": 620, "p95": 1450}}}"#,
    }
    UsageStatus = "usage.status", Read, UsageStatusParams => UsageStatusOutput {
        doc: "Shows the caps on what models may cost, and how much of each is used.",
        example: r"{}"
            => r#"{"timeZone": "Europe/Berlin", "today": {"name": "2026-11-23", "calls": 12, "failed": 1, "unpriced": 0, "tokens": {"input": 5200, "output": 1800, "cacheRead": 48000, "cacheWrite": 6100, "reasoning": 400}, "costUsd": 0.079875, "latencyMs": {"p50": 2300, "p95": 7500}, "firstTokenMs": {"p50": 620, "p95": 1450}}, "caps": [{"cap": "day", "configured": true, "raised": false, "limitUsd": 5.0, "limitTokens": null, "spent": {"usd": 0.079875, "tokens": 61100}, "reserved": {"usd": 0.0, "tokens": 0}}]}"#,
    }
    UsageRaise = "usage.raise", Approvals, UsageRaiseParams => UsageRaiseOutput {
        doc: "Raises a cap for the current period and puts that on record.

A cap of a day is raised until the day ends, and so is that of a run, for all runs of the day; the cap of a session stays raised.",
        example: r#"{"cap": "day", "usd": 10.0}"#
            => r#"{"cap": {"cap": "day", "configured": true, "raised": true, "limitUsd": 10.0, "limitTokens": null, "spent": {"usd": 4.998, "tokens": 912000}, "reserved": {"usd": 0.0, "tokens": 0}}, "until": "2026-11-23T23:00:00.000Z"}"#,
    }
    CredentialsList = "credentials.list", Admin, NoParams => CredentialsListOutput {
        doc: "Lists what the credential store has, by name, kind and age; no secret is in it, and none can be read by any method.",
        example: r"{}"
            => r#"{"path": "/home/you/.openclaw/credentials", "exists": true, "records": [{"name": "anthropic", "kind": "key", "updated": "2026-11-22T23:15:04.207Z", "state": "ok"}]}"#,
    }
    AuditList = "audit.list", Admin, AuditListParams => AuditListOutput {
        doc: "Lists the entries of the audit stream, the latest first: what was decided, attempted and given away.",
        example: r#"{"kind": "auth", "limit": 1}"#
            => r#"{"entries": [{"seq": 41, "position": 3012, "time": "2026-11-22T23:15:04.207Z", "kind": "auth.denied", "value": {"reason": "wrong bearer token", "transport": "rpc", "peer": "192.0.2.7", "count": 9}, "hash": "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3", "what": "wrong bearer token by rpc from 192.0.2.7, 9 times"}], "nextBefore": 41}"#,
    }
    AuditVerify = "audit.verify", Admin, NoParams => AuditVerifyOutput {
        doc: "Checks every event of the log against its hash and its anchor, and says where the first one is that was changed.

It reads the whole log, which takes its time.",
        example: r"{}"
            => r#"{"path": "/home/you/.openclaw/openclaw-rs/events.sqlite", "intact": false, "events": 3012, "sessions": 7, "position": 3012, "unanchored": 0, "renewed": 0, "first": {"position": 7, "session": "agent:main:main", "seq": 3, "what": "edited"}, "findings": [{"position": 7, "session": "agent:main:main", "seq": 3, "what": "edited"}], "hint": "keep a copy of the state directory, find out who can write to it, and put a backup back with `openclaw backup restore FILE`"}"#,
    }
    DoctorRun = "doctor.run", Admin, DoctorRunParams => DoctorRunOutput {
        doc: "Examines the home as `openclaw doctor` does: what is wrong, why, and the command that repairs it.

Nothing is changed.",
        example: r"{}"
            => r#"{"schemaVersion": 1, "ok": false, "checksRun": 20, "checksSkipped": 1, "findings": [{"checkId": "config.permissions", "severity": "warning", "message": "others can read `/home/you/.openclaw/openclaw.json`", "why": "there may be secrets in it", "path": "/home/you/.openclaw/openclaw.json", "fixHint": "chmod 600 /home/you/.openclaw/openclaw.json"}], "caps": []}"#,
    }
    HealthGet = "health.get", Read, NoParams => HealthGetOutput {
        doc: "Says whether the gateway can do its work, what stands in the way, and what it is doing.

`GET /ready` says the same to whoever watches over the process.",
        example: r"{}"
            => r#"{"ready": false, "causes": [{"code": "model", "message": "the agent main has no model"}], "gateway": {"version": "0.2.0", "pid": 4711, "startedAt": "2026-11-22T23:15:04.207Z", "uptimeMs": 86400000, "agents": ["main"], "sessions": 7, "activeSessions": [], "tools": ["exec", "ls"]}}"#,
    }
    LogsTail = "logs.tail", Read, LogsTailParams => LogsTailOutput {
        doc: "Reads the gateway's log a page at a time: the last lines, or what was written after a cursor.

Secrets were taken out before the lines were written, and those that became known since then are taken out of the answer.",
        example: r#"{"limit": 1, "level": "warn"}"#
            => r#"{"lines": [{"time": "2026-11-22T23:15:04.207Z", "level": "warn", "module": "openclaw_gateway::reload", "message": "this change waits for the next start of the gateway", "fields": {"setting": "gateway.port"}}], "nextCursor": "801.2f4c1.1c0a.9a3779cfc5b1e6d4", "more": true, "reset": false}"#,
    }
    TokensCreate = "tokens.create", Admin, TokensCreateParams => TokensCreateOutput {
        doc: "Issues a pair of tokens that may do what the scopes say, and nothing else.

The access token is shown as a bearer token and is good for an hour.
The refresh token is exchanged for the next pair at `POST /auth/token`, once; shown again, it ends the grant.
Neither can be read again.",
        example: r#"{"name": "phone", "scopes": ["operator.read"]}"#
            => r#"{"tokenId": "t-5f0c1a9e", "scopes": ["operator.read"], "accessToken": "oc_at_…", "accessExpiresAt": "2026-11-23T00:15:04.207Z", "refreshToken": "oc_rt_…", "refreshExpiresAt": "2026-12-22T23:15:04.207Z"}"#,
    }
    TokensList = "tokens.list", Admin, NoParams => TokensListOutput {
        doc: "Lists who was given tokens, the newest first; no token is in it.",
        example: r"{}"
            => r#"{"tokens": [{"tokenId": "t-5f0c1a9e", "name": "phone", "grantee": "client", "scopes": ["operator.read"], "createdAt": "2026-11-22T23:15:04.207Z", "expiresAt": "2026-12-22T23:15:04.207Z", "lastUsedAt": null}]}"#,
    }
    TokensRevoke = "tokens.revoke", Admin, TokensRevokeParams => TokensRevokeOutput {
        doc: "Ends a grant: its tokens open nothing any more, and its connections are closed.",
        example: r#"{"tokenId": "t-5f0c1a9e"}"# => r#"{"revoked": true}"#,
    }
    DevicesList = "devices.list", Admin, NoParams => DevicesListOutput {
        doc: "Lists the devices that were let in, and those that wait for it, the newest first.

A device is a program that speaks OpenClaw's own protocol and keeps a key of its own.",
        example: r"{}"
            => r#"{"pending": [{"requestId": "5e91da93-9c95-46ac-b73c-3550d2446b71", "deviceId": "48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e", "client": "openclaw-tui", "platform": "linux", "name": null, "scopes": ["operator.read"], "from": "192.0.2.7", "wantsMore": false, "at": "2026-11-22T23:15:04.207Z"}], "paired": []}"#,
    }
    DevicesApprove = "devices.approve", Admin, DevicesApproveParams => DeviceRow {
        doc: "Lets a device in that waits for it.

Nobody can give a device more than they may do themselves.",
        example: r#"{"requestId": "5e91da93-9c95-46ac-b73c-3550d2446b71"}"#
            => r#"{"deviceId": "48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e", "client": "openclaw-tui", "platform": "linux", "name": null, "scopes": ["operator.read"], "approvedBy": "local-owner", "approvedAt": "2026-11-22T23:16:04.207Z", "hasToken": false}"#,
    }
    DevicesReject = "devices.reject", Admin, DevicesRejectParams => PairingRow {
        doc: "Turns a device away that waits to be let in.",
        example: r#"{"requestId": "5e91da93-9c95-46ac-b73c-3550d2446b71"}"#
            => r#"{"requestId": "5e91da93-9c95-46ac-b73c-3550d2446b71", "deviceId": "48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e", "client": "openclaw-tui", "platform": "linux", "name": null, "scopes": ["operator.read"], "from": "192.0.2.7", "wantsMore": false, "at": "2026-11-22T23:15:04.207Z"}"#,
    }
    DevicesRevoke = "devices.revoke", Admin, DevicesRevokeParams => DevicesRevokeOutput {
        doc: "Takes a device out: its token opens nothing any more, and its connections are closed.",
        example: r#"{"deviceId": "48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e"}"#
            => r#"{"revoked": true}"#,
    }
    LoginCreate = "login.create", Admin, NoParams => LoginCreateOutput {
        doc: "Makes a code by which one browser can log in, once, within ten minutes.

It belongs into the fragment of the address, `/login#t=CODE`, which browsers send to nobody.",
        example: r"{}" => r#"{"code": "oc_lc_…", "expiresAt": "2026-11-22T23:25:04.207Z"}"#,
    }
    EventsSubscribe = "events.subscribe", Read, EventsSubscribeParams => EventsSubscribeOutput {
        doc: "Says what this socket follows: the log from a place on, of all sessions or of some.

A socket follows everything from when it was opened until it says otherwise.
What comes after the answer is what follows the answer's cursor: each event once, in the order of the log, and then what is recorded from then on; pieces of what is going on come once the log has been caught up with.
What came before the answer belongs to what was followed before.
After a lost connection, pass the cursor of the last `session.event` that was seen.
A cursor that cannot be followed is an error with a `reason`: `cursor.foreign` (of another log, or of a state of it that is gone), `cursor.future` (the log does not go that far) or `cursor.deleted` (some of what followed was deleted); the hint says how to go on.
It is for the WebSocket; over `POST /rpc`, `events.list` reads the same.",
        example: r#"{"cursor": "42.9c1185a5c5e9fc54", "sessions": ["agent:main:main"]}"#
            => r#"{"cursor": "42.9c1185a5c5e9fc54", "behind": 3}"#,
    }
    EventsList = "events.list", Read, EventsListParams => EventsListOutput {
        doc: "Reads the log of all sessions in its order, a page at a time.

Sessions that were deleted are not in it.
The `nextCursor` of the last page is where `events.subscribe`, or the next call, goes on.",
        example: r#"{"cursor": "1.5d41402abc4b2a76", "limit": 1}"#
            => r#"{"events": [{"sessionKey": "agent:main:main", "seq": 2, "position": 2, "time": "2026-11-22T23:15:04.207Z", "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "kind": "MessageReceived", "data": {"content": "list the files here", "attachments": []}, "hash": "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}], "nextCursor": "2.9c1185a5c5e9fc54", "more": true}"#,
    }
    RpcDiscover = "rpc.discover", Read, NoParams => RpcDiscoverOutput {
        doc: "Describes every method, type and error of this gateway, as a document of [OpenRPC 1.3](https://spec.open-rpc.org).

`x-scope` of a method is the scope that it needs, and `x-notifications` are those of the WebSocket.",
        example: r"{}"
            => r##"{"openrpc": "1.3.2", "info": {"title": "openclaw-rs", "version": "0.2.0"}, "methods": [{"name": "rpc.discover", "params": [], "result": {"name": "output", "schema": {"$ref": "#/components/schemas/RpcDiscoverOutput"}}}], "components": {"schemas": {}}, "x-notifications": []}"##,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_of_the_form_resource_verb() {
        let names: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len());
        for name in names {
            let (resource, verb) = name.split_once('.').unwrap();
            let word =
                |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
            assert!(word(resource) && word(verb), "{name}");
        }
    }

    #[test]
    fn a_method_that_only_looks_needs_the_scope_to_look() {
        for method in METHODS {
            // Who may use the gateway is for those to know who decide it.
            let of_access = [
                "tokens.",
                "devices.",
                "login.",
                "credentials.",
                "audit.",
                "doctor.",
                "config.set",
                "config.unset",
                "config.patch",
            ]
            .iter()
            .any(|resource| method.name.starts_with(resource));
            let looks = [
                ".list",
                ".status",
                ".history",
                ".get",
                ".tail",
                ".schema",
                ".validate",
                ".show",
                ".grants",
                ".files",
                ".explain",
                ".subscribe",
                ".discover",
            ]
            .iter()
            .any(|verb| method.name.ends_with(verb));
            let needed = match (of_access, looks) {
                // To let somebody spend more is to approve of it.
                _ if method.name == "usage.raise" => Scope::Approvals,
                (_, false) if method.name.starts_with("approvals.") => Scope::Approvals,
                (true, _) => Scope::Admin,
                (false, true) => Scope::Read,
                (false, false) => Scope::Write,
            };
            assert_eq!(method.scope, needed, "{}", method.name);
        }
    }
}
