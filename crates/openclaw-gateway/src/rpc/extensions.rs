//! The methods about channels and plugins, which the home names and this version does not run.

use openclaw_config::rules::{NamedChannel, NamedPlugin};
use openclaw_config::{Extensions, source};
use openclaw_core::Kind;
use openclaw_ipc::methods::{
    ChannelRow, ChannelsList, ChannelsListOutput, NoParams, PluginRow, PluginsList,
    PluginsListOutput,
};
use openclaw_ipc::{Handle, RpcError};
use tokio::task;

use super::{CallCx, Rpc, logged};

/// Why no channel is connected.
const NO_MESSENGERS: &str = "this version connects to no messengers";
/// Why no plugin runs.
const NO_PLUGINS: &str = "this version runs no plugins";

impl Handle<ChannelsList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<ChannelsListOutput, RpcError> {
        let named = self.extensions().await?;
        Ok(ChannelsListOutput {
            channels: named.channels.into_iter().map(channel).collect(),
        })
    }
}

impl Handle<PluginsList> for Rpc {
    async fn handle(&self, _cx: &CallCx, _params: NoParams) -> Result<PluginsListOutput, RpcError> {
        let named = self.extensions().await?;
        Ok(PluginsListOutput {
            plugins: named.plugins.into_iter().map(plugin).collect(),
        })
    }
}

impl Rpc {
    /// Looks through the config as its files are now, off the async threads.
    async fn extensions(&self) -> Result<Extensions, RpcError> {
        let home = self.home_with("config file")?;
        let look = task::spawn_blocking(move || {
            let source = source::read(home.state.config_file(), home.process_env());
            source.map(|source| Extensions::of(&source, &home.state))
        });
        let look = look
            .await
            .map_err(|err| logged(&err, Kind::Internal, "the config was not looked through"))?;
        look.map_err(|_problems| {
            RpcError::new(Kind::Config, "the config cannot be read")
                .with_hint("call `config.validate`, which says why")
        })
    }
}

fn channel(channel: NamedChannel) -> ChannelRow {
    ChannelRow {
        channel: channel.id,
        enabled: !channel.disabled,
        accounts: channel.accounts,
        running: false,
        why: Some(NO_MESSENGERS.to_owned()),
    }
}

fn plugin(plugin: NamedPlugin) -> PluginRow {
    let why = match plugin.off {
        Some(off) => format!("{NO_PLUGINS}, and the config says: {off}"),
        None => NO_PLUGINS.to_owned(),
    };
    PluginRow {
        plugin_id: plugin.id,
        name: plugin.name,
        version: plugin.version,
        description: plugin.description,
        folder: plugin
            .folder
            .map(|folder| folder.to_string_lossy().into_owned()),
        channels: plugin.channels,
        enabled: plugin.off.is_none(),
        running: false,
        why: Some(why),
    }
}
