//! What providers said about their models, kept in the state directory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use jiff::Timestamp;
use openclaw_core::Kind;
use openclaw_core::state_dir::{StateDir, private_file, sync_folder};
use openclaw_providers::ListedModel;
use serde::{Deserialize, Serialize};

/// The most bytes of the file that are read.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The most models of one provider that are kept.
pub const MOST_MODELS: usize = 5000;

/// The longest name of a model that is kept.
const MAX_NAME: usize = 256;

/// What providers said about their models.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Listing(BTreeMap<String, Said>);

/// What one provider said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said {
    /// When it was asked.
    pub at: Timestamp,
    /// Its models.
    pub models: Vec<ListedModel>,
}

/// Why what providers said cannot be kept, or read again.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The file cannot be used.
    #[error("the file `{path}` cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("the file `{path}` is not what `openclaw models scan` writes: {source}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl ListingError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Unavailable
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::File { .. } => "check the state directory's permissions and space".to_owned(),
            Self::Broken { .. } => "write it anew with `openclaw models scan`".to_owned(),
        }
    }
}

impl Listing {
    /// Reads what was kept; nothing if nothing was.
    pub fn read(state: &StateDir) -> Result<Self, ListingError> {
        let path = file(state);
        let failed = |source| ListingError::File {
            path: path.clone(),
            source,
        };
        let mut text = String::new();
        match File::open(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(failed(source)),
            Ok(file) => file
                .take(MAX_FILE)
                .read_to_string(&mut text)
                .map_err(failed)?,
        };
        serde_json::from_str(&text).map_err(|source| ListingError::Broken {
            path: path.clone(),
            source,
        })
    }

    /// Keeps this; whoever reads sees the file as it was or as it is now.
    pub fn write(&self, state: &StateDir) -> Result<(), ListingError> {
        let path = file(state);
        // One for each process: of two that write at once, the later one counts.
        let draft = path.with_extension(format!("json.{}", std::process::id()));
        let write = || {
            let text = serde_json::to_vec(self)?;
            let mut file = private_file(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            sync_folder(&path)
        };
        write().map_err(|source| {
            drop(fs::remove_file(&draft));
            ListingError::File { path, source }
        })
    }

    /// Takes in what a provider said, in place of what it said before; returns how many models
    /// were left out because there are too many or their names are too long.
    pub fn take(&mut self, provider: &str, at: Timestamp, mut models: Vec<ListedModel>) -> usize {
        let said = models.len();
        models.retain(|model| (1..=MAX_NAME).contains(&model.id.len()));
        models.sort_by(|a, b| a.id.cmp(&b.id));
        models.dedup_by(|a, b| a.id == b.id);
        models.truncate(MOST_MODELS);
        let left = said.saturating_sub(models.len());
        self.0.insert(provider.to_owned(), Said { at, models });
        left
    }

    /// Returns what a provider said about a model.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ListedModel> {
        let said = self.0.get(provider)?;
        let place = said
            .models
            .binary_search_by(|known| known.id.as_str().cmp(model));
        said.models.get(place.ok()?)
    }

    /// Returns what a provider said.
    pub fn of(&self, provider: &str) -> Option<&Said> {
        self.0.get(provider)
    }

    /// Returns the providers that said something.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn file(state: &StateDir) -> PathBuf {
    state.own().join("models.json")
}
