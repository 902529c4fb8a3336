//! The methods of OpenClaw's own protocol, held against what OpenClaw publishes about them and
//! against what its clients read.

mod answers;
mod approvals;
mod params;
mod peer;
mod published;
mod sessions;
mod turns;
