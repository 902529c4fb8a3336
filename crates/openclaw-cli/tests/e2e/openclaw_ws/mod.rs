//! OpenClaw's own protocol as a device speaks it: how it is let in, how it is cut off, and what it
//! is told while an agent works.

mod chat;
mod pairing;
mod peer;
mod refused;

pub(crate) use self::peer::{Connect, Device, Peer};
