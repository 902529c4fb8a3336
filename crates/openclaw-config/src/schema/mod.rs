//! What shape a config has: OpenClaw's own schema, in a compact form, and a validator over it.
