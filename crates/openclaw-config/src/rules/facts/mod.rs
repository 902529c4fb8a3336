//! What OpenClaw 2026.9.6 knows by name: read off its manifests and catalogues, and kept as data.

pub(super) mod names;
pub(super) mod plugins;
pub(super) mod secrets;
