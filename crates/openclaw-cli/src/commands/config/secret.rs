//! References to secrets, built from flags.

use clap::Args;
use openclaw_config::change::reference;
use serde_json::Value;

use super::failure::ConfigFailure;

/// The flags that build a reference to a secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pointing to a secret")]
pub(super) struct RefArgs {
    /// The place that keeps the secret, an alias of secrets.providers
    #[arg(id = "ref_provider", long = "ref-provider", value_name = "ALIAS")]
    provider: Option<String>,
    /// The kind of place: env, file, exec or store
    #[arg(id = "ref_source", long = "ref-source", value_name = "SOURCE")]
    source: Option<String>,
    /// What the place calls the secret: a variable, a JSON pointer, a name
    #[arg(id = "ref_id", long = "ref-id", value_name = "ID")]
    id: Option<String>,
}

impl RefArgs {
    pub(super) fn any(&self) -> bool {
        [&self.provider, &self.source, &self.id]
            .iter()
            .any(|flag| flag.is_some())
    }

    /// Returns the reference.
    pub(super) fn value(&self) -> Result<Value, ConfigFailure> {
        let (Some(provider), Some(source), Some(id)) = (&self.provider, &self.source, &self.id)
        else {
            return Err(ConfigFailure::Flags(
                "--ref-provider, --ref-source and --ref-id belong together",
            ));
        };
        Ok(reference(provider, source, id, "--ref-")?)
    }
}
