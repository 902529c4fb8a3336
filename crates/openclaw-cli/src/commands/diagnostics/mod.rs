//! `openclaw gateway diagnostics`: what somebody who is to help has to know, in one file.
//!
//! `parts` collects what is in it, `veil` takes out of it what is nobody's business, `archive`
//! writes it. Nothing that was said is in it, and nothing is sent anywhere.

mod archive;
mod parts;
mod veil;

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use openclaw_core::state_dir::{StateDir, private_dir, private_file};
use openclaw_core::{Clock, Kind};
use serde_json::json;

use self::parts::Part;
use self::veil::Veil;
use super::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};

/// The end of the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw gateway diagnostics
  openclaw gateway diagnostics --out /tmp/for-support.tar.gz

It says what is in the file before it is written. Known secrets, whatever looks like one, what was
said and whom sessions are with is left out; look through it all the same before you pass it on.";

/// The arguments of `gateway diagnostics`.
#[derive(Debug, Args)]
pub(super) struct DiagnosticsArgs {
    /// The file, which must not exist [default: openclaw-rs/diagnostics/TIME.tar.gz in the state directory]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub(crate) struct BundleError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl BundleError {
    pub(crate) fn kind(&self) -> Kind {
        match self.source.kind() {
            io::ErrorKind::AlreadyExists => Kind::Conflict,
            _ => Kind::Unavailable,
        }
    }

    /// Returns what the user can do about it; it starts with a verb.
    pub(crate) fn hint(&self) -> Option<String> {
        (self.kind() == Kind::Conflict).then(|| "name another file with `--out`".to_owned())
    }
}

pub(super) fn run(cx: Cx<'_>, args: &DiagnosticsArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let veil = Veil::new(cx.env);
    let parts = runtime::block_on(Threads::One, parts::collect(cx, &state, &veil))?;
    let path = args.out.clone().unwrap_or_else(|| {
        let time = Clock::system().now().strftime("%Y-%m-%dT%H%M%SZ");
        state
            .own()
            .join("diagnostics")
            .join(format!("{time}.tar.gz"))
    });
    if !cx.out.is_json() {
        cx.out.line("in the bundle:")?;
        for Part { name, about, body } in &parts {
            let size = cx
                .out
                .look(Look::Dim, &format!("{} bytes", body.len()))
                .into_owned();
            cx.out.line(format_args!("  {name:<14} {about} ({size})"))?;
        }
    }
    let failed = |source| BundleError {
        path: path.clone(),
        source,
    };
    let bytes = archive::of(&parts, Clock::system().now()).map_err(failed)?;
    if args.out.is_none()
        && let Some(folder) = path.parent()
    {
        private_dir(folder).map_err(failed)?;
    }
    let written = private_file(&path).map_err(failed).and_then(|mut file| {
        let whole = file.write_all(&bytes).and_then(|()| file.sync_all());
        whole.map_err(|err| {
            // Half a bundle is of no use to anybody.
            drop(fs::remove_file(&path));
            failed(err)
        })
    });
    written?;
    if cx.out.is_json() {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| json!({ "name": part.name, "about": part.about, "bytes": part.body.len() }))
            .collect();
        let data = json!({ "file": path, "bytes": bytes.len(), "parts": parts });
        cx.out.answer(&data, &[])?;
    } else {
        cx.out.line(format_args!("written to {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
