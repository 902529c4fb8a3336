//! What a home names of channels and plugins, which this version does not run.

use std::path::Path;

use openclaw_core::env::HOME;
use openclaw_core::state_dir::StateDir;

use super::load::{Judged, migrated};
use crate::rules::{self, NamedChannel, NamedPlugin, Surroundings};
use crate::source::Source;

/// What a home names of channels and plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The channels that the config names.
    pub channels: Vec<NamedChannel>,
    /// The plugins that are installed, and those that the config has settings for.
    pub plugins: Vec<NamedPlugin>,
}

impl Extensions {
    /// Looks through a config and the folders of plugins; a config in an earlier form is read as
    /// the gateway reads it. Blocks on the file system.
    pub fn of(source: &Source, state: &StateDir) -> Self {
        let home = source.env().get_os(HOME.name).unwrap_or_default();
        let config = rules::as_read(&migrated(source, state, Judged::AfterMigration).value);
        let surroundings = Surroundings::new(Path::new(home), state.root());
        Self {
            channels: rules::channels(&config),
            plugins: rules::plugins(&config, &surroundings),
        }
    }
}
