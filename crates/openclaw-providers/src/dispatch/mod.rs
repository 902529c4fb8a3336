//! Getting an answer all the same: retries, several keys, other models.
//!
//! A [`Route`] is an agent's model with what stands in for it. [`Route::ask`] goes through its
//! [`Candidate`]s, and through the [`Credential`]s of each, until one of them begins to answer; the
//! answer then comes as an [`Answer`]. Until the first token anything can be done over without
//! anybody having seen the difference, after it nothing can: an answer that breaks off has failed.
//!
//! What a failure leads to is one table, in `verdict`:
//!
//! | failure | what is done |
//! |---|---|
//! | a wrong request, a cap, a stop | the turn fails: nobody else would answer otherwise |
//! | the model cannot do this (context, filter, size, no such model) | the next candidate; nobody rests |
//! | rate limit, refused key, no credit | the next credential at once; this one rests |
//! | overloaded, 5xx, no connection, cut, malformed | again after a wait, then the next candidate; the circuit of the model opens |
//! | silence | the next candidate; again only if there is none; the circuit opens |
//! | an empty answer | again after a wait, then the next candidate; nobody rests |
//!
//! Who rests and for how long is in [`Health`]. When all candidates rest, the one whose rest ends
//! first is asked all the same, because it may have been healed meanwhile; only where the provider
//! itself named a time is it left alone until then, and the error says how long that is.
//!
//! Reading order: [`candidate`] is who can be asked, `fit` makes a request fit for it, [`health`]
//! who is to be left alone, `verdict` what a failure means, `opening` one attempt up to its first
//! token, `tab` what it takes, [`route`] and `search` all attempts, [`answer`] what comes after.

pub mod answer;
pub mod candidate;
mod estimate;
mod exhausted;
mod fit;
pub mod health;
mod opening;
pub mod route;
mod search;
mod tab;
#[cfg(test)]
mod tests;
mod verdict;

pub use answer::{Answer, Refused};
pub use candidate::{Candidate, Credential, Defaults, Policy};
pub use estimate::tokens as tokens_at_most;
pub use exhausted::{Exhausted, Failure};
pub use health::{Ailment, Health, Standing};
pub use route::Route;

pub(crate) use opening::complete;
