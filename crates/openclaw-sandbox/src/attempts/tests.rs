//! Whether an attempt notices that a guard is missing.
#![cfg(target_os = "linux")]

use super::{Finding, Outcome, table, trial};
use crate::{Guard, Sandbox, SandboxLevel};

/// Returns which of these attempts escape from level Strict.
async fn escapes(sandbox: Sandbox, ids: &[&str]) -> Vec<&'static str> {
    let attempts = table::all().filter(|attempt| ids.contains(&attempt.id));
    let findings = trial::each(&sandbox, SandboxLevel::Strict, attempts, |_, _| ()).await;
    let findings = findings.unwrap();
    assert_eq!(findings.len(), ids.len());
    let escaped = |finding: &Finding| matches!(finding.outcome, Outcome::Escaped(_));
    let escaped = findings.into_iter().filter(escaped);
    escaped.map(|finding| finding.id).collect()
}

#[tokio::test]
async fn calls_that_only_the_filter_forbids_escape_without_it() {
    let ids = [
        "network.hypervisor",
        "network.netlink",
        "kernel.clone3",
        "kernel.set-uid",
        "kernel.set-uid-open",
        "kernel.set-uid-node",
        "kernel.trace",
        "kernel.personality",
        "kernel.keyring",
        "kernel.io-uring",
        "kernel.page-faults",
        "kernel.terminal",
    ];
    let sandbox = Sandbox::from_environment();
    assert_eq!(escapes(sandbox.clone(), &ids).await, [""; 0]);
    assert_eq!(escapes(sandbox.without(Guard::Seccomp), &ids).await, ids);
}

#[tokio::test]
async fn what_only_landlock_forbids_escapes_without_it() {
    let ids = [
        "files.shadow",
        "files.home",
        "files.beside",
        "files.symlink-write",
        "files.overwrite",
        "files.plant",
        "files.shared-memory",
        "files.etc",
        "processes.kill",
    ];
    // Namespaces hide the same, so they have to go, too.
    let sandbox = Sandbox::with_search_path("/no/such/folder").allow_degraded();
    assert_eq!(escapes(sandbox.clone(), &ids).await, [""; 0]);
    assert_eq!(escapes(sandbox.without(Guard::Landlock), &ids).await, ids);
}

#[tokio::test]
async fn what_the_filter_forbids_where_there_are_no_namespaces_escapes_without_it() {
    let ids = ["network.socket", "processes.limits"];
    let sandbox = Sandbox::with_search_path("/no/such/folder").allow_degraded();
    assert_eq!(escapes(sandbox.clone(), &ids).await, [""; 0]);
    assert_eq!(escapes(sandbox.without(Guard::Seccomp), &ids).await, ids);
}

#[test]
fn every_attempt_has_a_name_of_its_own_that_begins_with_its_group() {
    let mut seen = Vec::new();
    for attempt in table::all() {
        let (group, _) = attempt.id.split_once('.').unwrap();
        assert_eq!(group, attempt.group.as_str());
        assert!(!seen.contains(&attempt.id), "{}", attempt.id);
        seen.push(attempt.id);
    }
}
