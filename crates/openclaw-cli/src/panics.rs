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
