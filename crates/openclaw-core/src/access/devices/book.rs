//! The rules of pairing, without a file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use uuid::Uuid;

use super::{DeviceError, DeviceId, DeviceSays, Newcomer, Rights};
use crate::access::tokens::{Ended, Verified};
use crate::access::{Admitted, Principal};
use crate::secrets::ApiKey;

/// How many devices are paired at most.
pub const DEVICES: usize = 1000;
/// How many requests wait at most; then the oldest goes.
pub const PENDING: usize = 32;
/// How long a request waits.
pub const PENDING_LIFE: Duration = Duration::from_mins(5);

/// What marks a device's token, so that scanners for lost secrets know it.
const TOKEN: &str = "oc_dt_";
/// The longest text that is kept of what a device says of itself, in characters.
const LONGEST: usize = 128;

/// A device that waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingRequest {
    /// Names the request.
    pub request_id: String,
    /// The device.
    pub device_id: DeviceId,
    /// Its key, in base64.
    pub public_key: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub says: DeviceSays,
    /// What it wants to be allowed.
    pub rights: Rights,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether it is paired already, and wants more.
    pub wants_more: bool,
    /// When it came.
    pub at: Timestamp,
}

/// A device that was let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairedDevice {
    /// The device.
    pub device_id: DeviceId,
    /// Its key, in base64.
    pub public_key: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub says: DeviceSays,
    /// What it may do.
    pub rights: Rights,
    /// When it was let in first.
    pub created: Timestamp,
    /// When it was given what it may do now.
    pub approved: Timestamp,
    /// Who gave it that.
    pub approved_by: String,
    /// Its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<DeviceToken>,
    #[serde(skip, default = "alive")]
    removed: Arc<watch::Sender<bool>>,
}

impl PairedDevice {
    /// Returns what the bearer of its token may do; nothing if it has none.
    pub fn token_rights(&self) -> Rights {
        let token = self.token.as_ref();
        token.map_or_else(Rights::default, |token| self.rights.and(token.rights))
    }
}

/// What is kept of a device's token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceToken {
    sha256: String,
    /// What its bearer may do.
    pub rights: Rights,
    /// When it was given out.
    pub created: Timestamp,
    #[serde(skip, default = "alive")]
    revoked: Arc<watch::Sender<bool>>,
}

fn alive() -> Arc<watch::Sender<bool>> {
    Arc::new(watch::Sender::new(false))
}

/// Every device, and every request that waits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Book {
    paired: BTreeMap<DeviceId, PairedDevice>,
    pending: Vec<PairingRequest>,
}

impl Book {
    pub(super) fn list(&self, now: Timestamp) -> (Vec<PairingRequest>, Vec<PairedDevice>) {
        let waits = |request: &&PairingRequest| is_alive(request, now);
        let pending = self.pending.iter().rev().filter(waits).cloned().collect();
        let mut paired: Vec<PairedDevice> = self.paired.values().cloned().collect();
        paired.sort_by(|a, b| {
            let newest = b.approved.cmp(&a.approved);
            newest.then_with(|| a.device_id.cmp(&b.device_id))
        });
        (pending, paired)
    }

    pub(super) fn paired(&self, id: &DeviceId) -> Option<PairedDevice> {
        self.paired.get(id).cloned()
    }

    pub(super) fn request(&mut self, newcomer: Newcomer, now: Timestamp) -> PairingRequest {
        self.pending.retain(|request| is_alive(request, now));
        let device_id = newcomer.key.id();
        let at = self
            .pending
            .iter()
            .position(|request| request.device_id == device_id);
        let known = at.map(|at| self.pending.remove(at));
        let request = PairingRequest {
            // Who comes again for the same thing waits on; who wants something else is looked at anew.
            request_id: known
                .filter(|known| known.rights == newcomer.rights)
                .map_or_else(|| Uuid::new_v4().to_string(), |known| known.request_id),
            wants_more: self.paired.contains_key(&device_id),
            device_id,
            public_key: newcomer.key.to_string(),
            says: plain(newcomer.says),
            rights: newcomer.rights,
            from: newcomer.from,
            at: now,
        };
        if self.pending.len() >= PENDING {
            self.pending.remove(0);
        }
        self.pending.push(request.clone());
        request
    }

    pub(super) fn approve(
        &mut self,
        request: &str,
        by: &str,
        most: Rights,
        now: Timestamp,
    ) -> Result<PairedDevice, DeviceError> {
        let at = self.find(request, now)?;
        if let Some(found) = self.pending.get(at)
            && !most.cover(found.rights)
        {
            return Err(DeviceError::TooMuch);
        }
        let request = self.pending.remove(at);
        let identity = (request.device_id, request.public_key);
        self.let_in(identity, request.says, request.rights, (by, now))
    }

    pub(super) fn reject(
        &mut self,
        request: &str,
        now: Timestamp,
    ) -> Result<PairingRequest, DeviceError> {
        let at = self.find(request, now)?;
        Ok(self.pending.remove(at))
    }

    pub(super) fn pair(
        &mut self,
        newcomer: Newcomer,
        by: &str,
        now: Timestamp,
    ) -> Result<PairedDevice, DeviceError> {
        let id = newcomer.key.id();
        self.pending.retain(|request| request.device_id != id);
        let identity = (id, newcomer.key.to_string());
        self.let_in(identity, plain(newcomer.says), newcomer.rights, (by, now))
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<PairedDevice, DeviceError> {
        let id = self.named(id)?;
        self.pending.retain(|request| request.device_id != id);
        let removed = self.paired.remove(&id);
        removed.ok_or_else(|| DeviceError::NoDevice(id.to_string()))
    }

    pub(super) fn give_token(
        &mut self,
        id: &str,
        rights: Option<Rights>,
        now: Timestamp,
    ) -> Result<ApiKey, DeviceError> {
        let id = self.named(id)?;
        let device = self.device(&id)?;
        let rights = rights.unwrap_or(device.rights);
        if !device.rights.cover(rights) {
            return Err(DeviceError::TooMuch);
        }
        let token = new_token()?;
        device.token = Some(DeviceToken {
            sha256: hash_of(&token),
            rights,
            created: now,
            revoked: alive(),
        });
        Ok(token)
    }

    pub(super) fn revoke_token(&mut self, id: &str) -> Result<bool, DeviceError> {
        let id = self.named(id)?;
        Ok(self.device(&id)?.token.take().is_some())
    }

    pub(super) fn verify(
        &self,
        id: &DeviceId,
        presented: &str,
    ) -> Result<(Verified, Rights), DeviceError> {
        let device = self.paired.get(id).ok_or(DeviceError::Unknown)?;
        let token = device.token.as_ref().ok_or(DeviceError::Unknown)?;
        let rights = device.token_rights();
        let same = sha256(presented).as_bytes().ct_eq(token.sha256.as_bytes());
        if !bool::from(same) {
            return Err(DeviceError::Unknown);
        }
        let admitted = Admitted {
            principal: Principal::Device(id.clone()),
            scopes: rights.scopes(),
        };
        let ended = Ended::new(token.revoked.subscribe(), None);
        Ok((Verified { admitted, ended }, rights))
    }

    pub(super) fn until_removed(&self, id: &DeviceId) -> Option<Ended> {
        let device = self.paired.get(id)?;
        Some(Ended::new(device.removed.subscribe(), None))
    }

    /// Tells the connections of devices and tokens that the next book does not have any more.
    pub(super) fn end_what_is_gone(&self, next: &Self) {
        for (id, device) in &self.paired {
            let now = next.paired.get(id);
            if now.is_none() {
                device.removed.send_replace(true);
            }
            let kept = now.and_then(|now| now.token.as_ref());
            if let Some(token) = &device.token
                && kept.is_none_or(|kept| kept.sha256 != token.sha256)
            {
                token.revoked.send_replace(true);
            }
        }
    }

    fn let_in(
        &mut self,
        (device_id, public_key): (DeviceId, String),
        says: DeviceSays,
        rights: Rights,
        (by, now): (&str, Timestamp),
    ) -> Result<PairedDevice, DeviceError> {
        let before = self.paired.get(&device_id);
        if before.is_none() && self.paired.len() >= DEVICES {
            return Err(DeviceError::Full);
        }
        let device = PairedDevice {
            rights: before.map_or(rights, |before| before.rights.or(rights)),
            created: before.map_or(now, |before| before.created),
            token: before.and_then(|before| before.token.clone()),
            removed: before.map_or_else(alive, |before| Arc::clone(&before.removed)),
            device_id: device_id.clone(),
            public_key,
            says,
            approved: now,
            approved_by: by.to_owned(),
        };
        self.paired.insert(device_id, device.clone());
        Ok(device)
    }

    fn find(&self, request: &str, now: Timestamp) -> Result<usize, DeviceError> {
        let is_it = |one: &PairingRequest| one.request_id == request && is_alive(one, now);
        let at = self.pending.iter().position(is_it);
        at.ok_or_else(|| DeviceError::NoRequest(request.to_owned()))
    }

    fn named(&self, id: &str) -> Result<DeviceId, DeviceError> {
        let found = self.paired.keys().find(|known| known.as_str() == id);
        let found = found.ok_or_else(|| DeviceError::NoDevice(id.to_owned()))?;
        Ok(found.clone())
    }

    fn device(&mut self, id: &DeviceId) -> Result<&mut PairedDevice, DeviceError> {
        let device = self.paired.get_mut(id);
        device.ok_or_else(|| DeviceError::NoDevice(id.to_string()))
    }
}

fn is_alive(request: &PairingRequest, now: Timestamp) -> bool {
    let age = Duration::try_from(now.duration_since(request.at));
    age.unwrap_or_default() < PENDING_LIFE
}

/// Returns what a device says of itself as it can be shown: short, and without control characters.
fn plain(says: DeviceSays) -> DeviceSays {
    let plain = |text: String| -> String {
        let odd = |one: char| {
            one.is_control()
                || matches!(one, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let visible = text.chars().filter(|one| !odd(*one));
        visible.take(LONGEST).collect()
    };
    DeviceSays {
        client_id: plain(says.client_id),
        client_mode: plain(says.client_mode),
        platform: plain(says.platform),
        device_family: says.device_family.map(plain),
        display_name: says.display_name.map(plain),
    }
}

fn new_token() -> Result<ApiKey, DeviceError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_none| DeviceError::Random)?;
    Ok(ApiKey::new(format!(
        "{TOKEN}{}",
        URL_SAFE_NO_PAD.encode(bytes)
    )))
}

#[expect(clippy::disallowed_methods, reason = "only the hash is kept")]
fn hash_of(token: &ApiKey) -> String {
    sha256(token.expose_secret())
}

/// A plain hash is enough: a token has 256 random bits, so there is nothing to try out.
fn sha256(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}
