//! Saying that a transcript is not under the key that the source has for it.

use openclaw_core::SessionKey;

use super::{Found, Role};
use crate::trouble::{Fault, Spot, Trouble};

impl Found {
    /// Says under which key it is, where that is not the one that the source has for it.
    pub(super) fn renamed(&self, own: &SessionKey) -> Option<Trouble> {
        if self.role != Role::Current {
            return None;
        }
        let original = self.original_key.clone()?;
        if SessionKey::parse(&original).is_ok_and(|key| !key.is_system()) {
            return (self.key != *own).then(|| self.moved(own, &self.key));
        }
        let spot = Spot::Session(self.session_id.clone());
        let key = self.key.to_string();
        let fault = Fault::Rekeyed { original, key };
        Some(Trouble::new(self.source.file(), spot, fault))
    }

    /// Says that it is not under a key that would be its own.
    pub(crate) fn moved(&self, own: &SessionKey, key: &SessionKey) -> Trouble {
        let spot = Spot::Session(self.session_id.clone());
        let (own, key) = (own.to_string(), key.to_string());
        Trouble::new(self.source.file(), spot, Fault::OtherKey { own, key })
    }
}
