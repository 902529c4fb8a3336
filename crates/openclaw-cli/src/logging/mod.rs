//! The log: for people to standard error, and as JSON to a file in the state directory.
//!
//! Until a config is read there is standard error only, at the level `warn` unless the environment
//! says otherwise. Commands that work as a gateway does then call [`follow`]. Each line says which
//! request, session, run and call it belongs to ([`openclaw_core::work`]).
//!
//! A line may quote anything, so each is looked through before it is written, wherever it goes:
//! known secrets are masked, and no text can end the line or steer the terminal.

mod layer;
mod line;
mod sink;

use std::sync::{Arc, OnceLock};

use openclaw_config::{LogLevel, LoggingSettings};
use openclaw_core::Clock;
use openclaw_core::env::{Env, OPENCLAW_LOG, OPENCLAW_LOG_LEVEL, RUST_LOG};
use openclaw_core::log_files::{DEFAULT_MAX_BYTES, LogWriter};
use openclaw_gateway::Home;
use regex::Regex;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::layer::Lines;
use self::sink::{Console, Sink};

/// What everything that is compiled in begins its modules with.
const OURS: &str = "openclaw";

type Filter = reload::Handle<EnvFilter, Registry>;

/// What can be changed once the config is known.
#[derive(Debug)]
struct Log {
    console: Arc<Sink>,
    file: Arc<Sink>,
    console_filter: Filter,
    file_filter: Filter,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Whether log lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// What standard error takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stderr {
    /// What the config says: whoever reads it reads the log.
    AsConfigured,
    /// What it took before: somebody reads there what a command tells them.
    AsBefore,
}

/// Starts logging. Returns what is wrong with the filter, in which case the default is used.
pub(crate) fn start(env: &Env, color: Color) -> Option<String> {
    let (filter, problem) = match of_env(env) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(problem)) => (at_most(LogLevel::Warn), Some(problem)),
        None => (at_most(LogLevel::Warn), None),
    };
    let (console_filter, console_handle) = reload::Layer::new(filter);
    let (file_filter, file_handle) = reload::Layer::new(at_most(LogLevel::Silent));
    let log = Log {
        console: Arc::new(Sink::console(Console::Pretty(color))),
        file: Arc::new(Sink::nowhere()),
        console_filter: console_handle,
        file_filter: file_handle,
    };
    let layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![
        Box::new(Lines::to(&log.console).with_filter(console_filter)),
        Box::new(Lines::to(&log.file).with_filter(file_filter)),
    ];
    // Only a second start could fail, and there is none.
    drop(tracing::subscriber::set_global_default(
        Registry::default().with(layers),
    ));
    drop(LOG.set(log));
    problem
}

/// Logs as the config of a home says from now on. Returns what of it cannot be followed.
pub(crate) fn follow(home: &Home, stderr: Stderr) -> Vec<String> {
    let Some(log) = LOG.get() else {
        return Vec::new();
    };
    let settings = &home.config.logging;
    let (patterns, problems) = patterns(settings);
    // A filter that the environment gives in vain was told at the start.
    let of_env = || of_env(&home.env).and_then(Result::ok);
    log.file.write_to(LogWriter::new(
        openclaw_gateway::logs::files(settings, &home.state),
        settings.max_file_bytes.unwrap_or(DEFAULT_MAX_BYTES),
        Clock::system(),
    ));
    let level = settings.level.unwrap_or(LogLevel::Info);
    // Reloading fails only when there is nobody to log for any more.
    drop(
        log.file_filter
            .reload(of_env().unwrap_or_else(|| at_most(level))),
    );
    log.file.also_mask(&patterns);
    log.console.also_mask(&patterns);
    if stderr == Stderr::AsConfigured {
        log.console.style(settings.console_style);
        let level = settings.console_level.unwrap_or(LogLevel::Warn);
        drop(
            log.console_filter
                .reload(of_env().unwrap_or_else(|| at_most(level))),
        );
    }
    problems
}

/// Returns the expressions of what is masked beside the known secrets, and what is wrong with the
/// others.
fn patterns(settings: &LoggingSettings) -> (Vec<Regex>, Vec<String>) {
    let mut problems = Vec::new();
    let mut patterns = Vec::new();
    for (n, pattern) in settings.redact_patterns.iter().enumerate() {
        match Regex::new(pattern) {
            Ok(pattern) => patterns.push(pattern),
            // The pattern itself may show what it is to hide.
            Err(_unreadable) => problems.push(format!(
                "logging.redactPatterns[{n}] is not followed: it is no regular expression without look-around and back references"
            )),
        }
    }
    (patterns, problems)
}

/// Returns the filter that the environment asks for, or what is wrong with it.
fn of_env(env: &Env) -> Option<Result<EnvFilter, String>> {
    for variable in [OPENCLAW_LOG, RUST_LOG] {
        if let Some(wanted) = env.get(variable.name) {
            let filter = EnvFilter::builder()
                .with_default_directive(LevelFilter::WARN.into())
                .parse(wanted);
            return Some(filter.map_err(|err| format!("{} is not followed: {err}", variable.name)));
        }
    }
    let name = OPENCLAW_LOG_LEVEL.name;
    let level = env.get(name)?;
    let level = LogLevel::named(level)
        .ok_or_else(|| format!("{name} is not followed: `{level}` is no level"));
    Some(level.map(at_most))
}

/// Returns the filter of a level. Of what others wrote, no more than warnings are let through: it
/// may quote what is sent and received.
fn at_most(level: LogLevel) -> EnvFilter {
    let (ours, others) = match level {
        LogLevel::Silent => ("off", "off"),
        LogLevel::Error => ("error", "error"),
        LogLevel::Warn => ("warn", "warn"),
        LogLevel::Info => ("info", "warn"),
        LogLevel::Debug => ("debug", "warn"),
        LogLevel::Trace => ("trace", "warn"),
    };
    EnvFilter::new(format!("{others},{OURS}={ours}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(pairs: &[(&str, &str)]) -> Option<Result<String, String>> {
        let env: Env = pairs.iter().copied().collect();
        of_env(&env).map(|filter| filter.map(|filter| filter.to_string()))
    }

    #[test]
    fn the_environment_is_asked_in_order() {
        let all = [
            ("OPENCLAW_LOG", "openclaw_gateway=debug"),
            ("RUST_LOG", "trace"),
            ("OPENCLAW_LOG_LEVEL", "error"),
        ];
        let of = |pairs| filter(pairs).unwrap().unwrap();
        assert!(of(&all).contains("openclaw_gateway=debug"));
        assert_eq!(of(&all[1..]), "trace");
        assert_eq!(of(&all[2..]), "openclaw=error,error");
        assert_eq!(filter(&[]), None);
    }

    #[test]
    fn a_filter_that_is_none_is_told() {
        let problem = filter(&[("RUST_LOG", "x=y=z")]).unwrap().unwrap_err();
        assert!(problem.starts_with("RUST_LOG is not followed"), "{problem}");
        let problem = filter(&[("OPENCLAW_LOG_LEVEL", "loud")]).unwrap();
        assert_eq!(
            problem.unwrap_err(),
            "OPENCLAW_LOG_LEVEL is not followed: `loud` is no level"
        );
    }
}
