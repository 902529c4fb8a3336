//! The event log: whether it is there, readable, writable, whole and with room to grow.

use std::path::{Path, PathBuf};

use openclaw_core::events::{Inspection, StoreError, anchors_path, inspect, inspect_deep};
use openclaw_ipc::methods::DoctorSeverity as Severity;
use tokio::task;

use super::finding::Finding;
use super::{Depth, Hear, Patient, quoted};
use crate::audit::first_finding;
use crate::home::Running;

/// Below this much free space the operator is warned.
const LOW: u64 = 256 * 1024 * 1024;
/// Below this much free space the next attachment may not fit.
const FULL: u64 = 16 * 1024 * 1024;

/// The name of the finding that there is little or no room left.
const DISK_LOW: &str = "store.disk-low";

/// How many checks were made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checks {
    pub(super) run: u32,
    pub(super) skipped: u32,
}

/// Checks the event log of a home; nothing is changed.
pub(super) async fn check(patient: &Patient, depth: Depth, hear: Hear) -> (Checks, Vec<Finding>) {
    let doctor = Doctor {
        log: patient.state.event_log(),
        flags: patient.flags.clone(),
        gateway: matches!(Running::on(&patient.state), Ok(Some(_))),
    };
    let mut checks = Checks { run: 3, skipped: 0 };
    let mut findings = doctor.surroundings(&patient.state.own());
    if !doctor.log.exists() {
        checks.skipped = checks.skipped.saturating_add(1);
        findings.push(doctor.missing());
        return (checks, findings);
    }
    match inspect(&doctor.log) {
        Ok(inspection) => findings.extend(doctor.seen(&inspection)),
        Err(err) => {
            checks.skipped = checks.skipped.saturating_add(1);
            let told = |finding: &Finding| finding.check_id == DISK_LOW;
            if !(matches!(err, StoreError::DiskFull { .. }) && findings.iter().any(told)) {
                findings.push(doctor.unusable(&err));
            }
            return (checks, findings);
        }
    }
    if depth == Depth::Glance {
        checks.skipped = checks.skipped.saturating_add(1);
        return (checks, findings);
    }
    checks.run = checks.run.saturating_add(1);
    let log = doctor.log.clone();
    let report = task::spawn_blocking(move || inspect_deep(&log, hear)).await;
    match report.unwrap_or(Err(StoreError::Closed)) {
        Ok(Some(report)) => {
            findings.extend(first_finding(&report).map(|first| {
                doctor.broken(&format!("position {}: {}", first.position, first.what))
            }));
        }
        Ok(None) => {}
        Err(err) => findings.push(doctor.unusable(&err)),
    }
    (checks, findings)
}

struct Doctor {
    log: PathBuf,
    /// The flags by which another command finds the same state directory.
    flags: String,
    /// Whether a gateway runs on it.
    gateway: bool,
}

impl Doctor {
    fn finding(&self, check_id: &'static str, severity: Severity, message: String) -> Finding {
        Finding {
            check_id,
            severity,
            message,
            why: String::new(),
            path: self.log.clone(),
            fix_hint: None,
        }
    }

    fn command(&self, rest: &str) -> String {
        let stop = if self.gateway {
            "stop the gateway, then "
        } else {
            ""
        };
        format!("{stop}openclaw{} {rest}", self.flags)
    }

    /// Checks the folder and the file, but not what is in the file.
    fn surroundings(&self, own: &Path) -> Vec<Finding> {
        let mut findings = Vec::new();
        #[cfg(unix)]
        if own.exists() {
            findings.extend(self.writable(own));
            findings.extend(self.private(own));
            findings.extend(self.space(own));
        }
        findings
    }

    #[cfg(unix)]
    fn writable(&self, own: &Path) -> Option<Finding> {
        use rustix::fs::{Access, access};
        let refused = [own, &self.log]
            .into_iter()
            .filter(|path| path.exists())
            .find_map(|path| Some((path, access(path, Access::WRITE_OK).err()?)));
        let (path, err) = refused?;
        let read_only = err == rustix::io::Errno::ROFS;
        Some(Finding {
            why: format!("{err}: no message can be recorded, so none is answered"),
            path: path.to_owned(),
            fix_hint: Some(if read_only {
                format!("remount the file system of {} for writing", path.display())
            } else {
                format!("chmod u+w {}", quoted(path))
            }),
            ..self.finding(
                "store.permissions",
                Severity::Error,
                format!("`{}` cannot be written to", path.display()),
            )
        })
    }

    #[cfg(unix)]
    fn private(&self, own: &Path) -> Option<Finding> {
        use std::os::unix::fs::PermissionsExt as _;
        let open: Vec<&Path> = [own, &self.log]
            .into_iter()
            .filter(|path| {
                let mode = std::fs::metadata(path).map(|found| found.permissions().mode());
                mode.is_ok_and(|mode| mode & 0o077 != 0)
            })
            .collect();
        let first = open.first()?;
        let names: Vec<String> = open.iter().map(|path| quoted(path)).collect();
        Some(Finding {
            why: "conversations and the gateway's token are the owner's alone".to_owned(),
            path: first.to_path_buf(),
            fix_hint: Some(format!("chmod go-rwx {}", names.join(" "))),
            ..self.finding(
                "store.permissions",
                Severity::Warning,
                format!("others can read `{}`", first.display()),
            )
        })
    }

    #[cfg(unix)]
    fn space(&self, own: &Path) -> Option<Finding> {
        let system = rustix::fs::statvfs(own).ok()?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let severity = match free {
            0..FULL => Severity::Error,
            FULL..LOW => Severity::Warning,
            LOW.. => return None,
        };
        Some(Finding {
            why: "when the disk is full nothing can be recorded, and so no message is answered"
                .to_owned(),
            path: own.to_owned(),
            fix_hint: Some(format!(
                "free some space; `openclaw{} sessions list` shows what there is",
                self.flags
            )),
            ..self.finding(
                DISK_LOW,
                severity,
                format!("{} MiB are free on the disk of the event log", free >> 20),
            )
        })
    }

    fn missing(&self) -> Finding {
        if anchors_path(&self.log).exists() {
            return Finding {
                why: "its anchors are still there, so it was taken away".to_owned(),
                fix_hint: Some(self.command("backup restore FILE")),
                ..self.finding(
                    "store.missing",
                    Severity::Error,
                    "the event log is gone".to_owned(),
                )
            };
        }
        Finding {
            why: "nobody has said anything yet; the first message makes it".to_owned(),
            ..self.finding(
                "store.missing",
                Severity::Info,
                "there is no event log".to_owned(),
            )
        }
    }

    fn seen(&self, inspection: &Inspection) -> Option<Finding> {
        let Inspection {
            outdated,
            last,
            anchored,
        } = *inspection;
        match anchored {
            None if last > 0 && !outdated => Some(Finding {
                why: "without its anchors a log that was rewritten as a whole cannot be told from \
                      one that was not"
                    .to_owned(),
                path: anchors_path(&self.log),
                fix_hint: Some(self.command("audit accept")),
                ..self.finding(
                    "store.anchors-missing",
                    Severity::Error,
                    "the anchors of the event log are missing".to_owned(),
                )
            }),
            Some(anchored) if anchored > last => Some(Finding {
                why: "the write-ahead log was cut off or taken away, or an older copy was put back"
                    .to_owned(),
                fix_hint: Some(self.command("backup restore FILE")),
                ..self.finding(
                    "store.wal-truncated",
                    Severity::Error,
                    format!("the event log ends at position {last}, but {anchored} were recorded"),
                )
            }),
            None | Some(_) => None,
        }
    }

    fn unusable(&self, err: &StoreError) -> Finding {
        let restore = || Some(self.command("backup restore FILE"));
        let (check_id, fix_hint, why) = match err {
            StoreError::Foreign { .. } => (
                "store.foreign",
                Some(format!("mv {0} {0}.foreign", quoted(&self.log))),
                "it is never written to, so the gateway does not start",
            ),
            StoreError::Newer { .. } => (
                "store.newer",
                Some("install the version of openclaw that wrote it, or a later one".to_owned()),
                "an earlier version could damage it, so the gateway does not start",
            ),
            StoreError::DiskFull { .. } => (
                DISK_LOW,
                Some("free some space".to_owned()),
                "when the disk is full nothing can be recorded, and so no message is answered",
            ),
            StoreError::ReadOnly { .. } => (
                "store.permissions",
                Some(format!("chmod u+w {}", quoted(&self.log))),
                "no message can be recorded, so none is answered",
            ),
            StoreError::Corrupt { .. } => (
                "store.corrupt",
                restore(),
                "something other than this program wrote to it, or the disk is failing",
            ),
            _ => (
                "store.unreadable",
                restore(),
                "what was said cannot be read, so the gateway does not start",
            ),
        };
        Finding {
            why: why.to_owned(),
            fix_hint,
            ..self.finding(check_id, Severity::Error, err.to_string())
        }
    }

    fn broken(&self, place: &str) -> Finding {
        Finding {
            why: "somebody changed the log behind the program's back".to_owned(),
            fix_hint: Some(self.command("audit verify")),
            ..self.finding(
                "store.chain-broken",
                Severity::Error,
                format!("the event log was changed, {place}"),
            )
        }
    }
}
