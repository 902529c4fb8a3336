//! The keys whose values are secret.

/// The places of secrets whose names do not tell; `*` is any key, elements of arrays have none.
const LISTED: &[&str] = &[
    "agents.*.sandbox.ssh.certificateData",
    "agents.*.sandbox.ssh.identityData",
    "agents.*.sandbox.ssh.knownHostsData",
    "agents.entries.*.sandbox.ssh.certificateData",
    "agents.entries.*.sandbox.ssh.identityData",
    "agents.entries.*.sandbox.ssh.knownHostsData",
    "channels.synology-chat.accounts.*.incomingUrl",
    "channels.synology-chat.accounts.*.webhookUrl",
    "channels.synology-chat.incomingUrl",
    "channels.synology-chat.webhookUrl",
    "gateway.remote.edgeAuth.*",
    "hooks.mappings.sessionKey",
    "mcp.servers.*.env.*",
    "nodeHost.mcp.servers.*.env.*",
    "plugins.entries.onepassword",
    "proxy.proxyUrl",
    "security.installPolicy.exec.env.*",
];

/// The last keys of places of secrets, wherever they stand.
const LISTED_ENDS: &[&[&str]] = &[
    &["headers", "*"],
    &["request", "auth", "value"],
    &["tls", "ca"],
    &["tls", "cert"],
    &["tls", "key"],
    &["tls", "passphrase"],
];

/// A path that has one of these anywhere is that of a secret.
const TELLING: &[&str] = &["password", "secret", "localservice.env."];
/// So is one that has both of these with at most one character between them.
const TELLING_PAIRS: &[(&str, &str)] = &[("api", "key"), ("encrypt", "key"), ("private", "key")];
/// So is one that ends like this.
const TELLING_ENDS: &[&str] = &["token", "serviceaccount", "serviceaccountref"];

/// Names that sound like secrets and are none.
const HARMLESS_ENDS: &[&str] = &[
    "maxtokens",
    "maxoutputtokens",
    "maxinputtokens",
    "maxcompletiontokens",
    "contexttokens",
    "totaltokens",
    "tokencount",
    "tokenlimit",
    "tokenbudget",
    "passwordfile",
];

/// What the names of variables with credentials end with; this program's own rule.
const CREDENTIAL_ENDS: &[&str] = &[
    "_KEY",
    "_PASS",
    "_PASSWD",
    "_PASSPHRASE",
    "_CREDENTIALS",
    "_PAT",
];

/// Keys whose values are URLs that may carry credentials.
const URL_ENDS: &[&str] = &[".baseurl", ".httpurl", ".cdpurl", ".request.proxy.url"];

/// Tells whether a path is one of the listed ones.
pub(super) fn is_listed(path: &[String]) -> bool {
    let fits = |pattern: &str, key: &String| pattern == "*" || pattern == key;
    let whole = |pattern: &str| {
        let mut keys = path.iter();
        let all = pattern
            .split('.')
            .all(|one| keys.next().is_some_and(|key| fits(one, key)));
        all && keys.next().is_none()
    };
    let end = |pattern: &[&str]| {
        let skipped = path.len().checked_sub(pattern.len());
        let end = skipped.and_then(|from| path.get(from..));
        end.is_some_and(|end| pattern.iter().zip(end).all(|(one, key)| fits(one, key)))
    };
    LISTED.iter().any(|pattern| whole(pattern)) || LISTED_ENDS.iter().any(|pattern| end(pattern))
}

/// Tells whether what stands at a path may have been left out.
pub(super) fn is_hidden(path: &[String]) -> bool {
    let secret = |path: &[String]| is_listed(path) || is_secret(path);
    let id = path
        .split_last()
        .is_some_and(|(key, parent)| key == "id" && secret(parent));
    id || secret(path) || holds_url(path)
}

/// Tells by the names of the keys whether a text at a path is a secret.
pub(super) fn is_secret(path: &[String]) -> bool {
    let joined = path.join(".").to_lowercase();
    if joined.contains("localservice.env.") || names_a_credential(path) {
        return true;
    }
    let ends = |ends: &[&str]| ends.iter().any(|end| joined.ends_with(end));
    let pair = |(first, second): &(&str, &str)| {
        joined.match_indices(first).any(|(at, first)| {
            let rest = joined
                .get(at.saturating_add(first.len())..)
                .unwrap_or_default();
            let mut one_on = rest.chars();
            one_on.next();
            rest.starts_with(second) || one_on.as_str().starts_with(second)
        })
    };
    !ends(HARMLESS_ENDS)
        && (ends(TELLING_ENDS)
            || TELLING.iter().any(|part| joined.contains(part))
            || TELLING_PAIRS.iter().any(pair))
}

/// Tells whether an object at the path of a secret is secret with all that it holds.
pub(super) fn is_secret_as_a_whole(path: &[String]) -> bool {
    let name = path
        .last()
        .map(|key| key.to_lowercase())
        .unwrap_or_default();
    name.ends_with("serviceaccount") || name.ends_with("serviceaccountref")
}

/// Tells whether a URL at a path may carry credentials.
pub(super) fn holds_url(path: &[String]) -> bool {
    let joined = path.join(".").to_lowercase();
    let server = match path {
        [mcp, servers, _, url] => mcp == "mcp" && servers == "servers" && url == "url",
        [host, mcp, servers, _, url] => {
            host == "nodeHost" && mcp == "mcp" && servers == "servers" && url == "url"
        }
        _ => false,
    };
    server || URL_ENDS.iter().any(|end| joined.ends_with(end))
}

/// Variables stand in `env`, in `env.vars` and in the `env` of whatever has one.
fn names_a_credential(path: &[String]) -> bool {
    let Some((name, parents)) = path.split_last() else {
        return false;
    };
    let name = name.to_uppercase();
    parents.iter().any(|key| key == "env") && CREDENTIAL_ENDS.iter().any(|end| name.ends_with(end))
}
