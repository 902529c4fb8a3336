//! Which settings have an effect here; every other one is named to the operator.

use serde_json::Value;

use super::reader::Reader;

/// The settings that have an effect, or none to have: notes of the tools that wrote the file.
/// `*` is any key; what is below a setting belongs to it.
const FOLLOWED: &[&[&str]] = &[
    &["$schema"],
    &["meta"],
    &["wizard"],
    &["agents", "ownership"],
    &["agents", "defaults", "imageModel", "fallbacks"],
    &["agents", "defaults", "imageModel", "primary"],
    &["agents", "defaults", "compaction", "enabled"],
    &["agents", "defaults", "compaction", "keepRecentTokens"],
    &["agents", "defaults", "compaction", "model"],
    &["agents", "defaults", "compaction", "recentTurnsPreserve"],
    &["agents", "defaults", "compaction", "timeoutSeconds"],
    &["agents", "defaults", "model", "fallbacks"],
    &["agents", "defaults", "model", "primary"],
    &["agents", "defaults", "models", "*", "alias"],
    &[
        "agents",
        "defaults",
        "models",
        "*",
        "params",
        "cacheRetention",
    ],
    &["agents", "defaults", "models", "*", "params", "maxTokens"],
    &["agents", "defaults", "models", "*", "params", "temperature"],
    &["agents", "defaults", "models", "*", "params", "thinking"],
    &["agents", "defaults", "maxConcurrent"],
    &["agents", "defaults", "params", "cacheRetention"],
    &["agents", "defaults", "params", "maxTokens"],
    &["agents", "defaults", "params", "temperature"],
    &["agents", "defaults", "thinkingDefault"],
    &["agents", "defaults", "timeoutSeconds"],
    &["agents", "defaults", "workspace"],
    &["agents", "defaults", "systemAgent", "agentId"],
    &["agents", "entries", "*", "agentDir"],
    &["agents", "entries", "*", "default"],
    &["agents", "entries", "*", "identity", "name"],
    &["agents", "entries", "*", "model", "fallbacks"],
    &["agents", "entries", "*", "model", "primary"],
    &[
        "agents",
        "entries",
        "*",
        "models",
        "*",
        "params",
        "cacheRetention",
    ],
    &[
        "agents",
        "entries",
        "*",
        "models",
        "*",
        "params",
        "maxTokens",
    ],
    &[
        "agents",
        "entries",
        "*",
        "models",
        "*",
        "params",
        "temperature",
    ],
    &[
        "agents", "entries", "*", "models", "*", "params", "thinking",
    ],
    &["agents", "entries", "*", "name"],
    &["agents", "entries", "*", "params", "cacheRetention"],
    &["agents", "entries", "*", "params", "maxTokens"],
    &["agents", "entries", "*", "params", "temperature"],
    &["agents", "entries", "*", "thinkingDefault"],
    &["agents", "entries", "*", "tools", "allow"],
    &["agents", "entries", "*", "tools", "alsoAllow"],
    &["agents", "entries", "*", "tools", "byProvider"],
    &["agents", "entries", "*", "tools", "deny"],
    &["agents", "entries", "*", "tools", "exec", "ask"],
    &["agents", "entries", "*", "tools", "exec", "backgroundMs"],
    &["agents", "entries", "*", "tools", "exec", "mode"],
    &["agents", "entries", "*", "tools", "exec", "security"],
    &["agents", "entries", "*", "tools", "exec", "timeoutSeconds"],
    &["agents", "entries", "*", "tools", "loopDetection"],
    &["agents", "entries", "*", "tools", "profile"],
    &["agents", "entries", "*", "tools", "sandbox", "tools"],
    &["agents", "entries", "*", "tools", "toolsBySender"],
    &["agents", "entries", "*", "workspace"],
    &["auth", "order"],
    &["auth", "profiles"],
    &["commands", "ownerAllowFrom"],
    &["diagnostics", "enabled"],
    &["diagnostics", "otel", "enabled"],
    &["diagnostics", "otel", "endpoint"],
    &["diagnostics", "otel", "flushIntervalMs"],
    &["diagnostics", "otel", "headers"],
    &["diagnostics", "otel", "metricNamePrefix"],
    &["diagnostics", "otel", "metrics"],
    &["diagnostics", "otel", "metricsEndpoint"],
    &["diagnostics", "otel", "protocol"],
    &["diagnostics", "otel", "sampleRate"],
    &["diagnostics", "otel", "serviceName"],
    &["diagnostics", "otel", "traces"],
    &["diagnostics", "otel", "tracesEndpoint"],
    &["env"],
    &["gateway", "allowRealIpFallback"],
    &["gateway", "auth", "mode"],
    &["gateway", "auth", "password"],
    &["gateway", "auth", "rateLimit"],
    &["gateway", "auth", "token"],
    &["gateway", "auth", "trustedProxy", "allowLoopback"],
    &["gateway", "auth", "trustedProxy", "allowUsers"],
    &["gateway", "auth", "trustedProxy", "requiredHeaders"],
    &["gateway", "auth", "trustedProxy", "userHeader"],
    &["gateway", "bind"],
    &["gateway", "controlUi", "allowedOrigins"],
    &["gateway", "customBindHost"],
    &["gateway", "http", "endpoints", "chatCompletions", "enabled"],
    &["gateway", "http", "endpoints", "chatCompletions", "images"],
    &["gateway", "http", "endpoints", "responses", "enabled"],
    &["gateway", "http", "endpoints", "responses", "files"],
    &["gateway", "http", "endpoints", "responses", "images"],
    &["gateway", "http", "endpoints", "responses", "maxUrlParts"],
    &["gateway", "mode"],
    &["gateway", "port"],
    &["gateway", "reload"],
    &["gateway", "tls", "autoGenerate"],
    &["gateway", "tls", "caPath"],
    &["gateway", "tls", "certPath"],
    &["gateway", "tls", "enabled"],
    &["gateway", "tls", "keyPath"],
    &["gateway", "trustedProxies"],
    &["logging", "consoleLevel"],
    &["logging", "consoleStyle"],
    &["logging", "file"],
    &["logging", "level"],
    &["logging", "maxFileBytes"],
    &["logging", "redactPatterns"],
    &["messages", "queue"],
    &["models", "mode"],
    &["models", "providers", "*", "api"],
    &["models", "providers", "*", "apiKey"],
    &["models", "providers", "*", "auth"],
    &["models", "providers", "*", "authHeader"],
    &["models", "providers", "*", "baseUrl"],
    &["models", "providers", "*", "headers"],
    &["models", "providers", "*", "maxTokens"],
    &["models", "providers", "*", "models"],
    &["models", "providers", "*", "params"],
    &["models", "providers", "*", "request", "auth"],
    &["models", "providers", "*", "request", "headers"],
    &["models", "providers", "*", "request", "proxy", "mode"],
    &["models", "providers", "*", "request", "proxy", "tls", "ca"],
    &[
        "models",
        "providers",
        "*",
        "request",
        "proxy",
        "tls",
        "insecureSkipVerify",
    ],
    &["models", "providers", "*", "request", "proxy", "url"],
    &["models", "providers", "*", "request", "tls", "ca"],
    &[
        "models",
        "providers",
        "*",
        "request",
        "tls",
        "insecureSkipVerify",
    ],
    &["models", "providers", "*", "timeoutSeconds"],
    &[
        "plugins",
        "entries",
        "brave",
        "config",
        "webSearch",
        "apiKey",
    ],
    &[
        "plugins",
        "entries",
        "brave",
        "config",
        "webSearch",
        "baseUrl",
    ],
    &["plugins", "entries", "brave", "enabled"],
    &[
        "plugins",
        "entries",
        "searxng",
        "config",
        "webSearch",
        "baseUrl",
    ],
    &[
        "plugins",
        "entries",
        "searxng",
        "config",
        "webSearch",
        "categories",
    ],
    &[
        "plugins",
        "entries",
        "searxng",
        "config",
        "webSearch",
        "language",
    ],
    &["plugins", "entries", "searxng", "enabled"],
    &["secrets", "defaults"],
    &["secrets", "providers"],
    &["session", "maintenance"],
    &["tools", "agentToAgent"],
    &["tools", "allow"],
    &["tools", "alsoAllow"],
    &["tools", "byProvider"],
    &["tools", "deny"],
    &["tools", "exec", "ask"],
    &["tools", "exec", "backgroundMs"],
    &["tools", "exec", "mode"],
    &["tools", "exec", "security"],
    &["tools", "exec", "timeoutSeconds"],
    &["tools", "loopDetection"],
    &["tools", "profile"],
    &["tools", "sandbox", "tools"],
    &["tools", "sessions", "visibility"],
    &["tools", "toolsBySender"],
    &["tools", "web", "fetch", "cacheTtlMinutes"],
    &["tools", "web", "fetch", "enabled"],
    &["tools", "web", "fetch", "maxChars"],
    &["tools", "web", "fetch", "maxCharsCap"],
    &["tools", "web", "fetch", "maxRedirects"],
    &["tools", "web", "fetch", "maxResponseBytes"],
    &["tools", "web", "fetch", "readability"],
    &["tools", "web", "fetch", "ssrfPolicy", "allowedHostnames"],
    &["tools", "web", "fetch", "ssrfPolicy", "blockedHostnames"],
    &["tools", "web", "fetch", "timeoutSeconds"],
    &["tools", "web", "fetch", "userAgent"],
    &["tools", "web", "search", "cacheTtlMinutes"],
    &["tools", "web", "search", "enabled"],
    &["tools", "web", "search", "maxResults"],
    &["tools", "web", "search", "provider"],
    &["tools", "web", "search", "timeoutSeconds"],
];

/// Of these, each member is named: which messenger has no effect is what the operator asks.
const NAMED_BY_MEMBER: [&str; 1] = ["channels"];

impl Reader<'_> {
    /// Notes every setting without effect, at the highest place where nothing below has any.
    pub(super) fn areas(&mut self) {
        let mut path = Vec::new();
        let members: Vec<(&str, &Value)> = self.members(&[]).collect();
        for (key, value) in members {
            path.push(key);
            self.area(&mut path, value);
            path.pop();
        }
    }

    fn area<'v>(&mut self, path: &mut Vec<&'v str>, value: &'v Value) {
        let fits = |known: &[&str]| {
            known
                .iter()
                .zip(path.iter())
                .all(|(known, key)| *known == "*" || known == key)
        };
        let mut fitting = FOLLOWED.iter().filter(|known| fits(known)).peekable();
        let by_member = *path == NAMED_BY_MEMBER;
        if fitting.peek().is_none() && !by_member {
            self.not_followed(path, "is accepted, but has no effect in this version");
            return;
        }
        let whole = fitting.any(|known| known.len() <= path.len());
        // What is no object where one could be is a short form of it.
        if let (false, Some(members)) = (whole, value.as_object()) {
            for (key, value) in members {
                path.push(key);
                self.area(path, value);
                path.pop();
            }
        }
    }
}
