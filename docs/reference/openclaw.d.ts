// Written by `cargo xtask codegen` from the tables in openclaw-ipc. Change them there.

/** The methods, by name. */
export interface Methods {
  /** Opens a session with an agent and returns its key. */
  "session.create": { params: SessionCreateParams; output: SessionCreateOutput; scope: "operator.write" };
  /** Says something to the agent and answers when its turn has ended. */
  "session.message": { params: SessionMessageParams; output: SessionMessageOutput; scope: "operator.write" };
  /** Reads the event log of a session, oldest event first, a page at a time. */
  "session.history": { params: SessionHistoryParams; output: SessionHistoryOutput; scope: "operator.read" };
  /** Ends a session and records why. */
  "session.end": { params: SessionEndParams; output: SessionEndOutput; scope: "operator.write" };
  /** Lists the sessions, the one with the latest event first, a page at a time. */
  "session.list": { params: SessionListParams; output: SessionListOutput; scope: "operator.read" };
  /** Stops the run that is under way in a session. */
  "session.cancel": { params: SessionCancelParams; output: SessionCancelOutput; scope: "operator.write" };
  /** Has the earlier part of a session summed up, so that the model sees the summary in its place. */
  "session.compact": { params: SessionCompactParams; output: SessionCompactOutput; scope: "operator.write" };
  /** Undoes a compaction: the model sees again what the summary stood for. */
  "session.restore": { params: SessionRestoreParams; output: SessionRestoreOutput; scope: "operator.write" };
  /** Shows what fills the model's window in a session: every part of the next request with its tokens, and what was compacted when. */
  "context.show": { params: ContextShowParams; output: ContextShowOutput; scope: "operator.read" };
  /** Lists the configured agents. */
  "agent.list": { params: NoParams; output: AgentListOutput; scope: "operator.read" };
  /** Says what an agent is and what it does now. */
  "agent.status": { params: AgentStatusParams; output: AgentStatusOutput; scope: "operator.read" };
  /** Lists the registered tools with the schemas of their arguments. */
  "tools.list": { params: NoParams; output: ToolsListOutput; scope: "operator.read" };
  /** Runs a tool without a model, through the same policy, sandbox and event log as a model's call. */
  "tools.execute": { params: ToolsExecuteParams; output: ToolsExecuteOutput; scope: "operator.write" };
  /** Lists the tool calls that wait for somebody's consent, the oldest first. */
  "approvals.list": { params: ApprovalsListParams; output: ApprovalsListOutput; scope: "operator.read" };
  /** Decides whether a tool call may run, and puts that on record. */
  "approvals.resolve": { params: ApprovalsResolveParams; output: ApprovalsResolveOutput; scope: "operator.approvals" };
  /** Lists the calls that run without being asked for, as somebody allowed them for good. */
  "approvals.grants": { params: NoParams; output: ApprovalsGrantsOutput; scope: "operator.read" };
  /** Takes back what was allowed for good: calls of that shape are asked for again. */
  "approvals.withdraw": { params: ApprovalsWithdrawParams; output: ApprovalsWithdrawOutput; scope: "operator.approvals" };
  /** Lists the files of a workspace that were written while something untrusted was in view. */
  "approvals.files": { params: ApprovalsFilesParams; output: ApprovalsFilesOutput; scope: "operator.read" };
  /** Says that a file is as good as the principal's own: whoever read it vouches for it. */
  "approvals.vouch": { params: ApprovalsVouchParams; output: ApprovalsVouchOutput; scope: "operator.approvals" };
  /** Says whether a call may run, which setting decided that, and what every other one said about it. */
  "policy.explain": { params: PolicyExplainParams; output: PolicyExplainOutput; scope: "operator.read" };
  /** Names the models and keys whose last call failed, and until when each is left alone. */
  "models.status": { params: NoParams; output: ModelsStatusOutput; scope: "operator.read" };
  /** Shows the config as its files are now, and where each value stands. */
  "config.get": { params: ConfigGetParams; output: ConfigGetOutput; scope: "operator.read" };
  /** Returns the JSON Schema of the config. */
  "config.schema": { params: NoParams; output: ConfigSchemaOutput; scope: "operator.read" };
  /** Says whether the config is valid as its files are now, and everything that is wrong with it. */
  "config.validate": { params: NoParams; output: ConfigValidateOutput; scope: "operator.read" };
  /** Sets a value in the config file as `openclaw config set` does, and puts that on record. */
  "config.set": { params: ConfigSetParams; output: ConfigChangeOutput; scope: "operator.admin" };
  /** Removes a value from the config file, as `config.set` sets one; where there is none, it is an error of the kind `notfound`. */
  "config.unset": { params: ConfigUnsetParams; output: ConfigChangeOutput; scope: "operator.admin" };
  /** Makes many changes to the config file, all of them or none, as `config.set` makes one. */
  "config.patch": { params: ConfigPatchParams; output: ConfigChangeOutput; scope: "operator.admin" };
  /** Lists the channels that the config names, and whether each is connected. */
  "channels.list": { params: NoParams; output: ChannelsListOutput; scope: "operator.read" };
  /** Lists the plugins that are installed in the home, and those that the config has settings for. */
  "plugins.list": { params: NoParams; output: PluginsListOutput; scope: "operator.read" };
  /** Lists the skills of an agent, with what each needs and what of that is missing. */
  "skills.list": { params: SkillsListParams; output: SkillsListOutput; scope: "operator.read" };
  /** Sums up what the calls of models took, failed ones too. */
  "usage.get": { params: UsageGetParams; output: UsageGetOutput; scope: "operator.read" };
  /** Shows the caps on what models may cost, and how much of each is used. */
  "usage.status": { params: UsageStatusParams; output: UsageStatusOutput; scope: "operator.read" };
  /** Raises a cap for the current period and puts that on record. */
  "usage.raise": { params: UsageRaiseParams; output: UsageRaiseOutput; scope: "operator.approvals" };
  /** Lists what the credential store has, by name, kind and age; no secret is in it, and none can be read by any method. */
  "credentials.list": { params: NoParams; output: CredentialsListOutput; scope: "operator.admin" };
  /** Lists the entries of the audit stream, the latest first: what was decided, attempted and given away. */
  "audit.list": { params: AuditListParams; output: AuditListOutput; scope: "operator.admin" };
  /** Checks every event of the log against its hash and its anchor, and says where the first one is that was changed. */
  "audit.verify": { params: NoParams; output: AuditVerifyOutput; scope: "operator.admin" };
  /** Examines the home as `openclaw doctor` does: what is wrong, why, and the command that repairs it. */
  "doctor.run": { params: DoctorRunParams; output: DoctorRunOutput; scope: "operator.admin" };
  /** Says whether the gateway can do its work, what stands in the way, and what it is doing. */
  "health.get": { params: NoParams; output: HealthGetOutput; scope: "operator.read" };
  /** Reads the gateway's log a page at a time: the last lines, or what was written after a cursor. */
  "logs.tail": { params: LogsTailParams; output: LogsTailOutput; scope: "operator.read" };
  /** Issues a pair of tokens that may do what the scopes say, and nothing else. */
  "tokens.create": { params: TokensCreateParams; output: TokensCreateOutput; scope: "operator.admin" };
  /** Lists who was given tokens, the newest first; no token is in it. */
  "tokens.list": { params: NoParams; output: TokensListOutput; scope: "operator.admin" };
  /** Ends a grant: its tokens open nothing any more, and its connections are closed. */
  "tokens.revoke": { params: TokensRevokeParams; output: TokensRevokeOutput; scope: "operator.admin" };
  /** Lists the devices that were let in, and those that wait for it, the newest first. */
  "devices.list": { params: NoParams; output: DevicesListOutput; scope: "operator.admin" };
  /** Lets a device in that waits for it. */
  "devices.approve": { params: DevicesApproveParams; output: DeviceRow; scope: "operator.admin" };
  /** Turns a device away that waits to be let in. */
  "devices.reject": { params: DevicesRejectParams; output: PairingRow; scope: "operator.admin" };
  /** Takes a device out: its token opens nothing any more, and its connections are closed. */
  "devices.revoke": { params: DevicesRevokeParams; output: DevicesRevokeOutput; scope: "operator.admin" };
  /** Makes a code by which one browser can log in, once, within ten minutes. */
  "login.create": { params: NoParams; output: LoginCreateOutput; scope: "operator.admin" };
  /** Says what this socket follows: the log from a place on, of all sessions or of some. */
  "events.subscribe": { params: EventsSubscribeParams; output: EventsSubscribeOutput; scope: "operator.read" };
  /** Reads the log of all sessions in its order, a page at a time. */
  "events.list": { params: EventsListParams; output: EventsListOutput; scope: "operator.read" };
  /** Describes every method, type and error of this gateway, as a document of [OpenRPC 1.3](https://spec.open-rpc.org). */
  "rpc.discover": { params: NoParams; output: RpcDiscoverOutput; scope: "operator.read" };
}

/** The notifications, by name. */
export interface Notifications {
  /** A fact was added to the event log. */
  "session.event": SessionEventParams;
  /** The model wrote some more of its answer or its reasoning. */
  "session.delta": SessionDeltaParams;
  /** A command that a tool runs wrote something. */
  "tool.output": ToolOutputParams;
  /** A tool call waits for somebody's consent; `approvals.resolve` answers it. It comes right before the `session.event` of the same fact, and may come again after a lost connection. */
  "approval.requested": ApprovalRequestedParams;
  /** This client reads too slowly: pieces were left out here, or facts of the log wait for it. Facts are never left out. */
  "stream.lagged": StreamLaggedParams;
}

/** The name of a method. */
export type Method = keyof Methods;

/** What a method is called with. */
export type Params<M extends Method> = Methods[M]["params"];

/** What a method answers. */
export type Output<M extends Method> = Methods[M]["output"];

/** Ties an answer to its request. */
export type Id = string | number | null;

/** A call; without an id it is a notification, which is not answered. */
export interface Request<M extends Method = Method> {
  jsonrpc: "2.0";
  id?: Id;
  method: M;
  params?: Params<M>;
}

/** Why a call failed. */
export interface RpcError {
  code: ErrorCode;
  message: string;
  data: ErrorData;
}

/** The answer to a call. */
export type Response<M extends Method = Method> =
  | { jsonrpc: "2.0"; id: Id; result: Output<M>; error?: never }
  | { jsonrpc: "2.0"; id: Id; error: RpcError; result?: never };

/** What the gateway says unasked; `method` tells which it is. */
export type Notification = {
  [N in keyof Notifications]: { jsonrpc: "2.0"; method: N; params: Notifications[N]; id?: never };
}[keyof Notifications];

/** Every code that an error may have. */
export type ErrorCode = | -32001 | -32003 | -32004 | -32009 | -32010 | -32029 | -32050 | -32051 | -32060 | -32078 | -32600 | -32601 | -32602 | -32603 | -32700;

/** A run that is under way. */
export type ActiveRun = {
  /** The run. */
  runId: RunId;
  /** The session that it is in. */
  sessionKey: SessionKey;
};

/** Names a configured agent, such as `main`. */
export type AgentId = string;

/** Output of `agent.list`. */
export type AgentListOutput = {
  /** The configured agents, in the order of the configuration. */
  agents: AgentSummary[];
};

/** What an agent does. */
export type AgentState = "idle" | "running";

/** Output of `agent.status`. */
export type AgentStatusOutput = {
  /** The agent. */
  agent: AgentSummary;
  /** What it does now. */
  state: AgentState;
  /** Its runs that are under way, oldest first. */
  runs: ActiveRun[];
  /** The names of the tools that it may use. */
  tools: string[];
};

/** Params of `agent.status`. */
export type AgentStatusParams = {
  /** The agent's id. */
  agentId: AgentId;
};

/** A configured agent. */
export type AgentSummary = {
  /** The agent's id. */
  agentId: AgentId;
  /** The model that it asks; null while none is configured. */
  model: string | null;
  /** The provider of that model. */
  provider: ProviderId | null;
  /** Whether messages without another route go to it. */
  default: boolean;
};

/** Money and tokens. */
export type Amount = {
  /** US dollars, as far as the prices are known. */
  usd: number;
  /** Tokens of every kind. */
  tokens: number;
};

/** What somebody decided. */
export type Answer = "allow-once" | "allow-always" | "deny";

/** Names one request for approval. */
export type ApprovalId = string;

/** Params of `approval.requested`. */
export type ApprovalRequestedParams = {
  /** What is asked for, and why. */
  approval: Pending;
};

/** Output of `approvals.files`. */
export type ApprovalsFilesOutput = {
  /** The workspace. */
  workspace: string;
  /** The files and folders in it that carry words of strangers. */
  files: MarkedFile[];
};

/** Params of `approvals.files`. */
export type ApprovalsFilesParams = {
  /** The agent whose workspace is meant; the default agent unless given. */
  agentId?: AgentId | null;
};

/** Output of `approvals.grants`. */
export type ApprovalsGrantsOutput = {
  /** The calls that run without being asked for, the oldest first. */
  grants: Grant[];
};

/** Output of `approvals.list`. */
export type ApprovalsListOutput = {
  /** The calls that wait, the oldest first. */
  approvals: Pending[];
  /** With `all`, the newest of those that wait no more, the newest first. */
  closed?: ClosedApproval[] | null;
};

/** Params of `approvals.list`. */
export type ApprovalsListParams = {
  /** Whether those are listed, too, that wait no more. */
  all?: boolean;
};

/** Output of `approvals.resolve`. */
export type ApprovalsResolveOutput = {
  /** The request. */
  id: ApprovalId;
  /** What was decided. */
  decision: Answer;
  /** Whether the call may run. */
  allowed: boolean;
  /** What was decided about. */
  shape: Shape;
};

/** Params of `approvals.resolve`. */
export type ApprovalsResolveParams = {
  /** The request. */
  id: ApprovalId;
  /** What is decided. */
  decision: Answer;
};

/** Output of `approvals.vouch`. */
export type ApprovalsVouchOutput = {
  /** How many marks were taken away. */
  cleared: number;
};

/** Params of `approvals.vouch`. */
export type ApprovalsVouchParams = {
  /** The agent whose workspace is meant; the default agent unless given. */
  agentId?: AgentId | null;
  /** The file, or a folder with all that is in it; `.` for the whole workspace. */
  path: string;
};

/** Output of `approvals.withdraw`. */
export type ApprovalsWithdrawOutput = {
  /** Whether calls of that shape are asked for again. */
  withdrawn: boolean;
};

/** Params of `approvals.withdraw`. */
export type ApprovalsWithdrawParams = {
  /** The digest of the shape that was allowed. */
  digest: string;
};

/** A file that goes with a message. */
export type Attachment = {
  /** What it is to its sender. */
  kind: AttachmentKind;
  /** Its media type (RFC 6838), such as `image/png`. */
  mime: string;
  /** Its content in base64: at most 50,000,000 bytes when decoded. */
  data: string;
  /** Its name. */
  filename?: string | null;
};

/** What an attachment is to its sender. */
export type AttachmentKind = "photo" | "document" | "voice" | "video";

/** A file that came with a message, without its content. */
export type AttachmentSummary = {
  /** What it is to its sender. */
  kind: AttachmentKind;
  /** Its media type. */
  mime: string;
  /** Its size in bytes. */
  size: number;
  /** Its name. */
  filename?: string | null;
};

/** Whether somebody waits for the answer of a run. */
export type Attended = "yes" | "no";

/** One thing that is wrong with the log. */
export type AuditFinding = {
  /** The place in the whole log. */
  position: number;
  /** The session, where it is known. */
  session: string | null;
  /** The event's number in the session, where it is known. */
  seq: number | null;
  /** What is wrong there, such as `edited` or `cut-off`. */
  what: string;
};

/** What entries are about: the first word of their kind. */
export type AuditKind = "auth" | "token" | "device" | "rate" | "cap" | "tool" | "approval" | "grant" | "egress" | "secret" | "config" | "session" | "backup" | "anchors" | "log";

/** Output of `audit.list`. */
export type AuditListOutput = {
  /** The entries, the latest first. */
  entries: AuditRow[];
  /** What to pass as `before` for the next page; null where there is none. */
  nextBefore: number | null;
};

/** Params of `audit.list`. */
export type AuditListParams = {
  /** Only entries about this. */
  kind?: AuditKind | null;
  /** Only what came before the entry with this number. */
  before?: number | null;
  /** The largest number of entries: 1 to 1,000; 200 unless given. */
  limit?: number | null;
};

/** An entry of the audit stream. */
export type AuditRow = {
  /** Its number in the audit stream. */
  seq: number;
  /** Its place in the whole log. */
  position: number;
  /** When it was recorded, as RFC 3339 in UTC. */
  time: string;
  /** What happened, such as `auth.denied`. */
  kind: string;
  /** What else is known about it. */
  value: unknown;
  /** The hash over it and the entry before it, in hexadecimal digits. */
  hash: string;
  /** All that in words. */
  what: string;
};

/** Output of `audit.verify`. */
export type AuditVerifyOutput = {
  /** The file of the log. */
  path: string;
  /** Whether the log is as it was recorded. */
  intact: boolean;
  /** How many events were checked. */
  events: number;
  /** How many sessions they are in, deleted ones and the audit stream included. */
  sessions: number;
  /** The place of the last event; kept somewhere else, it tells when an older copy of the whole state directory is put back. */
  position: number;
  /** How many of the newest events lost their anchors in a power loss. */
  unanchored: number;
  /** How many anchors were missing after restarts of the machine and were written again. */
  renewed: number;
  /** The finding at the lowest position, which says where it began. */
  first: AuditFinding | null;
  /** What is wrong, the lowest position first; at most 100. */
  findings: AuditFinding[];
  /** What to do about it. */
  hint: string | null;
};

/** A file that should be a skill and cannot be used. */
export type BrokenSkillFile = {
  /** The file. */
  path: string;
  /** The line, from 1, where that is known. */
  line?: number | null;
  /** The column, from 1, where that is known. */
  column?: number | null;
  /** What is wrong with it. */
  message: string;
};

/** Names one tool call; it is the model's own id, so that the result finds its way back. */
export type CallId = string;

/** What may be capped. */
export type CapName = "turn" | "session" | "agent" | "day" | "unattended" | "unattended-day";

/** A cap, and how much of it is used. */
export type CapStatus = {
  /** Its name. */
  cap: CapName;
  /** The agent or session, where each has a cap of its own. */
  subject?: string | null;
  /** Whether the config sets it; otherwise it is there by default. */
  configured: boolean;
  /** Whether somebody has raised it for the current period. */
  raised: boolean;
  /** The most money, in US dollars; null where money is not capped. */
  limitUsd: number | null;
  /** The most tokens; null where they are not capped. */
  limitTokens: number | null;
  /** What was spent; null for what each run has of its own. */
  spent: Amount | null;
  /** What the calls that are under way have set aside; null for what each run has of its own. */
  reserved: Amount | null;
};

/** Names a channel: the way by which a message came in, such as `telegram` or `rpc`. */
export type ChannelId = string;

/** A channel that the config names. */
export type ChannelRow = {
  /** Its id. */
  channel: string;
  /** Whether the config leaves it switched on. */
  enabled: boolean;
  /** The ids of its accounts, where the config gives it several. */
  accounts: string[];
  /** Whether it is connected. */
  running: boolean;
  /** Why it is not. */
  why: string | null;
};

/** Output of `channels.list`. */
export type ChannelsListOutput = {
  /** The channels that the config names, in its order. */
  channels: ChannelRow[];
};

/** A call that was asked about and waits no more. */
export type ClosedApproval = {
  /** Its name. */
  id: ApprovalId;
  /** The session of the call. */
  session: SessionKey;
  /** The run of the call. */
  runId: RunId;
  /** The call. */
  callId: CallId;
  /** What is asked for. */
  shape: Shape;
  /** Why it is asked for, a sentence each. */
  reasons: string[];
  /** When it was asked for. */
  asked: string;
  /** When it counts as denied. */
  expires: string;
  /** What was decided; none when its time was up with nobody there to say so, which denies. */
  decision: Decision | null;
};

/** What is shown of a compaction that is not done. */
export type CompactPreview = "boundaries" | "summary";

/** Output of `config.set`, `config.unset` and `config.patch`. */
export type ConfigChangeOutput = {
  /** Whether any file is another one now; of a dry run, nothing is. */
  changed: boolean;
  /** The paths that were asked for. */
  paths: string[];
  /** Credentials of the gateway that were removed because its mode does not use them any more. */
  removed: string[];
  /** The files that were changed. */
  files: string[];
  /** The copies of these files as they were before. */
  backups: string[];
  /** The settings that are taken up at the next start of the gateway only; it takes up all others by itself. */
  waiting: string[];
  /** What the author should know about the config as it is now, or would be. */
  warnings: ConfigIssue[];
  /** Names the config as it is now, or would be. */
  hash: string;
};

/** Output of `config.get`. In the place of a secret stands `__OPENCLAW_REDACTED__`, which `config.set` takes for the secret that is there. */
export type ConfigGetOutput = {
  /** The config file. */
  file: string;
  /** The files that it includes. */
  includes: string[];
  /** Whether there is a config file. */
  exists: boolean;
  /** Names the config as it is now; pass it as `baseHash` to change this config and no other. */
  hash: string;
  /** What counts, with the defaults that are shown; null where the config cannot be read. */
  value: unknown;
  /** What the files say, with variables as they are written; null where they say nothing. */
  written: unknown;
  /** Where each of the written values stands, by its path. */
  places: Record<string, ConfigPlace>;
  /** The text of the config file; null where a path is asked for, where there is no file, and where a comment may have a secret. */
  raw: string | null;
  /** Everything that is wrong with it; empty for a config that is valid as it stands. */
  issues: ConfigIssue[];
  /** What its author should know. */
  warnings: ConfigIssue[];
};

/** Params of `config.get`. */
export type ConfigGetParams = {
  /** What to show, such as `gateway.port` or `agents.entries.work.skills[0]`; everything unless given. */
  path?: string | null;
};

/** Something that is wrong with the config, or that its author should know. */
export type ConfigIssue = {
  /** Its path in the config; `<root>` for the file as a whole. */
  path: string;
  /** What it is. */
  message: string;
  /** The values that are allowed, where they can be listed. */
  allowedValues?: string[];
  /** The file that it stands in. */
  file?: string | null;
  /** The line there, from 1. */
  line?: number | null;
  /** The column there, in characters from 1. */
  column?: number | null;
  /** The known key that is most like an unknown one. */
  nearest?: string | null;
};

/** Params of `config.patch`. */
export type ConfigPatchParams = {
  /** An object of changes in the shape of the config: objects are merged, null removes, everything else replaces. */
  patch: Record<string, unknown>;
  /** The paths at which an object or a list of the patch replaces what stands there as a whole. */
  replacePaths?: string[];
  /** Change only the config that has this hash, as `config.get` says it. */
  baseHash?: string | null;
  /** Write nothing; say what would come of it. */
  dryRun?: boolean;
};

/** A place in a file. */
export type ConfigPlace = {
  /** The file. */
  file: string;
  /** The line, from 1. */
  line: number;
  /** The column, in characters from 1. */
  column: number;
};

/** Output of `config.schema`. */
export type ConfigSchemaOutput = {
  /** The JSON Schema of the config. */
  schema: unknown;
};

/** What becomes of what stands at a path already. */
export type ConfigSetHow = "set" | "merge" | "replace";

/** Params of `config.set`. */
export type ConfigSetParams = {
  /** Where, such as `gateway.port` or `agents.entries.work.skills[0]`. */
  path: string;
  /** What is to stand there. */
  value: unknown;
  /** What becomes of what stands there already. */
  how?: ConfigSetHow;
  /** Change only the config that has this hash, as `config.get` says it. */
  baseHash?: string | null;
  /** Write nothing; say what would come of it. */
  dryRun?: boolean;
};

/** Params of `config.unset`. */
export type ConfigUnsetParams = {
  /** What to remove. */
  path: string;
  /** Change only the config that has this hash, as `config.get` says it. */
  baseHash?: string | null;
  /** Write nothing; say what would come of it. */
  dryRun?: boolean;
};

/** Output of `config.validate`. */
export type ConfigValidateOutput = {
  /** Whether OpenClaw 2026.9 accepts the config as it stands, and this gateway would start. */
  valid: boolean;
  /** The config file. */
  file: string;
  /** Everything that is wrong. */
  issues: ConfigIssue[];
  /** What the author of a valid config should know. */
  warnings: ConfigIssue[];
  /** What of a valid config is accepted and has no effect in this version. */
  notFollowed: ConfigIssue[];
};

/** A compaction on record. */
export type ContextCompaction = {
  /** Its event. */
  seq: number;
  /** When it was. */
  time: string;
  /** The first event that the model still sees as it is. */
  firstKept: number;
  /** How many tokens a request had before it. */
  tokensBefore: number;
  /** How many it had after it; null if that was not recorded. */
  tokensAfter: number | null;
  /** What set it off: `threshold`, `overflow` or `manual`; null if that was not recorded. */
  trigger: string | null;
  /** The model that wrote the summary; null if none did. */
  model: string | null;
  /** Why no model wrote it, where one should have. */
  failure: string | null;
  /** Whether it was undone. */
  undone: boolean;
};

/** A part of a request. */
export type ContextPart = {
  /** What kind of part. */
  kind: ContextPartKind;
  /** Which one, where there are several of a kind. */
  name: string | null;
  /** How many things there are in it. */
  count: number;
  /** How many tokens it has, estimated on the safe side. */
  tokens: number;
};

/** A kind of part of a request. */
export type ContextPartKind = "system" | "skills" | "files" | "tool" | "summary" | "messages" | "attachments" | "answers" | "results";

/** Output of `context.show`. */
export type ContextShowOutput = {
  /** The session. */
  sessionKey: SessionKey;
  /** The model that is asked first, as `provider/model`. */
  model: string;
  /** How many tokens its window has; null if that is not known. */
  window: number | null;
  /** How many tokens a request may have before the session is compacted. */
  limit: number;
  /** How many tokens the next request has, estimated on the safe side, without the message that it will be about. */
  estimated: number;
  /** How much of the window that is, in percent; null if the window is not known. */
  percent: number | null;
  /** What the provider counted of the session's last step, with its answer; null if it has not said, or the view has changed since then. */
  reported: number | null;
  /** The parts of the request, in its order. */
  parts: ContextPart[];
  /** The compactions on record, oldest first. */
  compactions: ContextCompaction[];
};

/** Params of `context.show`. */
export type ContextShowParams = {
  /** The session. */
  sessionKey: SessionKey;
};

/** An amount in billionths of a US dollar (nano-USD), which holds the price of a single token. */
export type Cost = number;

/** What a record holds. */
export type CredentialKind = "key" | "oauth";

/** A record of the credential store, without its secret. */
export type CredentialRow = {
  /** Its name. */
  name: string;
  /** What it holds; null of a file that is not in the store's list. */
  kind: CredentialKind | null;
  /** When it was last stored, as RFC 3339 in UTC; null of a file that is not in the list. */
  updated: string | null;
  /** Whether it can be read. */
  state: CredentialState;
  /** What is wrong with it. */
  damage?: string | null;
};

/** Whether a record can be read. */
export type CredentialState = "ok" | "damaged";

/** Output of `credentials.list`. */
export type CredentialsListOutput = {
  /** The folder of the store. */
  path: string;
  /** Whether there is a store. */
  exists: boolean;
  /** What is stored, by name. */
  records: CredentialRow[];
};

/** A place in the log of all sessions: behind the event of that position, whose hash begins with these digits. `0` is the place before the first event. */
export type Cursor = string;

/** How a request was closed. */
export type Decision = {
  /** Whether the call may run. */
  allowed: boolean;
  /** What was answered; none when nobody did, which denies. */
  answer?: Answer | null;
  /** Who decided, or why nobody did. */
  by: string;
  /** When. */
  decided: string;
};

/** What a delta is part of. */
export type DeltaChannel = "text" | "thinking";

/** A device that was let in. */
export type DeviceRow = {
  /** The device: the SHA-256 of its key. */
  deviceId: string;
  /** The program on it, as it says itself. */
  client: string;
  /** Its system, as it says itself. */
  platform: string;
  /** Its name, as it says itself. */
  name: string | null;
  /** What it may do. */
  scopes: string[];
  /** Who let it in. */
  approvedBy: string;
  /** When it was given what it may do now. */
  approvedAt: string;
  /** Whether it has a token of its own. */
  hasToken: boolean;
};

/** Params of `devices.approve`. */
export type DevicesApproveParams = {
  /** The request. */
  requestId: string;
};

/** Output of `devices.list`. */
export type DevicesListOutput = {
  /** The devices that wait to be let in. */
  pending: PairingRow[];
  /** The devices that were let in. */
  paired: DeviceRow[];
};

/** Params of `devices.reject`. */
export type DevicesRejectParams = {
  /** The request. */
  requestId: string;
};

/** Output of `devices.revoke`. */
export type DevicesRevokeOutput = {
  /** Whether there was such a device. */
  revoked: boolean;
};

/** Params of `devices.revoke`. */
export type DevicesRevokeParams = {
  /** The device. */
  deviceId: string;
};

/** A secret on its way to the one who asked for it; it prints as `[REDACTED]`. */
export type Disclosed = string;

/** One thing that is worth knowing. */
export type DoctorFinding = {
  /** Its name, which never changes. */
  checkId: string;
  /** How bad it is. */
  severity: DoctorSeverity;
  /** What is so. */
  message: string;
  /** Why that matters, or how it came to be. */
  why: string;
  /** The file or folder. */
  path: string;
  /** What to do about it: a command where there is one. */
  fixHint?: string | null;
};

/** Output of `doctor.run`. */
export type DoctorRunOutput = {
  /** The version of this document. */
  schemaVersion: number;
  /** Whether nothing has to be done: there are no warnings and no errors. */
  ok: boolean;
  /** How many checks were made. */
  checksRun: number;
  /** How many were not. */
  checksSkipped: number;
  /** What was found. */
  findings: DoctorFinding[];
  /** The caps that hold on what models may cost. */
  caps: CapStatus[];
};

/** Params of `doctor.run`. */
export type DoctorRunParams = {
  /** Read the whole event log and check every hash, which takes its time. */
  deep?: boolean;
};

/** How bad a finding is. */
export type DoctorSeverity = "info" | "warning" | "error";

/** The member `data` of an error. */
export type ErrorData = {
  /** What the caller can do about it. */
  kind: Kind;
  /** Names this failure in the gateway's log. */
  id?: string | null;
  /** What to try next; it starts with a verb. */
  hint?: string | null;
  /** Which part of the params is meant, such as `attachments[0].mime`. */
  field?: string | null;
  /** Which of several failures of that kind it is, where a program may want to tell. */
  reason?: string | null;
  /** After how many milliseconds the call may succeed, where that is known. */
  retryAfterMs?: number | null;
};

/** One recorded fact of a session; `kind` says what happened, and `data` has what the kind tells. */
export type Event = {
  /** The session that it belongs to. */
  sessionKey: SessionKey;
  /** Its place in the session: 1, 2, 3 … without gaps. */
  seq: number;
  /** Its place in the log of all sessions; later events have higher positions. */
  position: number;
  /** When it was recorded (RFC 3339, UTC). */
  time: string;
  /** The `seq` of the event that brought it about. */
  cause?: number | null;
  /** The run that it is part of. */
  runId?: RunId | null;
  /** The step of that run, from 1: one model call and the tool calls that it asked for. */
  step?: number | null;
  /** The tool call that it is about. */
  callId?: CallId | null;
  /** What else is known about it, such as what the model wrote in the step. */
  payload?: unknown;
  /** The record of another system that it was imported from. */
  raw?: unknown;
  /** The SHA-256 over all this and over the event before it, in hexadecimal digits. */
  hash: EventHash;
} & ({
  kind: "SessionStarted";
  data: {
    /** The channel that it is on. */
    channel: ChannelId;
    /** Whom it is with. */
    peerId: PeerId;
  };
} | {
  kind: "MessageReceived";
  data: {
    /** The text. */
    content: string;
    /** The files that came with it, without their content. */
    attachments: AttachmentSummary[];
  };
} | {
  kind: "MessageSent";
  data: {
    /** The text as it was sent. */
    content: string;
    /** The messenger's name for it. */
    messageId: MessageId;
  };
} | {
  kind: "ToolCalled";
  data: {
    /** The tool's name. */
    tool: string;
    /** Its arguments. */
    params: unknown;
  };
} | {
  kind: "ToolResult";
  data: {
    /** The tool's name. */
    tool: string;
    /** What it answered. */
    result: unknown;
    /** Whether it did what was asked. */
    success: boolean;
  };
} | {
  kind: "AgentResponse";
  data: {
    /** The text. */
    content: string;
    /** The model that wrote it. */
    model: string;
    /** All tokens that the run used, in and out. */
    tokens: number;
  };
} | {
  kind: "SessionEnded";
  data: {
    /** Why: `requested`, or the words of whoever ended it. */
    reason: string;
  };
} | {
  kind: "StateChanged";
  data: {
    /** Its name. */
    key: string;
    /** Its value from now on. */
    value: unknown;
  };
});

/** The SHA-256 (FIPS 180-4) of an event and of the hash of the event before it. */
export type EventHash = string;

/** Output of `events.list`. */
export type EventsListOutput = {
  /** The events, in the order of the log. A page may be shorter than was asked for. */
  events: Event[];
  /** The cursor of the next page, and of `events.subscribe`; also there when nothing follows yet. */
  nextCursor: Cursor;
  /** Whether more is recorded after it already. */
  more: boolean;
};

/** Params of `events.list`. */
export type EventsListParams = {
  /** Read what comes after this place; from the start unless given. */
  cursor?: Cursor | null;
  /** The largest number of events: 1 to 1,000; 200 unless given. */
  limit?: number | null;
};

/** Output of `events.subscribe`. */
export type EventsSubscribeOutput = {
  /** The place after which the events come that follow this answer. */
  cursor: Cursor;
  /** How many events of the whole log are recorded after it already. */
  behind: number;
};

/** Params of `events.subscribe`. */
export type EventsSubscribeParams = {
  /** Follow what comes after this place; from now on unless given. */
  cursor?: Cursor | null;
  /** Follow only these sessions, which need not exist yet; all of them unless given, and none when the list is empty. */
  sessions?: SessionKey[] | null;
};

/** A model or a key whose last call failed. */
export type FailingModel = {
  /** The provider. */
  provider: ProviderId;
  /** The model; null if it is the key that fails, whatever the model. */
  model: string | null;
  /** The name of the key; null if it is the model that fails, whatever the key. */
  credential: string | null;
  /** Why. */
  why: string;
  /** How often in a row it failed. */
  failures: number;
  /** Until when it is left alone; null if it is asked the next time. */
  until: string | null;
};

/** What the gateway is doing. */
export type GatewayStatus = {
  /** Its version. */
  version: string;
  /** Its process. */
  pid: number;
  /** When it started, as RFC 3339 in UTC. */
  startedAt: string;
  /** How long ago that is, in milliseconds. */
  uptimeMs: number;
  /** The agents. */
  agents: AgentId[];
  /** How many sessions the log has; null where the log does not answer. */
  sessions: number | null;
  /** The sessions in which a run is under way. */
  activeSessions: SessionKey[];
  /** The registered tools. */
  tools: string[];
};

/** A standing answer: calls of one shape run without being asked for. */
export type Grant = {
  /** The digest of the shape. */
  digest: string;
  /** The shape. */
  shape: Shape;
  /** Who gave it. */
  by: string;
  /** When. */
  since: string;
};

/** Who holds the tokens of a grant. */
export type Grantee = "client" | "browser";

/** Something that stands in the way of work. */
export type HealthCause = {
  /** Which part it is: `draining`, `recovering`, `log`, `agents`, `model`, `config` or `tls`. */
  code: string;
  /** What is the matter with it. */
  message: string;
};

/** Output of `health.get`. */
export type HealthGetOutput = {
  /** Whether the gateway can do its work. */
  ready: boolean;
  /** What stands in the way; empty where nothing does. */
  causes: HealthCause[];
  /** What the gateway is doing. */
  gateway: GatewayStatus;
};

/** The kind of a failure: what the caller can do about it. */
export type Kind = "invalid" | "config" | "unauthenticated" | "denied" | "limited" | "notfound" | "conflict" | "busy" | "unreachable" | "unavailable" | "cancelled" | "internal";

/** Something that leaves the model's view. */
export type LeavingPiece = {
  /** Its event. */
  seq: number;
  /** How many tokens it has, estimated on the safe side. */
  tokens: number;
  /** How it begins, a line for each of its parts. */
  text: string;
};

/** How bad what a line of the log says is. */
export type LineLevel = "error" | "warn" | "info" | "debug" | "trace";

/** A line of the log. */
export type LogLine = {
  /** When it was written; null of a line that is only text. */
  time: string | null;
  /** How bad it is; null of a line that is only text. */
  level: string | null;
  /** The part of the program that wrote it; null of a line that is only text. */
  module: string | null;
  /** What it says. */
  message: string;
  /** What else is in it, such as `request`, `session`, `run` and `call`. */
  fields: Record<string, unknown>;
};

/** Output of `login.create`. */
export type LoginCreateOutput = {
  /** The code. */
  code: Disclosed;
  /** Until when it can be used. */
  expiresAt: string;
};

/** Output of `logs.tail`. */
export type LogsTailOutput = {
  /** The lines, the oldest first. A page may be shorter than was asked for. */
  lines: LogLine[];
  /** The cursor of what is written from here on; null where there is no log yet. */
  nextCursor: string | null;
  /** Whether there are more such lines already: after these with a cursor, before them without. */
  more: boolean;
  /** Whether the file that the cursor was in is gone, so that these are the last lines and some may be missing. */
  reset: boolean;
};

/** Params of `logs.tail`. */
export type LogsTailParams = {
  /** Read what was written after this place; the last lines unless given. */
  cursor?: string | null;
  /** The largest number of lines: 1 to 1,000; 200 unless given. */
  limit?: number | null;
  /** Only lines of this level and worse. */
  level?: LineLevel | null;
  /** Only lines of this session. */
  sessionKey?: SessionKey | null;
  /** Only lines of this run. */
  runId?: RunId | null;
};

/** A file that was written while something untrusted was in view. */
export type MarkedFile = {
  /** Its path in the workspace; `.` for all of it. */
  path: string;
  /** What was in view, a phrase each. */
  sources: string[];
};

/** Names one message as its channel names it. */
export type MessageId = string;

/** Somebody whose message is passed on. */
export type MessageSender = {
  /** The channel that they wrote on; the session's, where it has one, unless given. */
  channel?: ChannelId | null;
  /** Who they are there, as the channel says. */
  peer: PeerId;
};

/** Output of `models.status`. */
export type ModelsStatusOutput = {
  /** The models and keys whose last call failed, by name. */
  failing: FailingModel[];
};

/** Params of a method that takes none. */
export type NoParams = Record<string, never>;

/** Where a command writes to. */
export type OutputStream = "stdout" | "stderr";

/** A device that waits to be let in. */
export type PairingRow = {
  /** Names the request. */
  requestId: string;
  /** The device: the SHA-256 of its key. */
  deviceId: string;
  /** The program on it, as it says itself. */
  client: string;
  /** Its system, as it says itself. */
  platform: string;
  /** Its name, as it says itself. */
  name: string | null;
  /** What it wants to be allowed. */
  scopes: string[];
  /** The network address that it came from. */
  from: string | null;
  /** Whether it was let in before, and wants more. */
  wantsMore: boolean;
  /** When it asked. */
  at: string;
};

/** Names one correspondent on a channel. */
export type PeerId = string;

/** A request that waits for an answer. */
export type Pending = {
  /** Its name. */
  id: ApprovalId;
  /** The session of the call. */
  session: SessionKey;
  /** The run of the call. */
  runId: RunId;
  /** The call. */
  callId: CallId;
  /** What is asked for. */
  shape: Shape;
  /** Why it is asked for, a sentence each. */
  reasons: string[];
  /** When it was asked for. */
  asked: string;
  /** When it counts as denied. */
  expires: string;
};

/** How long calls took, off by a sixteenth at most. */
export type Percentiles = {
  /** Half of them took no longer than this. */
  p50: number;
  /** Of a hundred, 95 took no longer than this. */
  p95: number;
};

/** A plugin. */
export type PluginRow = {
  /** Its id. */
  pluginId: string;
  /** What to call it. */
  name: string | null;
  /** Its version. */
  version: string | null;
  /** What it is for. */
  description: string | null;
  /** Its folder; null where it is not installed in the home. */
  folder: string | null;
  /** The channels that it brings. */
  channels: string[];
  /** Whether the config leaves it switched on. */
  enabled: boolean;
  /** Whether it runs. */
  running: boolean;
  /** Why it does not. */
  why: string | null;
};

/** Output of `plugins.list`. */
export type PluginsListOutput = {
  /** The plugins that are installed in the home, and those that the config has settings for. */
  plugins: PluginRow[];
};

/** What may be done. */
export type PolicyDecision = "allow" | "ask" | "deny";

/** Output of `policy.explain`. */
export type PolicyExplainOutput = {
  /** The agent. */
  agentId: AgentId;
  /** The tool, by its own name. */
  tool: string;
  /** Whose call it is. */
  sender: PolicySender;
  /** The session that it is made in, where there is one. */
  sessionKey: SessionKey | null;
  /** The model that makes it, where there is one. */
  model: string | null;
  /** How the agent's commands are confined. */
  sandbox: string;
  /** What may be done. */
  decision: PolicyDecision;
  /** The setting that decided. */
  rule: string;
  /** The file that it stands in, where it does, and the line. */
  file: string | null;
  /** What it says. */
  reason: string;
  /** Everything that was looked at, in order. */
  layers: PolicyLayer[];
};

/** Params of `policy.explain`. */
export type PolicyExplainParams = {
  /** The tool's name, or one of its other names. */
  tool: string;
  /** The agent; the default agent unless given. */
  agentId?: AgentId | null;
  /** The channel that the sender writes on. */
  channel?: ChannelId | null;
  /** Who they are there; anybody unless given. Without a channel and a sender, the caller is meant. */
  sender?: PeerId | null;
  /** The session that the call is made in; a direct one of the sender unless given. */
  sessionKey?: SessionKey | null;
  /** The model that makes the call, as `provider/model`; the agent's own unless given. */
  model?: string | null;
  /** The call's arguments; without them the question is whether the tool is there at all. */
  args?: Record<string, unknown> | null;
};

/** One setting, and what it says about a call. */
export type PolicyLayer = {
  /** The setting. */
  rule: string;
  /** The file that it stands in, where it does, and the line. */
  file: string | null;
  /** What it says; null where it has nothing to say against the call, nor for it. */
  says: PolicyDecision | null;
  /** That, in words. */
  reason: string;
};

/** Whose call it is. */
export type PolicySender = {
  /** The channel that they write on. */
  channel: ChannelId;
  /** Who they are there. */
  peer: PeerId;
  /** What they are to the agent. */
  standing: PolicyStanding;
};

/** What a sender is to the agent. */
export type PolicyStanding = "owner" | "guest" | "webhook";

/** Names a configured model provider, such as `anthropic`. */
export type ProviderId = string;

/** What becomes of a message that arrives while its session has a run. */
export type QueueMode = "steer" | "followup" | "collect" | "interrupt";

/** What an OpenRPC document is about. */
export type RpcDiscoverInfo = {
  /** The name of what speaks so. */
  title: string;
  /** The version of what speaks so. */
  version: string;
  /** More about it; Markdown. */
  description?: string | null;
};

/** Output of `rpc.discover`: a document of OpenRPC 1.3. */
export type RpcDiscoverOutput = {
  /** The version of OpenRPC that the document follows. */
  openrpc: string;
  /** What the document is about. */
  info: RpcDiscoverInfo;
  /** The methods, as OpenRPC describes them. */
  methods: (Record<string, unknown>)[];
  /** The types and errors that the methods name. */
  components: Record<string, unknown>;
  /** The notifications of the WebSocket, with a name, a summary and the schema of their params each; OpenRPC has no place of its own for them. */
  "x-notifications": (Record<string, unknown>)[];
};

/** Names one run of the agent loop: everything that one inbound message set off. */
export type RunId = string;

/** One thing that a caller may be allowed to do. */
export type Scope = "operator.read" | "operator.write" | "operator.approvals" | "operator.admin";

/** Output of `session.cancel`. */
export type SessionCancelOutput = {
  /** Whether there was a run to stop. */
  cancelled: boolean;
};

/** Params of `session.cancel`. */
export type SessionCancelParams = {
  /** The session whose run is to stop. */
  sessionKey: SessionKey;
};

/** Output of `session.compact`. */
export type SessionCompactOutput = {
  /** The event by which it was done; null if it was not. */
  seq: number | null;
  /** The first event that stays in view as it is; null if all of them do, because there is not enough to sum up. */
  firstKept: number | null;
  /** What leaves the view, oldest first. */
  leaving: LeavingPiece[];
  /** What has stood in place of earlier events so far. */
  summaryBefore: string | null;
  /** What stands there then; null if no model was asked for it. */
  summary: string | null;
  /** The model that wrote it. */
  model: string | null;
  /** How many tokens a request has before, estimated on the safe side. */
  tokensBefore: number;
  /** How many it has after, without a summary that is not written. */
  tokensAfter: number;
  /** What the model's calls cost, in US dollars; null if none was made or the price is not known. */
  costUsd: number | null;
};

/** Params of `session.compact`. */
export type SessionCompactParams = {
  /** The session. */
  sessionKey: SessionKey;
  /** Shows what would be done, and does nothing. */
  preview?: CompactPreview | null;
};

/** Output of `session.create`. */
export type SessionCreateOutput = {
  /** The session's key. */
  sessionKey: SessionKey;
};

/** Params of `session.create`. */
export type SessionCreateParams = {
  /** The agent to talk with; the default agent unless given. */
  agentId?: AgentId | null;
  /** The channel that the conversation belongs to; `rpc` unless given. */
  channel?: ChannelId | null;
  /** The correspondent on that channel; without one, every call makes a session of its own. */
  peerId?: PeerId | null;
};

/** Params of `session.delta`. */
export type SessionDeltaParams = {
  /** The session that the run is in. */
  sessionKey: SessionKey;
  /** The run. */
  runId: RunId;
  /** The step of the run, from 1. */
  step: number;
  /** What the text is. */
  channel: DeltaChannel;
  /** The text that was added. */
  text: string;
};

/** Output of `session.end`. */
export type SessionEndOutput = {
  /** Always true: a session that cannot be ended is an error. */
  ended: boolean;
  /** The `seq` of the `SessionEnded` event. */
  seq: number;
};

/** Params of `session.end`. */
export type SessionEndParams = {
  /** The session to end. */
  sessionKey: SessionKey;
  /** Why, in the caller's words; it goes into the event log. */
  reason?: string | null;
};

/** Params of `session.event`. */
export type SessionEventParams = {
  /** The event. */
  event: Event;
  /** The place behind it: whoever passes it to `events.subscribe` gets what comes after it. */
  cursor: Cursor;
};

/** Output of `session.history`. */
export type SessionHistoryOutput = {
  /** The events, oldest first. */
  events: Event[];
  /** The cursor of the next page; null when this is the last one. */
  nextCursor: number | null;
};

/** Params of `session.history`. */
export type SessionHistoryParams = {
  /** The session to read. */
  sessionKey: SessionKey;
  /** Read what comes after the event with this `seq`; from the start unless given. */
  cursor?: number | null;
  /** The largest number of events: 1 to 1,000; 200 unless given. */
  limit?: number | null;
};

/** Names one session: an agent, and whom or what it talks with there. */
export type SessionKey = string;

/** Output of `session.list`. */
export type SessionListOutput = {
  /** The sessions, the one with the latest event first. */
  sessions: SessionSummary[];
  /** The cursor of the next page, to be passed back as it is; null when this is the last one. */
  nextCursor: string | null;
};

/** Params of `session.list`. */
export type SessionListParams = {
  /** The `nextCursor` of the page before; from the start unless given. */
  cursor?: string | null;
  /** The largest number of sessions: 1 to 1,000; 200 unless given. */
  limit?: number | null;
};

/** Output of `session.message`. */
export type SessionMessageOutput = {
  /** The run that the message set off. */
  runId: RunId;
  /** The agent's answer; empty when it wrote none. */
  content: string;
  /** The model that wrote the answer, as its provider names it. */
  model: string;
  /** The provider that was asked; `scripted` is the offline model for demos and tests. */
  provider: ProviderId;
  /** What all model calls of the run used together. */
  usage: Usage;
  /** What all model calls of the run cost together, in nano-USD; left out where the price of one is not known. */
  cost?: Cost | null;
  /** The model that stood in for the agent's own, as `provider/model`, if one did. */
  fallback?: string | null;
  /** How many steps the run took. */
  steps: number;
  /** Why the model stopped. */
  stopReason: StopReason;
  /** The provider's own word for it, where ours does not say everything. */
  stopDetail?: string | null;
};

/** Params of `session.message`. */
export type SessionMessageParams = {
  /** The session to speak in. */
  sessionKey: SessionKey;
  /** The text: at most 100,000 bytes, no control characters but tabs and line ends. */
  content: string;
  /** Files that go with it: at most 10. */
  attachments?: Attachment[];
  /** The client's own name for the message, at most 256 bytes. When a message of that name was sent before, it is not sent again: the answer is the one that it got, or will get. */
  idempotencyKey?: string | null;
  /** Whether anybody waits for the answer; what nobody waits for has a cap of its own. */
  attended?: Attended;
  /** Whose message it is, where the caller passes on somebody else's. They are a guest, with the tools that rules give to guests, unless they are listed as an owner (`commands.ownerAllowFrom`). */
  sender?: MessageSender | null;
  /** What becomes of the message if the session has a run; what the config says unless given. */
  queue?: QueueMode | null;
};

/** Output of `session.restore`. */
export type SessionRestoreOutput = {
  /** The events of the compactions that were undone, the latest first. */
  undone: number[];
};

/** Params of `session.restore`. */
export type SessionRestoreParams = {
  /** The session. */
  sessionKey: SessionKey;
  /** The event of a compaction, which is undone together with all later ones; the latest unless given. */
  compaction?: number | null;
};

/** A session in a list. */
export type SessionSummary = {
  /** The session's key. */
  sessionKey: SessionKey;
  /** The agent whose session it is. */
  agentId: AgentId;
  /** How many events it has; also the `seq` of the last one. */
  events: number;
  /** When its first event was recorded (RFC 3339, UTC). */
  startedAt: string;
  /** When its last event was recorded (RFC 3339, UTC). */
  updatedAt: string;
  /** Whether it has ended. */
  ended: boolean;
  /** Where the session lies while it is not in the event log: `openclaw-jsonl` or `openclaw-sqlite`, a file of TypeScript OpenClaw's. Its `events` are then the entries there. */
  source?: string | null;
  /** Whether the session can only be read; the first message to it takes it into the event log. */
  readOnly?: boolean;
};

/** Everything of a call that an approval is about. */
export type Shape = {
  /** Whose call it is. */
  agent: AgentId;
  /** The tool, by its own name. */
  tool: string;
  /** Its arguments, as they will be used. */
  arguments: unknown;
  /** The exact program and arguments, for a command. */
  argv?: string[];
  /** The folder that a command runs in. */
  cwd?: string | null;
  /** The names of the variables that a command gets. */
  env?: string[];
  /** The policy that the call runs under, a line each: the sandbox level, the network. */
  policy?: string[];
};

/** Whether a path of the config is set to something. */
export type SkillConfigCheck = {
  /** The path. */
  path: string;
  /** Whether it is. */
  satisfied: boolean;
};

/** A way to get what a skill lacks. */
export type SkillInstallOption = {
  /** Its id. */
  id: string;
  /** The installer. */
  kind: string;
  /** What to call it. */
  label: string;
  /** The programs that come with it. */
  bins: string[];
};

/** What a skill needs, or lacks, by kind. */
export type SkillNeeds = {
  /** Programs, all of them. */
  bins: string[];
  /** Programs, any of them. */
  anyBins: string[];
  /** Environment variables. */
  env: string[];
  /** Paths of the config. */
  config: string[];
  /** Systems, any of them. */
  os: string[];
};

/** One skill. */
export type SkillRow = {
  /** What it is called. */
  name: string;
  /** What it is for. */
  description: string;
  /** The kind of folder that it comes from. */
  source: string;
  /** Whether it comes with the program. */
  bundled: boolean;
  /** Its file. */
  filePath: string;
  /** The folder of that file. */
  baseDir: string;
  /** Its key in `skills.entries`. */
  skillKey: string;
  /** The environment variable that has its key. */
  primaryEnv?: string | null;
  /** The sign that is shown with it. */
  emoji?: string | null;
  /** Where more is said about it. */
  homepage?: string | null;
  /** Whether it is there whatever it needs. */
  always: boolean;
  /** Whether its entry in the config switches it off. */
  disabled: boolean;
  /** Whether it is missing from the list of bundled skills. */
  blockedByAllowlist: boolean;
  /** Whether it is missing from the agent's list. */
  blockedByAgentFilter: boolean;
  /** Whether it has what it needs, and nothing switches it off. */
  eligible: boolean;
  /** Whether it is for other systems than this one. */
  platformIncompatible: boolean;
  /** Whether the model is told of it. */
  modelVisible: boolean;
  /** Whether people may call it by its name. */
  userInvocable: boolean;
  /** Whether people are offered it as a command. */
  commandVisible: boolean;
  /** What it needs. */
  requirements: SkillNeeds;
  /** What of that is not there. */
  missing: SkillNeeds;
  /** The settings that it needs, and whether each is set. */
  configChecks: SkillConfigCheck[];
  /** How to get what is missing. */
  install: SkillInstallOption[];
};

/** Output of `skills.list`: the skills of an agent, whether it has them or not. */
export type SkillsListOutput = {
  /** The agent. */
  agentId: AgentId;
  /** Its workspace, which may have skills of its own. */
  workspaceDir: string;
  /** The folder of skills for all agents. */
  managedSkillsDir: string;
  /** The skills that the agent may have, where the config lists them. */
  agentSkillFilter?: string[] | null;
  /** The skills. */
  skills: SkillRow[];
  /** The files that should be skills and cannot be used. */
  broken: BrokenSkillFile[];
};

/** Params of `skills.list`. */
export type SkillsListParams = {
  /** The agent; the default agent unless given. */
  agentId?: AgentId | null;
};

/** Why the model stopped; a run without an answer is an error instead. */
export type StopReason = "endturn" | "maxtokens" | "refusal" | "stopsequence" | "other";

/** Params of `stream.lagged`. */
export type StreamLaggedParams = {
  /** How many notifications of pieces were left out. */
  dropped: number;
  /** How many events of the log are recorded and not sent yet; they follow. */
  behind: number;
};

/** Names a grant; it is no secret. */
export type TokenId = string;

/** Somebody who was given tokens. */
export type TokenSummary = {
  /** Names the grant. */
  tokenId: TokenId;
  /** What the owner calls it. */
  name: string;
  /** Who holds the tokens. */
  grantee: Grantee;
  /** What their bearer may do. */
  scopes: Scope[];
  /** When it was made. */
  createdAt: string;
  /** When it runs out, unless it is refreshed before. */
  expiresAt: string;
  /** When one of its access tokens was shown last, since the gateway started. */
  lastUsedAt: string | null;
};

/** Output of `tokens.create`. */
export type TokensCreateOutput = {
  /** Names the grant; it is no secret. */
  tokenId: TokenId;
  /** What its bearer may do. */
  scopes: Scope[];
  /** Opens the gateway. */
  accessToken: Disclosed;
  /** When the access token runs out. */
  accessExpiresAt: string;
  /** Is exchanged for the next pair. */
  refreshToken: Disclosed;
  /** When the refresh token runs out. */
  refreshExpiresAt: string;
};

/** Params of `tokens.create`. */
export type TokensCreateParams = {
  /** What the owner calls it: at most 64 characters, for the list. */
  name: string;
  /** What its bearer may do; at least one. */
  scopes: Scope[];
};

/** Output of `tokens.list`. */
export type TokensListOutput = {
  /** Who was given tokens, the newest first. */
  tokens: TokenSummary[];
};

/** Output of `tokens.revoke`. */
export type TokensRevokeOutput = {
  /** Whether there was such a grant. */
  revoked: boolean;
};

/** Params of `tokens.revoke`. */
export type TokensRevokeParams = {
  /** The grant. */
  tokenId: TokenId;
};

/** Params of `tool.output`. */
export type ToolOutputParams = {
  /** The session that the call is in. */
  sessionKey: SessionKey;
  /** The run that the call is part of; none when a client made the call. */
  runId?: RunId | null;
  /** The tool call. */
  callId: CallId;
  /** Where the command wrote to. */
  stream: OutputStream;
  /** What it wrote; bytes that are not UTF-8 are replaced. */
  text: string;
};

/** A registered tool. */
export type ToolSummary = {
  /** The tool's name. */
  name: string;
  /** What it does, as the model is told. */
  description: string;
  /** The JSON Schema of its arguments. */
  parameters: unknown;
  /** Other names that it answers to. */
  aliases?: string[];
};

/** Output of `tools.execute`. */
export type ToolsExecuteOutput = {
  /** Whether the tool did what was asked. */
  success: boolean;
  /** What it answered, as the model would see it. */
  result: unknown;
  /** The session whose log has the call. */
  sessionKey: SessionKey;
  /** The call, as its events name it. */
  callId: CallId;
  /** How long it took, in milliseconds. */
  durationMs: number;
};

/** Params of `tools.execute`. */
export type ToolsExecuteParams = {
  /** The tool's name, or one of its other names. */
  tool: string;
  /** Its arguments; none unless given. */
  params?: Record<string, unknown>;
  /** The session to run it in; a session of the call's own unless given. */
  sessionKey?: SessionKey | null;
};

/** Output of `tools.list`. */
export type ToolsListOutput = {
  /** The registered tools, by name. */
  tools: ToolSummary[];
};

/** Tokens that one model call, or a sum of calls, used. */
export type Usage = {
  /** Prompt tokens that were not read from a cache. */
  input: number;
  /** Tokens that the model wrote. */
  output: number;
  /** Prompt tokens read from the provider's cache. */
  cacheRead: number;
  /** Prompt tokens written to the provider's cache. */
  cacheWrite: number;
  /** The part of `cache_write` that is kept for an hour, which costs more. */
  cacheWrite1h?: number;
  /** The part of `output` that was reasoning. */
  reasoning: number;
};

/** What calls are summed up by. */
export type UsageBy = "agent" | "model" | "channel" | "day" | "session";

/** Output of `usage.get`. */
export type UsageGetOutput = {
  /** What the calls are summed up by. */
  by: UsageBy;
  /** The time zone whose days are meant. */
  timeZone: string;
  /** The first day; null for the first one there is. */
  since: string | null;
  /** The last day; null for today. */
  until: string | null;
  /** The sums: days in order, the others by what they cost, the highest first. */
  rows: UsageRow[];
  /** The sum of all of them. */
  total: UsageRow;
};

/** Params of `usage.get`. */
export type UsageGetParams = {
  /** What the calls are summed up by. */
  by?: UsageBy;
  /** The first day, as `YYYY-MM-DD`; from the first call on unless given. */
  since?: string | null;
  /** The last day, as `YYYY-MM-DD`; up to now unless given. */
  until?: string | null;
  /** The last so many days, today being one; in place of `since`. */
  days?: number | null;
  /** Only the calls of this agent. */
  agentId?: AgentId | null;
  /** Only the calls in this session. */
  sessionKey?: SessionKey | null;
};

/** Output of `usage.raise`. */
export type UsageRaiseOutput = {
  /** The cap as it is now. */
  cap: CapStatus;
  /** Until when it is raised; null where it stays so. */
  until: string | null;
};

/** Params of `usage.raise`. */
export type UsageRaiseParams = {
  /** The cap. */
  cap: CapName;
  /** What to raise it to, in US dollars. */
  usd?: number | null;
  /** What to raise it to, in tokens. */
  tokens?: number | null;
  /** The session whose cap it is, for `session`. */
  sessionKey?: SessionKey | null;
  /** The agent whose cap it is, for `agent`; the default agent unless given. */
  agentId?: AgentId | null;
};

/** What a number of calls took. */
export type UsageRow = {
  /** Whose calls they are; empty for the total. */
  name: string;
  /** How many calls there were, failed ones too. */
  calls: number;
  /** How many of them failed. */
  failed: number;
  /** How many used tokens at a price that nobody knows; what they cost comes on top of `costUsd`. */
  unpriced: number;
  /** Their tokens; `reasoning` is part of `output`. */
  tokens: Usage;
  /** What they cost in US dollars, at least. */
  costUsd: number;
  /** How long they took to their end; null where nobody has measured it. */
  latencyMs: Percentiles | null;
  /** How long they took to the first token; null where nobody has measured it. */
  firstTokenMs: Percentiles | null;
};

/** Output of `usage.status`. */
export type UsageStatusOutput = {
  /** The time zone whose days are meant. */
  timeZone: string;
  /** What was spent today, whether it is capped or not. */
  today: UsageRow;
  /** The caps that are set. */
  caps: CapStatus[];
};

/** Params of `usage.status`. */
export type UsageStatusParams = {
  /** Show also how this session stands against its cap. */
  sessionKey?: SessionKey | null;
};
