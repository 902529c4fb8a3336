//! What TypeScript OpenClaw left in a home: its sessions and its sign-ins, read without changing a
//! byte of them, and sessions written so that it can read them.
#![forbid(unsafe_code)]
