//! What the command line says about going through with it.

use clap::Args;

/// The flags of commands that delete.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Consent {
    /// Only say what would be deleted
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
}
