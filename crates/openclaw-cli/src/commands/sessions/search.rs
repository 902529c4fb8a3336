//! `openclaw sessions search`: what was said, asked of tools and answered by them.

use clap::Args;
use clap::builder::PossibleValuesParser;
use openclaw_core::SessionKey;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{SearchHit, SearchKind, SearchQuery, SnippetPart};
use openclaw_core::state_dir::StateDir;
use serde_json::{Value, json};

use super::SessionsError;
use super::lookup::{existing_log, find_in};
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::{Look, Output};
use crate::progress;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions search tide
  openclaw sessions search 'deploy* \"exit status 1\"' --kind ToolResult
  openclaw sessions search tide --session agent:main:main --limit 5 --json

All words have to be in an event, in any order; \"several words\" in this one; begin* stands for all
words that begin so. Case, accents and punctuation do not matter. The latest events come first.";

/// The arguments of `sessions search`.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// The words to look for
    #[arg(required = true, value_name = "QUERY")]
    words: Vec<String>,
    /// Look only in this session
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// Look only at events of this kind; may be given several times
    #[arg(
        long,
        value_name = "KIND",
        ignore_case = true,
        value_parser = PossibleValuesParser::new(SearchKind::ALL.map(SearchKind::name))
    )]
    kind: Vec<String>,
    /// Show at most N events
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=200)
    )]
    limit: u32,
    /// Show what lies before this position of the log: the next page
    #[arg(long, value_name = "CURSOR")]
    before: Option<u64>,
}

pub(super) async fn search(cx: Cx<'_>, state: &StateDir, args: SearchArgs) -> Result<(), CliError> {
    let session = args.session.as_deref().map(SessionKey::parse).transpose()?;
    let store = existing_log(state)?.ok_or_else(|| SessionsError::NoLog(state.event_log()))?;
    let session = match session {
        Some(key) => Some(find_in(&store, key).await?.key),
        None => None,
    };
    let query = SearchQuery {
        session,
        kinds: SearchKind::ALL
            .into_iter()
            .filter(|kind| {
                args.kind
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(kind.name()))
            })
            .collect(),
        limit: args.limit,
        before: args.before,
        ..SearchQuery::new(args.words.join(" "))
    };
    let asked = query.text.clone();
    let hits = progress::watched(cx.out, "indexing", |hear| store.search(query, hear)).await?;
    let full = u32::try_from(hits.len()) == Ok(args.limit);
    let next = hits.last().filter(|_| full).map(|hit| hit.position);
    if cx.out.is_json() {
        let hits: Vec<Value> = hits.iter().map(document).collect();
        let data = json!({ "query": asked, "hits": hits, "nextCursor": next });
        return cx.out.answer(&data, &[]);
    }
    if hits.is_empty() {
        cx.out.note("nothing found");
    }
    for hit in &hits {
        let place = format!("{}  event {}", hit.session, hit.seq);
        let rest = format!("{}  {}", rfc3339(hit.time), hit.kind.name());
        cx.out.line(format_args!(
            "{}  {}",
            cx.out.look(Look::Strong, &text::one_line(&place)),
            cx.out.look(Look::Dim, &rest)
        ))?;
        cx.out
            .line(format_args!("  {}", snippet(&hit.snippet, cx.out)))?;
    }
    if let Some(next) = next {
        cx.out
            .note(format_args!("there may be more; see --before {next}"));
    }
    Ok(())
}

fn document(hit: &SearchHit) -> Value {
    let snippet: Vec<Value> = hit
        .snippet
        .iter()
        .map(|part| json!({ "text": part.text, "hit": part.hit }))
        .collect();
    json!({
        "sessionKey": hit.session,
        "seq": hit.seq,
        "position": hit.position,
        "time": rfc3339(hit.time),
        "kind": hit.kind.name(),
        "snippet": snippet,
    })
}

/// Returns the words around what was found, which stands out.
fn snippet(parts: &[SnippetPart], out: &Output) -> String {
    parts
        .iter()
        .map(|part| {
            let text = text::one_line(&part.text);
            if part.hit {
                out.look(Look::Strong, &text).into_owned()
            } else {
                text.into_owned()
            }
        })
        .collect()
}
