//! The way out for a command in the sandbox: an HTTP proxy in the gateway.
//!
//! The command's network has nothing in it but a loopback device and this proxy's listener. `CONNECT`
//! opens a tunnel, for TLS and anything else; a request for an `http://` URL is passed on. Every
//! single one is held against the owner's lists ([`Policy`]) and against [`crate::guard`], and told to
//! whoever watches ([`Connection`]).
//!
//! A client's connection carries one request. A second one would be found where the first ends, and
//! two programs that disagree about where that is can be played off against each other; and a
//! redirect, whoever follows it, is a request of its own that is judged like the first.
//!
//! What goes through a tunnel is not looked at: a host that is allowed may pass things on. Lists by
//! name see the name that the client gives, and a client that knows an address can give that instead;
//! who must keep something in lists what is allowed, not what is denied. The gateway's own upstream
//! proxy ([`crate::Network`]) is not used: this one connects directly.
//!
//! Reading order: [`Policy`] decides, [`Proxy`] serves, `head` reads what is asked, `carry` does it.

mod answer;
mod carry;
mod connection;
mod error;
mod forward;
mod head;
mod meter;
mod pattern;
mod policy;
mod serve;
#[cfg(test)]
mod tests;

pub use self::connection::{Connection, Stage, Watch, Way};
pub use self::error::Refusal;
pub use self::pattern::PatternError;
pub use self::policy::{Lists, Names, Policy, PolicyError, Rule};
pub use self::serve::{Limits, Proxy};
