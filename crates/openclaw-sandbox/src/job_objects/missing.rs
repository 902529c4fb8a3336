//! What a run is without on Windows, and whether it may be.

use crate::{Guard, Limits, Reach, SandboxConfig, SandboxError, SandboxLevel};

/// Returns why a run that is without these is refused, if it is.
///
/// Limits do not decide: they are against waste, and a level promises none.
pub(crate) fn refusal(level: SandboxLevel, missing: &[Guard]) -> Option<SandboxError> {
    let promised = missing.iter().find(|guard| **guard != Guard::Limits);
    promised.map(|guard| SandboxError::GuardMissing {
        guard: *guard,
        detail: format!("level {level} cannot be enforced on Windows"),
    })
}

/// Returns what of the configuration of a run is not kept.
pub(crate) fn missing(config: &SandboxConfig, limits: &Limits, reach: &Reach) -> Vec<Guard> {
    let mut missing = Vec::new();
    let host = config.network_access && matches!(reach, Reach::Host);
    match config.level {
        SandboxLevel::None => {}
        SandboxLevel::Relaxed if host => missing.push(Guard::Files),
        SandboxLevel::Relaxed | SandboxLevel::Strict => {
            missing.extend([Guard::Files, Guard::Network]);
        }
    }
    let limited = [
        config.max_cpu_time.is_some(),
        config.max_memory.is_some(),
        limits.processes.is_some(),
        limits.file_size.is_some(),
        limits.open_files.is_some(),
    ];
    if limited.contains(&true) {
        missing.push(Guard::Limits);
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(level: SandboxLevel) -> SandboxConfig {
        SandboxConfig {
            level,
            network_access: level == SandboxLevel::Relaxed,
            ..SandboxConfig::default()
        }
    }

    #[test]
    fn a_level_that_is_not_enforced_is_refused() {
        for level in [SandboxLevel::Relaxed, SandboxLevel::Strict] {
            let missing = missing(&config(level), &Limits::default(), &Reach::Host);
            let err = refusal(level, &missing).unwrap();
            assert_eq!(
                err.to_string(),
                format!("the sandbox needs files: level {level} cannot be enforced on Windows")
            );
            assert_eq!(err.kind(), openclaw_core::Kind::Denied);
        }
    }

    #[test]
    fn a_run_is_without_all_that_a_job_does_not_do() {
        let missing = |level, reach| missing(&config(level), &Limits::default(), &reach);
        let all = [Guard::Files, Guard::Network, Guard::Limits];
        assert_eq!(missing(SandboxLevel::Strict, Reach::Nowhere), all);
        assert_eq!(missing(SandboxLevel::Relaxed, Reach::Nowhere), all);
        assert_eq!(
            missing(SandboxLevel::Relaxed, Reach::Host),
            [Guard::Files, Guard::Limits]
        );
    }

    #[test]
    fn level_none_promises_nothing_but_limits() {
        let none = config(SandboxLevel::None);
        let missing_of =
            |config: SandboxConfig, limits: &Limits| missing(&config, limits, &Reach::Host);
        let limited = missing_of(none.clone(), &Limits::default());
        assert_eq!(limited, [Guard::Limits]);
        assert!(refusal(SandboxLevel::None, &limited).is_none());
        let boundless = SandboxConfig {
            max_memory: None,
            ..none
        };
        let unlimited = Limits {
            processes: None,
            file_size: None,
            open_files: None,
            ..Limits::default()
        };
        assert_eq!(missing_of(boundless, &unlimited), []);
    }
}
