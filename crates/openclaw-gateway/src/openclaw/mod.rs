//! OpenClaw's own WebSocket protocol on `GET /`, so that its clients find here what they know.
//!
//! It is a codec: frames become calls of the same handlers that JSON-RPC calls, and what they answer
//! is put into OpenClaw's shapes. Reading order: `socket` opens a connection, `handshake` lets its
//! client in (`refusal` is how it says no, `pairing` what becomes of a device that nobody knows),
//! `talk` is what goes on afterwards. `methods` has one arm for each method of the table in
//! [`openclaw_ipc::openclaw::table`]; `chat` are those that give agents work, `history` and `follow` what clients read of it, `messages` how a
//! conversation looks here. `feed` makes events of what is recorded and of the pieces that come
//! before, `floor` is what connections see of each other.

mod chat;
mod client;
mod devices;
mod feed;
mod floor;
mod follow;
mod handshake;
mod history;
mod messages;
pub(crate) mod methods;
mod pairing;
mod refusal;
mod runs;
mod socket;
mod talk;
mod welcome;

pub(crate) use self::client::Client;
pub(crate) use self::floor::{Floor, Shout};
pub(crate) use self::socket::upgrade;
