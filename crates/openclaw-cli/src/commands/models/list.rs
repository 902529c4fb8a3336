//! `openclaw models list`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use openclaw_config::AgentSettings;
use openclaw_core::{ModelRef, Price, ProviderId};
use openclaw_gateway::Home;
use openclaw_gateway::models::Models;
use openclaw_gateway::providers::Catalogue;
use serde::Serialize;

use super::view;
use crate::commands::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};
use crate::text;

/// The arguments of `models list`.
#[derive(Debug, Default, Args)]
pub(super) struct ListArgs {
    /// List every model that is known, not only those that are configured
    #[arg(long)]
    all: bool,
    /// List only the models of this provider, all that are known
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// List only models on this computer
    #[arg(long)]
    local: bool,
}

#[derive(Debug, Serialize)]
struct List {
    count: usize,
    models: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "OpenClaw's scripts read them one by one"
)]
struct Row {
    key: String,
    name: String,
    input: String,
    context_window: Option<u64>,
    max_tokens: Option<u32>,
    local: bool,
    available: bool,
    tools: bool,
    reasoning: bool,
    /// US dollars per million tokens.
    cost: Option<Price>,
    source: Source,
    tags: Vec<String>,
}

/// Who knows most about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Source {
    /// Nobody.
    Unknown,
    /// The catalogue that this program came with.
    BuiltIn,
    /// Its provider, when it was asked.
    Scan,
    /// The config.
    Config,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::BuiltIn => "built-in",
            Self::Scan => "scan",
            Self::Config => "config",
        }
    }
}

pub(super) fn run(
    cx: Cx<'_>,
    home: &Home,
    asked: Option<&str>,
    args: &ListArgs,
) -> Result<ExitCode, CliError> {
    let agent = view::agent(home, asked)?;
    let rows = runtime::block_on(Threads::One, async {
        Ok(rows(cx, home, agent, args).await)
    })?;
    if cx.out.is_json() {
        cx.out.document(&List {
            count: rows.len(),
            models: rows,
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        cx.out.note(
            "there are no such models; `openclaw models list --all` lists all that are known",
        );
        return Ok(ExitCode::SUCCESS);
    }
    let header = [
        "MODEL", "INPUT", "CONTEXT", "OUTPUT", "TOOLS", "USD/M", "KEY", "SOURCE", "TAGS",
    ];
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let cells = |row: &Row| {
        vec![
            text::one_line(&row.key).into_owned(),
            row.input.clone(),
            view::tokens(row.context_window),
            view::tokens(row.max_tokens.map(u64::from)),
            yes(row.tools),
            view::price(row.cost.as_ref()),
            yes(row.available),
            row.source.as_str().to_owned(),
            text::one_line(&row.tags.join(",")).into_owned(),
        ]
    };
    cx.out.table(&header, rows.iter().map(cells).collect())?;
    if args.all {
        let date = Catalogue::built_in().as_of();
        cx.out.note(format_args!("built-in figures are of {date}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn rows(cx: Cx<'_>, home: &Home, agent: &AgentSettings, args: &ListArgs) -> Vec<Row> {
    let models = Models::of(home);
    let asked = args.provider.as_deref().map(str::trim);
    let mut available: BTreeMap<ProviderId, bool> = BTreeMap::new();
    let mut rows = Vec::new();
    for (model, tags) in named(home, &models, agent, args) {
        let provider = &model.provider;
        let is_asked = asked.is_none_or(|asked| provider.as_str() == asked);
        let local = models.is_local(provider);
        if !is_asked || (args.local && !local) {
            continue;
        }
        if !available.contains_key(provider) {
            let keys = view::keys(cx, home, &models, agent, provider).await;
            available.insert(
                provider.clone(),
                view::is_available(&models, provider, &keys),
            );
        }
        let info = models.info(&model);
        rows.push(Row {
            key: model.to_string(),
            name: info.name.unwrap_or_else(|| info.id.clone()),
            input: view::input(&info.input),
            context_window: info.context_window,
            max_tokens: info.max_tokens,
            local,
            available: available.get(provider).copied().unwrap_or_default(),
            tools: info.tools,
            reasoning: info.reasoning,
            cost: info.price,
            source: source_of(home, &models, &model),
            tags,
        });
    }
    rows
}

/// Returns the models to list with their tags, those of the agent first.
fn named(
    home: &Home,
    models: &Models<'_>,
    agent: &AgentSettings,
    args: &ListArgs,
) -> Vec<(ModelRef, Vec<String>)> {
    let mut named: Vec<(ModelRef, Vec<String>)> = Vec::new();
    let mut add = |model: ModelRef, tag: Option<String>| match named
        .iter_mut()
        .find(|(known, _)| *known == model)
    {
        Some((_, tags)) => tags.extend(tag),
        None => named.push((model, tag.into_iter().collect())),
    };
    for (model, tag) in view::chain(agent) {
        add(model.clone(), Some(tag));
    }
    for (id, provider) in &home.config.providers {
        for model in &provider.models {
            let model = ModelRef {
                provider: id.clone(),
                model: model.id.clone(),
            };
            add(model, Some("configured".to_owned()));
        }
    }
    for (alias, model) in &home.config.aliases {
        add(model.clone(), Some(format!("alias:{alias}")));
    }
    if args.all || args.provider.is_some() {
        let catalogue = Catalogue::built_in();
        for provider in catalogue.providers() {
            for model in catalogue.of(provider) {
                add(reference(provider, &model.id), None);
            }
        }
        let listing = models.listing();
        for provider in listing.providers() {
            for model in listing
                .of(provider)
                .into_iter()
                .flat_map(|said| &said.models)
            {
                add(reference(provider, &model.id), None);
            }
        }
    }
    named
}

fn reference(provider: &str, model: &str) -> ModelRef {
    ModelRef {
        provider: provider.into(),
        model: model.to_owned(),
    }
}

fn source_of(home: &Home, models: &Models<'_>, model: &ModelRef) -> Source {
    let (provider, id) = (model.provider.as_str(), model.model.as_str());
    let settings = home.config.providers.get(&model.provider);
    if settings.is_some_and(|settings| settings.model(id).is_some()) {
        Source::Config
    } else if models.listing().find(provider, id).is_some() {
        Source::Scan
    } else if Catalogue::built_in().find(provider, id).is_some() {
        Source::BuiltIn
    } else {
        Source::Unknown
    }
}
