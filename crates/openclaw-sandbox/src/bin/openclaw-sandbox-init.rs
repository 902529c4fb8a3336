//! The first program inside a sandbox, for tests and for programs that embed this crate; the
//! `openclaw` binary is its own.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    if let Some(code) = openclaw_sandbox::init::dispatch() {
        return code;
    }
    // Under another name, or on a system without it, there is nothing to do.
    ExitCode::FAILURE
}
