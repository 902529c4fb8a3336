//! Every metric, in one table: its names here and at a collector, its unit, its labels, its help.
//!
//! Where OpenClaw measures the same, the metric has the name that it has there.

/// The bounds of times that pass within the program.
const SHORT: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];
/// The bounds of times that others take.
const LONG: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];
/// The bounds of counts of tokens, as the semantic conventions have them.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
];

/// What a metric's values are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// How many there were up to each of these bounds.
    Histogram(&'static [f64]),
}

/// A label: its name for Prometheus, and for a collector.
pub(crate) type Label = (&'static str, &'static str);

const PROVIDER: Label = ("provider", "gen_ai.provider.name");
const MODEL: Label = ("model", "gen_ai.request.model");
const TOKEN_TYPE: Label = ("token_type", "gen_ai.token.type");
const TOOL: Label = ("tool", "gen_ai.tool.name");
const OUTCOME: Label = ("outcome", "openclaw.outcome");
const DIALECT: Label = ("dialect", "openclaw.dialect");

/// What is known of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct About {
    /// Its name for Prometheus.
    pub(crate) name: &'static str,
    /// Its name for a collector.
    pub(crate) otlp: &'static str,
    /// Its unit, as UCUM has it.
    pub(crate) unit: &'static str,
    /// What its values are.
    pub(crate) shape: Shape,
    /// By what they are told apart.
    pub(crate) labels: &'static [Label],
    /// What it tells, in a sentence.
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($id:ident: $name:literal, $otlp:literal, $unit:literal, $shape:expr, $labels:expr, $help:literal;)*) => {
        /// Names a metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Metric {
            $(#[doc = $help] $id,)*
        }

        impl Metric {
            /// Every metric, in the order in which they are shown.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$id,)*];

            /// Returns what is known of it.
            pub(crate) const fn about(self) -> About {
                match self {
                    $(Self::$id => About {
                        name: $name,
                        otlp: $otlp,
                        unit: $unit,
                        shape: $shape,
                        labels: $labels,
                        help: $help,
                    },)*
                }
            }
        }
    };
}

metrics! {
    BuildInfo: "openclaw_gateway_build_info", "openclaw.gateway.build_info", "1", Shape::Gauge, &[("version", "service.version")],
        "The version that runs; always 1.";
    Requests: "openclaw_http_requests_total", "openclaw.http.requests", "{request}", Shape::Counter, &[DIALECT, ("route", "http.route"), ("status", "http.response.status_code")],
        "HTTP requests by dialect, route and status.";
    RpcRequests: "openclaw_gateway_rpc_requests_total", "openclaw.gateway.rpc.requests", "{request}", Shape::Counter, &[DIALECT, OUTCOME],
        "Calls of methods, over HTTP and sockets, by dialect and outcome.";
    Sockets: "openclaw_websocket_clients", "openclaw.websocket.clients", "{client}", Shape::Gauge, &[DIALECT],
        "Clients that have a WebSocket now.";
    Runs: "openclaw_run_completed_total", "openclaw.run.completed", "{run}", Shape::Counter, &[OUTCOME],
        "Turns that have ended, by outcome.";
    RunDuration: "openclaw_run_duration_seconds", "openclaw.run.duration", "s", Shape::Histogram(LONG), &[OUTCOME],
        "Time from a message on record to the end of its turn on record.";
    RunsActive: "openclaw_runs_active", "openclaw.runs.active", "{run}", Shape::Gauge, &[],
        "Turns that go on now.";
    Steps: "openclaw_run_steps_total", "openclaw.run.steps", "{step}", Shape::Counter, &[],
        "Steps of turns: one answer of a model each.";
    Queue: "openclaw_session_queue_depth", "openclaw.session.queue_depth", "{message}", Shape::Gauge, &[],
        "Messages that wait for the end of a turn.";
    ModelCalls: "openclaw_model_call_total", "openclaw.model.calls", "{call}", Shape::Counter, &[PROVIDER, MODEL, OUTCOME],
        "Calls of models, failed ones too, by outcome.";
    ModelDuration: "openclaw_model_call_duration_seconds", "gen_ai.client.operation.duration", "s", Shape::Histogram(LONG), &[PROVIDER, MODEL],
        "Time that calls of models took to their end.";
    FirstToken: "openclaw_model_first_token_seconds", "gen_ai.client.operation.time_to_first_chunk", "s", Shape::Histogram(LONG), &[PROVIDER, MODEL],
        "Time that calls of models took to their first token.";
    Tokens: "openclaw_model_tokens_total", "openclaw.tokens", "{token}", Shape::Counter, &[PROVIDER, MODEL, TOKEN_TYPE],
        "Tokens that calls of models took.";
    TokenUsage: "openclaw_gen_ai_client_token_usage", "gen_ai.client.token.usage", "{token}", Shape::Histogram(TOKENS), &[PROVIDER, MODEL, TOKEN_TYPE],
        "Tokens of each call of a model.";
    Cost: "openclaw_model_cost_usd_total", "openclaw.cost.usd", "{USD}", Shape::Counter, &[PROVIDER, MODEL],
        "What calls of models cost, where the price is known.";
    Tools: "openclaw_tool_execution_total", "openclaw.tool.executions", "{call}", Shape::Counter, &[TOOL, OUTCOME],
        "Tool calls that have ended, by outcome.";
    ToolDuration: "openclaw_tool_execution_duration_seconds", "openclaw.tool.duration", "s", Shape::Histogram(LONG), &[TOOL],
        "Time that tools ran.";
    Approvals: "openclaw_approvals_pending", "openclaw.approvals.pending", "{approval}", Shape::Gauge, &[],
        "Tool calls that wait for a person's consent.";
    Events: "openclaw_event_log_events_total", "openclaw.event_log.events", "{event}", Shape::Counter, &[],
        "Events that this process has recorded.";
    Append: "openclaw_event_log_append_seconds", "openclaw.event_log.append", "s", Shape::Histogram(SHORT), &[],
        "Time that somebody waited for the event log to have something on disk.";
    Dropped: "openclaw_telemetry_dropped_total", "openclaw.telemetry.dropped", "{item}", Shape::Counter, &[("signal", "openclaw.signal")],
        "Facts and spans that were not exported, because too many waited.";
    Exports: "openclaw_telemetry_exporter_total", "openclaw.telemetry.exports", "{export}", Shape::Counter, &[("signal", "openclaw.signal"), OUTCOME],
        "Attempts to send something to the collector.";
    SeriesDropped: "openclaw_prometheus_series_dropped_total", "openclaw.telemetry.series_dropped", "{series}", Shape::Counter, &[],
        "Values that went to the series `other`, because a metric had too many.";
    Memory: "process_resident_memory_bytes", "process.memory.usage", "By", Shape::Gauge, &[],
        "Resident memory of the process.";
    Started: "process_start_time_seconds", "openclaw.process.start_time", "s", Shape::Gauge, &[],
        "When the gateway started, in seconds since 1970.";
}

/// The dialects in which clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// JSON-RPC 2.0.
    JsonRpc,
    /// OpenClaw's own protocol.
    OpenClaw,
    /// OpenAI's HTTP API.
    OpenAi,
    /// None of them: pages, probes, hooks.
    Http,
}

impl Dialect {
    /// Returns the dialect that a route is for.
    pub(crate) fn of_route(route: &str) -> Self {
        match route {
            "/rpc" | "/ws" => Self::JsonRpc,
            "/" => Self::OpenClaw,
            route if route.starts_with("/v1/") => Self::OpenAi,
            _ => Self::Http,
        }
    }

    /// Returns its name as a label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::JsonRpc => "jsonrpc",
            Self::OpenClaw => "openclaw",
            Self::OpenAi => "openai",
            Self::Http => "http",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_that_tells_its_unit() {
        let all = Metric::ALL.iter().map(|metric| metric.about());
        for about in all.clone() {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(about.name.chars().all(legal), "{}", about.name);
            let counts = about.name.ends_with("_total");
            assert_eq!(counts, about.shape == Shape::Counter, "{}", about.name);
            let seconds = about.name.ends_with("_seconds");
            assert_eq!(seconds, about.unit == "s", "{}", about.name);
            assert_eq!(about.name.ends_with("_bytes"), about.unit == "By");
            assert!(about.help.ends_with('.'), "{}", about.name);
        }
        let names: BTreeSet<_> = all.clone().map(|about| about.name).collect();
        let otlp: BTreeSet<_> = all.map(|about| about.otlp).collect();
        assert_eq!(
            (names.len(), otlp.len()),
            (Metric::ALL.len(), Metric::ALL.len())
        );
    }
}
