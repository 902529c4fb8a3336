//! What stands between a model call and somebody's money.
//!
//! Before a call is made its most expensive course is reserved; after it, what it really took is
//! settled. So calls that run side by side cannot spend the same remainder twice.

use std::fmt;

use async_trait::async_trait;
use openclaw_core::events::StoreError;
use openclaw_core::{Cost, Kind, Price, ProviderId, Usage};

/// The most that a call may take, told before it is made.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// Who is to be asked.
    pub provider: &'a ProviderId,
    /// The model, as its provider names it.
    pub model: &'a str,
    /// What its tokens cost; none if nobody knows.
    pub price: Option<&'a Price>,
    /// The tokens of the request, estimated from its size.
    pub input_tokens: u64,
    /// The most tokens that the model may write.
    pub output_tokens: u64,
}

/// Lets calls pass as long as there is something left to spend.
#[async_trait]
pub trait Meter: fmt::Debug + Send + Sync {
    /// Sets aside what a call may take, or refuses the call.
    async fn reserve(&self, planned: Planned<'_>) -> Result<Box<dyn Reservation>, Unreserved>;

    /// Counts a call that is on record from before there was this meter.
    fn count(&self, _usage: &Usage, _cost: Option<Cost>) {}
}

/// What was set aside for one call. Dropped without being settled, it says that the call was never
/// made, and everything is given back.
pub trait Reservation: fmt::Debug + Send + Sync {
    /// Returns the most that the call may write, where that is less than was planned.
    fn output_tokens(&self) -> Option<u64> {
        None
    }

    /// Replaces what was set aside by what the call took.
    fn settle(self: Box<Self>, usage: &Usage, cost: Option<Cost>);
}

/// Why a call must not be made.
#[derive(Debug, thiserror::Error)]
pub enum Unreserved {
    /// It could exceed what may be spent.
    #[error(transparent)]
    Capped(#[from] Capped),
    /// Nobody could tell later what it took, because the event log cannot be written.
    #[error(transparent)]
    Uncounted(Box<StoreError>),
}

impl From<StoreError> for Unreserved {
    fn from(err: StoreError) -> Self {
        Self::Uncounted(Box::new(err))
    }
}

/// A cap that a call would exceed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Capped {
    /// Which cap, as the configuration names it: `turn`, `session`, `agent`, `day`, `unattended`.
    pub cap: &'static str,
    /// What was spent and what the limit is, in one sentence.
    pub message: String,
    /// How it can be raised.
    pub hint: String,
}

impl Capped {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Limited
    }
}

/// Lets every call pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unmetered;

#[async_trait]
impl Meter for Unmetered {
    async fn reserve(&self, _planned: Planned<'_>) -> Result<Box<dyn Reservation>, Unreserved> {
        Ok(Box::new(Self))
    }
}

impl Reservation for Unmetered {
    fn settle(self: Box<Self>, _usage: &Usage, _cost: Option<Cost>) {}
}
