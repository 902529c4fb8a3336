//! How a defect that stops a task is told: on standard error, with known secrets masked.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::thread;

use openclaw_core::redaction::mask;

use crate::text;

/// Takes the place of the standard library's own report.
pub(crate) fn install() {
    panic::set_hook(Box::new(|info| {
        let report = report(info);
        // If standard error cannot be written, there is nobody to be told.
        drop(io::stderr().lock().write_all(report.as_bytes()));
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let thread = thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let what = info.payload_as_str().unwrap_or("no message");
    let place = info.location().map(ToString::to_string);
    let place = place.unwrap_or_default();
    let trace = Backtrace::capture();
    let trace = match trace.status() {
        BacktraceStatus::Captured => format!("\n{trace}"),
        _ => String::new(),
    };
    let report = format!("thread '{name}' panicked at {place}:\n{what}{trace}");
    format!("{}\n", text::escape(&mask(&report)))
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use openclaw_core::env::Env;
    use openclaw_core::redaction::learn_text;

    use super::*;

    const SECRET: &str = "cnry-of-a-panic-\"0123456789\"";

    /// Set in the process of its own that the test below starts.
    const PANIC: &str = "OPENCLAW_TEST_PANIC";

    #[test]
    fn panics_with_a_secret_where_it_is_asked_to() {
        if !Env::from_process().has(PANIC) {
            return;
        }
        learn_text(SECRET);
        install();
        drop(thread::spawn(|| panic!("no \u{1b}[31m{SECRET}")).join());
        panic!("{SECRET} and {SECRET:?}");
    }

    /// There is no known way to make the program itself panic, so this does with the same hook.
    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a hook is the whole process's, so the test needs one of its own"
    )]
    fn a_panic_is_told_on_standard_error_without_secrets() {
        let mut child = Command::new(env::current_exe().unwrap());
        let child = child
            .args([
                "--exact",
                "panics::tests::panics_with_a_secret_where_it_is_asked_to",
            ])
            .args(["--nocapture", "--test-threads=1"])
            .env(PANIC, "1")
            .env("RUST_BACKTRACE", "1");
        let output = child.output().unwrap();
        assert!(!output.status.success());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("[REDACTED] and \"[REDACTED]\""), "{told}");
        assert_eq!(told.matches("panicked at").count(), 2, "{told}");
        let all = told + &String::from_utf8(output.stdout).unwrap();
        for part in ["cnry", "0123456789", "\u{1b}"] {
            assert!(!all.contains(part), "{all}");
        }
    }
}
