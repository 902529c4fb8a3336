//! Machines that lack what the sandbox is made of.

use std::fs;

use openclaw_testkit::{HomeCommand, TestHome};

use super::installed;
use crate::OPENCLAW;

/// The numbers of the system calls of Landlock, the same on every architecture.
const LANDLOCK: [u32; 3] = [444, 445, 446];
/// seccomp(2), by which filters are set.
#[cfg(target_arch = "x86_64")]
const SECCOMP: [u32; 1] = [317];
#[cfg(target_arch = "aarch64")]
const SECCOMP: [u32; 1] = [277];

/// What a filter answers: that the kernel has no such call.
const ENOSYS: u32 = 0x0005_0026;
const ALLOW: u32 = 0x7fff_0000;

/// One instruction of classic BPF.
fn instruction(code: u16, on_true: u8, value: u32) -> Vec<u8> {
    let mut bytes = code.to_ne_bytes().to_vec();
    bytes.extend([on_true, 0]);
    bytes.extend(value.to_ne_bytes());
    bytes
}

/// A filter under which a kernel seems not to have these calls; numbers only, no architecture.
fn without(calls: &[u32]) -> Vec<u8> {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let mut program = instruction(LOAD, 0, 0);
    for (index, call) in calls.iter().enumerate() {
        let left = u8::try_from(calls.len() - index).unwrap();
        program.extend(instruction(JUMP_IF_EQUAL, left, *call));
    }
    program.extend(instruction(RETURN, 0, ALLOW));
    program.extend(instruction(RETURN, 0, ENOSYS));
    program
}

/// Prepares `sandbox exec` on a machine that bubblewrap makes out of this one.
fn on_a_machine(home: &TestHome, machine: &str) -> HomeCommand {
    let script = format!("exec bwrap --dev-bind / / {machine} -- \"$0\" \"$@\"");
    home.command("/bin/sh")
        .args(["-c", &script, OPENCLAW, "sandbox", "exec", "--workspace"])
        .arg(home.workspace())
        .args(["--", "/bin/sh", "-c", "touch ran"])
}

fn on_a_kernel_without(home: &TestHome, calls: &[u32]) -> HomeCommand {
    let filter = home.path().join("filter");
    fs::write(&filter, without(calls)).unwrap();
    on_a_machine(home, &format!("--seccomp 9 9< '{}'", filter.display()))
}

/// The file is named before the dashes, where the shell reads it.
async fn refused(command: HomeCommand, home: &TestHome, why: &str) {
    let ran = command.run().await.assert_code(6);
    assert!(ran.stderr.contains(why), "{ran}");
    assert!(!home.workspace().join("ran").exists());
}

#[tokio::test]
async fn without_user_namespaces_nothing_runs() {
    if !installed("without_user_namespaces", "bwrap") {
        return;
    }
    let home = TestHome::new();
    let machine = "--unshare-user --disable-userns";
    refused(on_a_machine(&home, machine), &home, "namespaces").await;
}

#[tokio::test]
async fn without_landlock_nothing_runs() {
    if !installed("without_landlock", "bwrap") {
        return;
    }
    let home = TestHome::new();
    refused(on_a_kernel_without(&home, &LANDLOCK), &home, "landlock").await;
}

#[tokio::test]
async fn without_a_filter_of_system_calls_nothing_runs() {
    if !installed("without_a_filter", "bwrap") {
        return;
    }
    let home = TestHome::new();
    refused(on_a_kernel_without(&home, &SECCOMP), &home, "seccomp").await;
}

#[tokio::test]
async fn what_is_missing_is_left_out_only_where_the_owner_allows_it_and_is_told() {
    if !installed("what_is_missing", "bwrap") {
        return;
    }
    let home = TestHome::new();
    home.write_own("{ sandbox: { allowDegraded: true } }");
    let ran = on_a_kernel_without(&home, &LANDLOCK).run().await;
    let ran = ran.assert_code(0);
    assert!(home.workspace().join("ran").exists(), "{ran}");
    assert!(ran.stderr.contains("landlock"), "{ran}");
}
