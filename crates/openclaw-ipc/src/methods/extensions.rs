//! Outputs of the methods about channels and plugins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `channels.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsListOutput {
    /// The channels that the config names, in its order.
    pub channels: Vec<ChannelRow>,
}

/// A channel that the config names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelRow {
    /// Its id.
    pub channel: String,
    /// Whether the config leaves it switched on.
    pub enabled: bool,
    /// The ids of its accounts, where the config gives it several.
    pub accounts: Vec<String>,
    /// Whether it is connected.
    pub running: bool,
    /// Why it is not.
    pub why: Option<String>,
}

/// Output of `plugins.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginsListOutput {
    /// The plugins that are installed in the home, and those that the config has settings for.
    pub plugins: Vec<PluginRow>,
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginRow {
    /// Its id.
    pub plugin_id: String,
    /// What to call it.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its folder; null where it is not installed in the home.
    pub folder: Option<String>,
    /// The channels that it brings.
    pub channels: Vec<String>,
    /// Whether the config leaves it switched on.
    pub enabled: bool,
    /// Whether it runs.
    pub running: bool,
    /// Why it does not.
    pub why: Option<String>,
}
