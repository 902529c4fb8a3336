//! `openclaw models set`, `aliases` and `fallbacks`: what they change of the config.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_config::{aliases as aliases_of, model_named, source};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Kind, ModelRef};
use openclaw_gateway::models::known;
use openclaw_gateway::providers::{Catalogue, WELL_KNOWN, replay};
use serde_json::{Value, json};

use crate::commands::Cx;
use crate::commands::config::{self, Edit};
use crate::error::CliError;

pub(super) const SET_EXAMPLES: &str = "\
Examples:
  openclaw models set anthropic/claude-opus-5
  openclaw models set opus";

const ALIASES_EXAMPLES: &str = "\
Examples:
  openclaw models aliases list
  openclaw models aliases add opus anthropic/claude-opus-5
  openclaw models aliases remove opus";

const FALLBACKS_EXAMPLES: &str = "\
Examples:
  openclaw models fallbacks list
  openclaw models fallbacks add openai/gpt-5.5
  openclaw models fallbacks remove openai/gpt-5.5
  openclaw models fallbacks clear";

/// The longest alias.
const MAX_ALIAS: usize = 64;

const MODEL: [&str; 3] = ["agents", "defaults", "model"];
const MODELS: [&str; 3] = ["agents", "defaults", "models"];

/// The arguments of `models set`.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The model: provider/model, or an alias
    model: String,
}

/// The arguments of `models aliases`.
#[derive(Debug, Args)]
pub(super) struct AliasesArgs {
    #[command(subcommand)]
    command: Option<AliasesCommand>,
}

#[derive(Debug, Subcommand)]
enum AliasesCommand {
    /// List the aliases (also without `list`)
    #[command(after_help = ALIASES_EXAMPLES)]
    List,
    /// Give a model a short name
    #[command(after_help = ALIASES_EXAMPLES)]
    Add {
        /// The short name
        alias: String,
        /// The model: provider/model, or another alias
        model: String,
    },
    /// Take a short name away
    #[command(after_help = ALIASES_EXAMPLES)]
    Remove {
        /// The short name
        alias: String,
    },
}

/// The arguments of `models fallbacks`.
#[derive(Debug, Args)]
pub(super) struct FallbacksArgs {
    #[command(subcommand)]
    command: Option<FallbacksCommand>,
}

#[derive(Debug, Subcommand)]
enum FallbacksCommand {
    /// List what stands in for the model (also without `list`)
    #[command(after_help = FALLBACKS_EXAMPLES)]
    List,
    /// Add a model behind the others
    #[command(after_help = FALLBACKS_EXAMPLES)]
    Add {
        /// The model: provider/model, or an alias
        model: String,
    },
    /// Take a model away
    #[command(after_help = FALLBACKS_EXAMPLES)]
    Remove {
        /// The model: provider/model, or an alias
        model: String,
    },
    /// Take all of them away
    #[command(after_help = FALLBACKS_EXAMPLES)]
    Clear,
}

/// Why a choice of a model is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChoiceError {
    /// The name means no model.
    #[error("{0}")]
    NoModel(String),
    /// Nothing is known that serves the model.
    #[error("nothing serves `{0}`: its provider is neither configured nor known")]
    NoProvider(ModelRef),
    /// The name cannot be an alias.
    #[error(
        "`{0}` cannot be an alias: it has letters, digits, `.`, `_`, `:` and `-`, up to {MAX_ALIAS}"
    )]
    Alias(String),
    /// There is no such alias.
    #[error("there is no alias `{0}`")]
    NoAlias(String),
    /// The model does not stand in for another.
    #[error("`{0}` is no fallback")]
    NoFallback(ModelRef),
}

impl ChoiceError {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::NoModel(_) | Self::Alias(_) => Kind::Invalid,
            Self::NoProvider(_) | Self::NoAlias(_) | Self::NoFallback(_) => Kind::NotFound,
        }
    }

    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoModel(_) => "list what there is with `openclaw models list --all`".to_owned(),
            Self::NoProvider(model) => {
                let known: Vec<&str> = WELL_KNOWN.iter().map(|known| known.id).collect();
                format!(
                    "add models.providers.{} to the config first, or use one of {}",
                    model.provider,
                    known.join(", ")
                )
            }
            Self::NoAlias(_) => "see `openclaw models aliases list`".to_owned(),
            Self::NoFallback(_) => "see `openclaw models fallbacks list`".to_owned(),
            Self::Alias(_) => return None,
        })
    }
}

pub(super) fn set(cx: Cx<'_>, args: &SetArgs) -> Result<ExitCode, CliError> {
    let config = config(cx)?;
    let model = named(&config, &args.model)?;
    let configured = configured(&config, &model);
    if configured.is_none() && known(&model.provider).is_none() {
        return Err(ChoiceError::NoProvider(model).into());
    }
    let is_listed = Catalogue::built_in().find(model.provider.as_str(), &model.model);
    let is_recording = model.provider.as_str() == replay::ID;
    if is_listed.is_none() && configured != Some(true) && !is_recording {
        cx.out.warning(format_args!(
            "`{model}` is not among the models that are known; try it with `openclaw models test`"
        ));
    }
    let primary = Value::from(model.to_string());
    let edit = if config
        .pointer("/agents/defaults/model")
        .is_some_and(Value::is_string)
    {
        Edit::set(&MODEL, json!({ "primary": primary }))
    } else {
        Edit::set(&[&MODEL[..], &["primary"]].concat(), primary)
    };
    config::edit(cx, "openclaw models set", vec![edit])
}

pub(super) fn aliases(cx: Cx<'_>, args: AliasesArgs) -> Result<ExitCode, CliError> {
    let config = config(cx)?;
    match args.command.unwrap_or(AliasesCommand::List) {
        AliasesCommand::List => {
            let aliases = aliases_of(&config).into_iter();
            let rows = aliases.map(|(alias, model)| vec![alias, model.to_string()]);
            let rows: Vec<Vec<String>> = rows.collect();
            if cx.out.is_json() {
                let pairs = rows.into_iter().filter_map(|row| {
                    let [alias, model] = <[String; 2]>::try_from(row).ok()?;
                    Some((alias, Value::from(model)))
                });
                let aliases: serde_json::Map<String, Value> = pairs.collect();
                cx.out.answer(&json!({ "aliases": aliases }), &[])?;
            } else if rows.is_empty() {
                cx.out.note("there are no aliases");
            } else {
                cx.out.table(&["ALIAS", "MODEL"], rows)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        AliasesCommand::Add { alias, model } => {
            let alias = alias.trim();
            if !is_alias(alias) {
                return Err(ChoiceError::Alias(alias.to_owned()).into());
            }
            let model = named(&config, &model)?;
            let mut edits = without_alias(&config, alias, Some(&model));
            let model = model.to_string();
            let at = [&MODELS[..], &[&model, "alias"]].concat();
            edits.push(Edit::set(&at, Value::from(alias)));
            config::edit(cx, "openclaw models aliases add", edits)
        }
        AliasesCommand::Remove { alias } => {
            let edits = without_alias(&config, alias.trim(), None);
            if edits.is_empty() {
                return Err(ChoiceError::NoAlias(alias).into());
            }
            config::edit(cx, "openclaw models aliases remove", edits)
        }
    }
}

pub(super) fn fallbacks(cx: Cx<'_>, args: FallbacksArgs) -> Result<ExitCode, CliError> {
    let config = config(cx)?;
    let at = config.pointer("/agents/defaults/model/fallbacks");
    let names = at.and_then(Value::as_array).into_iter().flatten();
    let names: Vec<String> = names.filter_map(Value::as_str).map(str::to_owned).collect();
    let is = |name: &str, model: &ModelRef| model_named(&config, name).ok().as_ref() == Some(model);
    let (names, by) = match args.command.unwrap_or(FallbacksCommand::List) {
        FallbacksCommand::List => {
            if cx.out.is_json() {
                cx.out.answer(&json!({ "fallbacks": names }), &[])?;
            } else if names.is_empty() {
                cx.out.note("nothing stands in for the model");
            }
            if !cx.out.is_json() {
                for name in &names {
                    cx.out.line(crate::text::one_line(name))?;
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        FallbacksCommand::Add { model } => {
            let model = named(&config, &model)?;
            let mut names = names;
            if !names.iter().any(|name| is(name, &model)) {
                names.push(model.to_string());
            }
            (names, "openclaw models fallbacks add")
        }
        FallbacksCommand::Remove { model } => {
            let model = named(&config, &model)?;
            let left: Vec<String> = names
                .iter()
                .filter(|name| !is(name, &model))
                .cloned()
                .collect();
            if left.len() == names.len() {
                return Err(ChoiceError::NoFallback(model).into());
            }
            (left, "openclaw models fallbacks remove")
        }
        FallbacksCommand::Clear => (Vec::new(), "openclaw models fallbacks clear"),
    };
    let edit = match config.pointer("/agents/defaults/model") {
        Some(Value::String(primary)) => {
            Edit::set(&MODEL, json!({ "primary": primary, "fallbacks": names }))
        }
        _ => Edit::set(&[&MODEL[..], &["fallbacks"]].concat(), json!(names)),
    };
    config::edit(cx, by, vec![edit])
}

/// Reads the config as it stands; what is wrong with it is said when it is written.
pub(super) fn config(cx: Cx<'_>) -> Result<Value, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let file = source::read(state.config_file(), cx.env);
    Ok(file.map(|file| file.value).unwrap_or_default())
}

pub(super) fn named(config: &Value, name: &str) -> Result<ModelRef, CliError> {
    Ok(model_named(config, name).map_err(ChoiceError::NoModel)?)
}

/// Tells whether the config lists a model with its provider; nothing if the provider is not there.
fn configured(config: &Value, model: &ModelRef) -> Option<bool> {
    let providers = config.pointer("/models/providers")?;
    let provider = providers.get(model.provider.as_str())?;
    let models = provider.get("models").and_then(Value::as_array);
    let mut ids = models
        .into_iter()
        .flatten()
        .filter_map(|model| model.get("id")?.as_str());
    Some(ids.any(|id| id == model.model))
}

/// Returns the edits by which no model but this one has an alias any more.
fn without_alias(config: &Value, alias: &str, but: Option<&ModelRef>) -> Vec<Edit> {
    let models = config.pointer("/agents/defaults/models");
    let models = models.and_then(Value::as_object).into_iter().flatten();
    let has = |settings: &Value| {
        let known = settings.get("alias").and_then(Value::as_str);
        known.is_some_and(|known| known.trim().eq_ignore_ascii_case(alias))
    };
    models
        .filter(|(model, settings)| {
            has(settings) && but.is_none_or(|but| **model != but.to_string())
        })
        .map(|(model, _)| Edit::clear(&[&MODELS[..], &[model, "alias"]].concat()))
        .collect()
}

fn is_alias(alias: &str) -> bool {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    (1..=MAX_ALIAS).contains(&alias.len()) && alias.chars().all(legal)
}
