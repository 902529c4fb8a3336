//! Vocabulary and local state of openclaw-rs: ids, limits, secrets and the event log.
//!
//! Nothing here opens a socket, starts a process or spawns a task, and nothing here knows a wire
//! format, a prompt, a model name or a channel name.
//!
//! Reading order: [`ids`] and [`session_key`] name things, [`validation`] bounds them, [`kind`]
//! sorts what can go wrong, [`mod@env`] names the environment variables, [`access`] says who may speak,
//! [`hooks`] where other code has a say, and [`events`] is the one truth of what happened.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "a test looks at secrets of its own"
    )
)]

pub mod access;
pub mod approvals;
pub mod clock;
pub mod credentials;
pub mod decode;
pub mod env;
pub mod events;
pub mod hooks;
pub mod ids;
pub mod kind;
pub mod log_files;
pub mod model_ref;
pub mod provenance;
pub mod redaction;
pub mod sealing;
pub mod secrets;
pub mod session_key;
pub mod state_dir;
pub mod tool_rules;
pub mod usage;
pub mod validation;
pub mod work;

pub use clock::Clock;
pub use credentials::CredentialStore;
pub use events::{EventStore, SessionEvent, SessionEventKind, SessionProjection};
pub use ids::{AgentId, CallId, ChannelId, GroupId, MessageId, PeerId, ProviderId, RunId};
pub use kind::Kind;
pub use model_ref::ModelRef;
pub use secrets::{ApiKey, Secret};
pub use session_key::SessionKey;
pub use usage::{Cost, Price, Usage};
