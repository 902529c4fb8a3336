//! The methods about the config: showing it without its secrets, checking it, changing it.
//!
//! # Security
//! No answer and no error repeats a value that somebody wanted to set.

use std::error::Error as _;

use openclaw_config::change::{
    Action, ChangeError, Changer, ConfigPath, Effects, Operation, found, lookup, of_patch,
};
use openclaw_config::edit::Saved;
use openclaw_config::{Place, schema};
use openclaw_core::Kind;
use openclaw_ipc::methods::{
    ConfigChangeOutput, ConfigGet, ConfigGetOutput, ConfigGetParams, ConfigPatch,
    ConfigPatchParams, ConfigPlace, ConfigSchema, ConfigSchemaOutput, ConfigSet, ConfigSetHow,
    ConfigSetParams, ConfigUnset, ConfigUnsetParams, ConfigValidate, ConfigValidateOutput,
    NoParams,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::Value;
use tokio::task;

use super::{CallCx, Rpc, logged};
use crate::audit::record_config_changes;
use crate::config::{Look, checked, hash, issue, name, names};
use crate::home::Home;
use crate::models::knows_provider;

/// How many problems an error tells.
const MOST_TOLD: usize = 8;

impl Handle<ConfigGet> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: ConfigGetParams,
    ) -> Result<ConfigGetOutput, RpcError> {
        let path = params.path.as_deref().map(at).transpose()?;
        let typed = params.path.unwrap_or_default();
        self.look_at_config(move |look| shown(&look, path.as_ref(), &typed))
            .await?
    }
}

impl Handle<ConfigSchema> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<ConfigSchemaOutput, RpcError> {
        let schema = schema::document();
        let schema =
            schema.map_err(|err| logged(&err, Kind::Internal, "there is no schema to be had"))?;
        Ok(ConfigSchemaOutput { schema })
    }
}

impl Handle<ConfigValidate> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<ConfigValidateOutput, RpcError> {
        let home = self.home_with("config file")?;
        let file = name(home.state.config_file());
        let look = move || checked(&home.state, home.process_env());
        let (issues, checked) = match off_thread(look).await? {
            Ok(checked) => (Vec::new(), checked),
            Err(err) if err.problems().is_empty() => return Err(refused(&err)),
            Err(err) => (err.problems().to_vec(), crate::config::Checked::default()),
        };
        Ok(ConfigValidateOutput {
            valid: issues.is_empty(),
            file,
            issues: issues.iter().map(issue).collect(),
            warnings: checked.warnings.iter().map(issue).collect(),
            not_followed: checked.not_followed.iter().map(issue).collect(),
        })
    }
}

impl Handle<ConfigSet> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ConfigSetParams,
    ) -> Result<ConfigChangeOutput, RpcError> {
        let operation = Operation {
            path: at(&params.path)?,
            action: match params.how {
                ConfigSetHow::Set => Action::Set(params.value),
                ConfigSetHow::Merge => Action::Merge(params.value),
                ConfigSetHow::Replace => Action::Replace(params.value),
            },
        };
        let wish = Wish {
            operations: vec![operation],
            base: params.base_hash,
            dry_run: params.dry_run,
            by: "config.set",
        };
        self.change_config(cx, wish).await
    }
}

impl Handle<ConfigUnset> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ConfigUnsetParams,
    ) -> Result<ConfigChangeOutput, RpcError> {
        let operation = Operation {
            path: at(&params.path)?,
            action: Action::Unset,
        };
        let wish = Wish {
            operations: vec![operation],
            base: params.base_hash,
            dry_run: params.dry_run,
            by: "config.unset",
        };
        self.change_config(cx, wish).await
    }
}

impl Handle<ConfigPatch> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ConfigPatchParams,
    ) -> Result<ConfigChangeOutput, RpcError> {
        let replaced = params.replace_paths.iter().map(|path| {
            let path = ConfigPath::parse(path).map_err(ChangeError::from);
            path.map_err(|err| refused(&err).with_field("replacePaths"))
        });
        let replaced: Vec<ConfigPath> = replaced.collect::<Result<_, _>>()?;
        let operations = of_patch(&Value::Object(params.patch), &replaced, "the patch")
            .map_err(|err| refused(&err).with_field("patch"))?;
        let wish = Wish {
            operations,
            base: params.base_hash,
            dry_run: params.dry_run,
            by: "config.patch",
        };
        self.change_config(cx, wish).await
    }
}

/// A change that somebody wants.
struct Wish {
    operations: Vec<Operation>,
    /// The hash of the config that it is meant for, if that matters.
    base: Option<String>,
    dry_run: bool,
    /// The method.
    by: &'static str,
}

/// What came of a change, and how the config is named then.
struct Outcome {
    saved: Saved,
    effects: Effects,
    hash: String,
}

impl Rpc {
    /// Looks at the config as its files are now, off the async threads.
    pub(crate) async fn look_at_config<T: Send + 'static>(
        &self,
        tell: impl FnOnce(Look) -> T + Send + 'static,
    ) -> Result<T, RpcError> {
        let home = self.home_with("config file")?;
        let look = move || Look::at(&home.state, home.process_env()).map(tell);
        let look = off_thread(look).await?;
        look.map_err(|err| logged(&err, Kind::Unavailable, "the config could not be read"))
    }

    /// Changes the config as the command line does, and puts that on record.
    async fn change_config(&self, cx: &CallCx, wish: Wish) -> Result<ConfigChangeOutput, RpcError> {
        let home = self.home_with("config file")?;
        let paths = wish.operations.iter().map(|one| one.path.to_string());
        let paths = paths.collect();
        let by = format!("{} of {}", wish.by, cx.admitted.principal());
        let change = move || change(&home, &wish);
        let outcome = off_thread(change).await?.map_err(|err| refused(&err))?;
        let Outcome {
            saved,
            effects,
            hash,
        } = outcome;
        if let Err(err) = record_config_changes(&self.store, &saved.files, &by).await {
            // The gateway compares again when it takes the change up.
            tracing::error!(%err, "a change of the config could not be put on record");
        }
        Ok(ConfigChangeOutput {
            changed: !saved.files.is_empty(),
            paths,
            removed: effects.pruned,
            files: names(&saved.files),
            backups: names(&saved.backups),
            waiting: effects.waiting.iter().map(|path| dotted(path)).collect(),
            warnings: effects.warnings.iter().map(issue).collect(),
            hash,
        })
    }
}

/// Makes a change, or tries it. Blocks on the file system.
fn change(home: &Home, wish: &Wish) -> Result<Outcome, ChangeError> {
    let base = wish.base.as_deref();
    let changer = Changer {
        state: &home.state,
        env: home.process_env(),
        knows_provider: &knows_provider,
        is_meant: &|source| base.is_none_or(|base| hash(source) == base),
    };
    if wish.dry_run {
        let (draft, effects) = changer.rehearse(&wish.operations)?;
        return Ok(Outcome {
            saved: Saved::default(),
            effects,
            hash: hash(draft.source()),
        });
    }
    let (saved, effects) = changer.write(&wish.operations, None)?;
    let now = Look::at(&home.state, home.process_env());
    Ok(Outcome {
        saved,
        effects,
        hash: now.map(|look| look.hash()).unwrap_or_default(),
    })
}

fn shown(look: &Look, path: Option<&ConfigPath>, typed: &str) -> Result<ConfigGetOutput, RpcError> {
    let keys = path.map(ConfigPath::keys).unwrap_or_default();
    let effective = look.effective();
    let value = match (&effective, path) {
        (Some(effective), Some(path)) => {
            let value = found(effective, path, typed);
            value
                .map_err(|err| refused(&err).with_field("path"))?
                .clone()
        }
        (Some(effective), None) => effective.clone(),
        (None, _) => Value::Null,
    };
    let written = look.written();
    let written = written.as_ref().and_then(|all| lookup(all, &keys));
    let places = look.places(&keys).into_iter();
    Ok(ConfigGetOutput {
        file: name(&look.file),
        includes: names(&look.includes()),
        exists: look.exists(),
        hash: look.hash(),
        value,
        written: written.cloned().unwrap_or_default(),
        places: places.map(|(path, at)| (path, place(&at))).collect(),
        raw: look.shown_text().filter(|_| path.is_none()),
        issues: look.problems.iter().map(issue).collect(),
        warnings: look.warnings.iter().map(issue).collect(),
    })
}

fn place(place: &Place) -> ConfigPlace {
    ConfigPlace {
        file: name(&place.file),
        line: place.line,
        column: place.column,
    }
}

fn at(typed: &str) -> Result<ConfigPath, RpcError> {
    let path = ConfigPath::parse(typed).map_err(ChangeError::from);
    path.map_err(|err| refused(&err).with_field("path"))
}

/// Returns a JSON pointer as a path of the config.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// Returns what a caller is told of a failure.
fn refused(err: &ChangeError) -> RpcError {
    let mut message = err.to_string();
    let problems = err.problems();
    // Where the message tells the problems itself, they are not told twice.
    if !matches!(err, ChangeError::Save(_)) {
        let told: Vec<String> = problems
            .iter()
            .take(MOST_TOLD)
            .map(ToString::to_string)
            .collect();
        if !told.is_empty() {
            message = format!("{message}: {}", told.join("; "));
        }
    }
    if let ChangeError::Save(save) = err
        && save.source().is_some()
    {
        return logged(save, err.kind(), &message);
    }
    let refusal = RpcError::new(err.kind(), message);
    let refusal = match problems.first() {
        Some(first) => refusal.with_field(first.path.to_string()),
        None => refusal,
    };
    match hint(err) {
        Some(hint) => refusal.with_hint(hint),
        None => refusal,
    }
}

fn hint(err: &ChangeError) -> Option<String> {
    Some(match err {
        ChangeError::Invalid { .. } => {
            "correct the file first; `config.validate` says what is wrong with it".to_owned()
        }
        ChangeError::Unknown {
            nearest: Some(nearest),
            ..
        } => format!("ask for `{nearest}`, if that is meant"),
        ChangeError::Unknown { .. } => "see `config.schema` for what there is".to_owned(),
        ChangeError::NotSet(_) => {
            "set it with `config.set`; until then the default counts".to_owned()
        }
        ChangeError::WouldLose { .. } => {
            "pass `how` as `merge` to keep them, or as `replace` to lose them".to_owned()
        }
        ChangeError::NotAsExpected(_) | ChangeError::Moved => {
            "read it again with `config.get`, then change what is there now".to_owned()
        }
        ChangeError::UnknownProvider { provider, .. } => {
            format!("set `models.providers.{provider}` first")
        }
        _ => return None,
    })
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RpcError> {
    let work = task::spawn_blocking(work).await;
    work.map_err(|err| logged(&err, Kind::Internal, "the config was not looked at"))
}
