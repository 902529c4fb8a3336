//! The tools of the web and of sessions, as the config describes them.

use openclaw_agents::ToolRegistry;
use openclaw_agents::tools::{
    ImageTool, Part, Reading, SearchEngine, Searching, SessionReach, SessionsHistoryTool,
    SessionsListTool, SessionsSendTool, Tool as _, Visibility, WebFetchTool, WebSearchTool,
};
use openclaw_config::{
    SearxngSettings, SecretInput, SessionVisibility, WebFetchSettings, WebSearchSettings,
};
use openclaw_http::Url;
use openclaw_http::fetch::{Bounds, Fetcher, Lists, Names, Policy};
use openclaw_http::guard::{Host, Place};

use crate::error::GatewayError;
use crate::home::Home;

const BRAVE_URL: &str = "plugins.entries.brave.config.webSearch.baseUrl";
const SEARXNG_URL: &str = "plugins.entries.searxng.config.webSearch.baseUrl";

/// Puts the tools in that the config describes, and takes out those that it switches off.
pub(crate) fn tools(home: &Home, tools: ToolRegistry) -> Result<ToolRegistry, GatewayError> {
    let web = &home.config.web;
    let mut tools = match &web.fetch {
        Some(settings) => {
            let fetcher = fetcher(home, settings)?;
            tools
                .with(ImageTool::new(&fetcher))
                .with(WebFetchTool::new(fetcher, reading(settings)))
        }
        None => tools.without(WebFetchTool::NAME),
    };
    if let Some(settings) = &web.search {
        let engines = engines(home, settings)?;
        if !engines.is_empty() {
            tools = tools.with(WebSearchTool::new(engines, searching(settings)));
        }
    }
    let reach = reach(home);
    Ok(tools
        .with(SessionsListTool::new(reach.clone()))
        .with(SessionsHistoryTool::new(reach.clone()))
        .with(SessionsSendTool::new(reach)))
}

fn fetcher(home: &Home, settings: &WebFetchSettings) -> Result<Fetcher, GatewayError> {
    let lists = &home.config.own.web;
    let deny: Vec<String> = lists
        .deny
        .iter()
        .chain(&settings.blocked_hosts)
        .cloned()
        .collect();
    let lists = Lists {
        allow: &lists.allow,
        deny: &deny,
        private: &lists.private,
    };
    let policy = Policy::parse_named(&lists, Names::WEB)?;
    let policy = policy.with_own_ports(vec![home.config.gateway.port]);
    let mut trusted: Vec<Host> = Vec::new();
    for name in &settings.allowed_hosts {
        match name.parse() {
            Ok(host) => trusted.push(host),
            Err(err) => {
                let err: openclaw_http::guard::HostError = err;
                tracing::warn!(name, %err, "an entry of tools.web.fetch.ssrfPolicy.allowedHostnames names no host");
            }
        }
    }
    let bounds = Bounds {
        time: settings.timeout,
        redirects: settings.redirects,
        bytes: settings.max_bytes,
        ..Bounds::default()
    };
    let fetcher = Fetcher::new(policy)
        .with_bounds(bounds)
        .with_trusted(trusted);
    Ok(match &settings.user_agent {
        Some(agent) => fetcher.with_agent(agent.clone()),
        None => fetcher,
    })
}

const fn reading(settings: &WebFetchSettings) -> Reading {
    Reading {
        max_chars: settings.max_chars,
        max_chars_cap: settings.max_chars_cap,
        keep: settings.keep,
        part: if settings.readability {
            Part::Article
        } else {
            Part::Everything
        },
    }
}

const fn searching(settings: &WebSearchSettings) -> Searching {
    Searching {
        max_results: settings.max_results,
        timeout: settings.timeout,
        keep: settings.keep,
    }
}

/// Returns the search engines that there are: the chosen one, or those that have what they need.
fn engines(home: &Home, settings: &WebSearchSettings) -> Result<Vec<SearchEngine>, GatewayError> {
    let chosen = settings.provider.as_deref();
    let may_be = |name: &str| chosen.is_none_or(|chosen| chosen == name);
    let mut engines = Vec::new();
    if let (Some(brave), true) = (&settings.brave, may_be("brave")) {
        let is_named = matches!(brave.key, SecretInput::Named(_));
        match home.secret(&brave.key, brave.key_path) {
            Ok(key) => engines.push(SearchEngine::Brave {
                key,
                base: base(brave.base_url.as_deref(), BRAVE_URL)?,
            }),
            // Where nobody chose the engine, it is not missed.
            Err(_no_key) if is_named && chosen.is_none() => {}
            Err(err) => {
                tracing::warn!(%err, "the search engine brave has no key, and is not asked");
            }
        }
    }
    if let (Some(searxng), true) = (&settings.searxng, may_be("searxng")) {
        engines.extend(self::searxng(searxng)?);
    }
    Ok(engines)
}

fn searxng(settings: &SearxngSettings) -> Result<Option<SearchEngine>, GatewayError> {
    let base = base(Some(&settings.base_url), SEARXNG_URL)?;
    Ok(base.map(|base| SearchEngine::Searxng {
        base,
        categories: settings.categories.clone(),
        language: settings.language.clone(),
    }))
}

/// Reads the address of a search engine: what is looked for is nobody's business on the way there.
fn base(text: Option<&str>, path: &'static str) -> Result<Option<Url>, GatewayError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let wrong = |why| GatewayError::SearchEngine { path, why };
    let url = Url::parse(text.trim()).map_err(|_quoting| wrong("is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(wrong(
            "has to be an address alone, without a password or a query",
        ));
    }
    match url.scheme() {
        "https" => Ok(Some(url)),
        "http" if is_near(&url) => Ok(Some(url)),
        "http" => Err(wrong(
            "has to begin with https:// unless it is on this machine or a private network",
        )),
        _ => Err(wrong("has to begin with https:// or http://")),
    }
}

/// Tells whether a host is in this machine's own network, by its address or its kind of name.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.parse::<Host>() {
        Ok(Host::Address(address)) => Place::of(address) != Place::Public,
        Ok(Host::Name(name)) => {
            let endings = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];
            !name.contains('.') || endings.iter().any(|ending| name.ends_with(ending))
        }
        Err(_no_host) => false,
    }
}

fn reach(home: &Home) -> SessionReach {
    let settings = &home.config.session_tools;
    SessionReach {
        visibility: match settings.visibility {
            SessionVisibility::Own => Visibility::Own,
            SessionVisibility::Tree => Visibility::Tree,
            SessionVisibility::Agent => Visibility::Agent,
            SessionVisibility::All => Visibility::All,
        },
        across: settings.across.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_engine_is_asked_in_the_clear_only_where_nobody_is_on_the_way() {
        for good in [
            "https://search.example/searx",
            "http://127.0.0.1:8888",
            "http://[::1]:8888/",
            "http://192.168.1.5",
            "http://searxng:8080",
            "http://search.lan",
        ] {
            assert!(base(Some(good), SEARXNG_URL).is_ok(), "{good}");
        }
        for bad in [
            "http://search.example",
            "http://8.8.8.8",
            "https://me:secret@search.example",
            "https://search.example/?key=secret",
            "file:///etc/passwd",
            "search",
        ] {
            let message = base(Some(bad), SEARXNG_URL).unwrap_err().to_string();
            assert!(message.starts_with("`plugins."), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
