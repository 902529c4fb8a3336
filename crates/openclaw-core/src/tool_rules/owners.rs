//! Whom an agent works for, of those who write on channels.

use super::pattern::folded;
use crate::access::{Sender, Standing};
use crate::ids::{ChannelId, PeerId};

/// Those who are listed as owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(Vec<Owner>);

/// Somebody who is listed as an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The channel that they are known on; any, where none is named.
    channel: Option<String>,
    /// Who they are there.
    id: String,
}

impl Owner {
    /// Makes an owner of an id, with or without the name of its channel in front; nothing of a
    /// blank one.
    pub fn new(channel: Option<&str>, id: &str) -> Option<Self> {
        let channel = channel.map(folded);
        let id = folded(id);
        let id = channel
            .as_ref()
            .and_then(|channel| id.strip_prefix(channel)?.strip_prefix(':'))
            .unwrap_or(&id);
        let id = bare(id).to_owned();
        (!id.is_empty()).then_some(Self { channel, id })
    }

    fn is(&self, channel: &str, id: &str) -> bool {
        self.channel.as_ref().is_none_or(|own| own == channel) && self.id == id
    }
}

impl FromIterator<Owner> for Owners {
    fn from_iter<I: IntoIterator<Item = Owner>>(owners: I) -> Self {
        Self(owners.into_iter().collect())
    }
}

impl Owners {
    /// Returns the sender of this id on a channel, with the standing that they have.
    pub fn sender(&self, channel: ChannelId, peer: PeerId) -> Sender {
        let (on, id) = (folded(channel.as_str()), folded(peer.as_str()));
        let is_owner = self.0.iter().any(|owner| owner.is(&on, bare(&id)));
        Sender {
            channel,
            peer,
            standing: if is_owner {
                Standing::Principal
            } else {
                Standing::Guest
            },
        }
    }
}

fn bare(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('@').unwrap_or(id)
}
