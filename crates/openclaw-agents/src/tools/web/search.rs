//! Search engines: what they are asked, and what they answer.

use std::fmt;
use std::sync::Arc;

use openclaw_core::ApiKey;
use openclaw_http::{GetJson, HeaderName, HttpClient, HttpError, Retry, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::html::{self, Form};

/// The longest answer of a search engine.
const MAX_ANSWER: usize = 2 * 1024 * 1024;
/// The longest title and snippet.
const MAX_SNIPPET: usize = 2_000;
/// Where Brave's engine is.
const BRAVE: &str = "https://api.search.brave.com";
/// The header that Brave wants its key in.
const TOKEN: HeaderName = HeaderName::from_static("x-subscription-token");

/// A search engine.
#[derive(Clone, Debug)]
pub enum SearchEngine {
    /// Brave Search, or what speaks like it.
    Brave {
        /// The key.
        key: Arc<ApiKey>,
        /// Where it is, if that is not Brave's own place.
        base: Option<Url>,
    },
    /// SearXNG.
    Searxng {
        /// Where it is.
        base: Url,
        /// Which kinds of results it is asked for unless the call says.
        categories: Option<String>,
        /// The language that it is asked for unless the call says.
        language: Option<String>,
    },
}

/// How recent results have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tools) enum Freshness {
    Day,
    Week,
    Month,
    Year,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tools) struct Query {
    pub(in crate::tools) words: String,
    pub(in crate::tools) count: usize,
    pub(in crate::tools) country: Option<String>,
    pub(in crate::tools) language: Option<String>,
    pub(in crate::tools) ui_language: Option<String>,
    pub(in crate::tools) categories: Option<String>,
    pub(in crate::tools) freshness: Option<Freshness>,
    /// From a day to a day.
    pub(in crate::tools) between: Option<(String, String)>,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) struct Hit {
    pub(in crate::tools) title: String,
    pub(in crate::tools) url: Url,
    pub(in crate::tools) snippet: Option<String>,
    pub(in crate::tools) published: Option<String>,
}

/// Why there are no results.
#[derive(Debug, thiserror::Error)]
pub(in crate::tools) enum SearchError {
    /// The engine cannot be asked, or refuses.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Its answer is not what it documents.
    #[error("{0} did not answer as its API is documented")]
    Answer(&'static str),
}

impl SearchEngine {
    /// Returns the name that configs know it by.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Brave { .. } => "brave",
            Self::Searxng { .. } => "searxng",
        }
    }

    /// Asks for results.
    pub(in crate::tools) async fn search(
        &self,
        query: &Query,
        client: &HttpClient,
        stop: &CancellationToken,
    ) -> Result<Vec<Hit>, SearchError> {
        let request = match self {
            Self::Brave { key, base } => {
                let base = base.as_ref().map_or(BRAVE, Url::as_str);
                let url = url(base, "res/v1/web/search", &brave(query));
                GetJson::new(&url)?.secret_header(TOKEN, "", key)?
            }
            Self::Searxng {
                base,
                categories,
                language,
            } => {
                let asked = searxng(query, categories.as_deref(), language.as_deref());
                GetJson::new(&url(base.as_str(), "search", &asked))?
            }
        };
        let request = request.retry(Retry::NEVER);
        let answer = client.get_json(request, MAX_ANSWER, stop).await?;
        let found = match self {
            Self::Brave { .. } => of_brave(&answer),
            Self::Searxng { .. } => of_searxng(&answer),
        };
        let found = found.ok_or(SearchError::Answer(self.name()))?;
        Ok(found
            .into_iter()
            .filter_map(hit)
            .take(query.count)
            .collect())
    }
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}

/// Puts an address together; what is no URL is refused by whoever sends the request.
fn url(base: &str, path: &str, asked: &[(&'static str, String)]) -> String {
    let place = format!("{}/{path}", base.trim_end_matches('/'));
    match Url::parse(&place) {
        Ok(mut url) => {
            url.query_pairs_mut().extend_pairs(asked);
            url.into()
        }
        Err(_no_url) => place,
    }
}

fn brave(query: &Query) -> Vec<(&'static str, String)> {
    let mut asked = vec![
        ("q", query.words.clone()),
        ("count", query.count.to_string()),
        ("text_decorations", "false".to_owned()),
    ];
    let said = [
        ("country", query.country.as_ref()),
        ("search_lang", query.language.as_ref()),
        ("ui_lang", query.ui_language.as_ref()),
    ];
    asked.extend(
        said.into_iter()
            .filter_map(|(name, value)| Some((name, value?.clone()))),
    );
    let fresh = match (&query.between, query.freshness) {
        (Some((from, to)), _) => Some(format!("{from}to{to}")),
        (None, Some(Freshness::Day)) => Some("pd".to_owned()),
        (None, Some(Freshness::Week)) => Some("pw".to_owned()),
        (None, Some(Freshness::Month)) => Some("pm".to_owned()),
        (None, Some(Freshness::Year)) => Some("py".to_owned()),
        (None, None) => None,
    };
    asked.extend(fresh.map(|fresh| ("freshness", fresh)));
    asked
}

fn searxng(
    query: &Query,
    categories: Option<&str>,
    language: Option<&str>,
) -> Vec<(&'static str, String)> {
    let categories = query
        .categories
        .as_deref()
        .or(categories)
        .unwrap_or("general");
    let mut asked = vec![
        ("q", query.words.clone()),
        ("format", "json".to_owned()),
        ("categories", categories.to_owned()),
    ];
    if let Some(language) = query.language.as_deref().or(language) {
        asked.push(("language", language.to_owned()));
    }
    if let Some(freshness) = query.freshness {
        asked.push(("time_range", freshness.to_string()));
    }
    asked
}

/// A result as an engine gives it.
#[derive(Debug, Deserialize)]
struct Given {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default, alias = "content")]
    description: Option<String>,
    #[serde(default, alias = "publishedDate")]
    page_age: Option<String>,
}

fn of_brave(answer: &[u8]) -> Option<Vec<Given>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    // Where nothing was found there is no such part.
    let results = match answer.get("web") {
        Some(web) => web.get("results")?.clone(),
        None if answer.is_object() => json!([]),
        None => return None,
    };
    serde_json::from_value(results).ok()
}

fn of_searxng(answer: &[u8]) -> Option<Vec<Given>> {
    let mut answer: Value = serde_json::from_slice(answer).ok()?;
    serde_json::from_value(answer.get_mut("results")?.take()).ok()
}

fn hit(given: Given) -> Option<Hit> {
    let url = Url::parse(&given.url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let published = given.page_age.filter(|date| is_date(date));
    Some(Hit {
        title: words(&given.title, &url),
        snippet: given.description.map(|text| words(&text, &url)),
        published,
        url,
    })
}

/// Returns the words of a text that may have tags and entities in it.
fn words(text: &str, base: &Url) -> String {
    let text: String = text.chars().take(MAX_SNIPPET).collect();
    let page = html::read(&text, base, Form::Text);
    let blocks: Vec<&str> = page.blocks.iter().map(|block| block.text.trim()).collect();
    blocks.join(" ")
}

fn is_date(text: &str) -> bool {
    let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    text.len() <= 40
        && text.is_ascii()
        && [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(is_digit)
        && !text.contains(char::is_whitespace)
}
