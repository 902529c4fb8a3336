//! The config: whether it can be read, is valid and in the current form, and is the owner's alone.

use std::path::{Path, PathBuf};

use openclaw_config::edit::SaveError;
use openclaw_config::source::{self, Source};
use openclaw_config::upgrade::{self, Plan};
use openclaw_config::{Config, Judged, OWN_FILE, Problem, judge};
use openclaw_core::SessionKey;
use openclaw_core::env::Env;
use openclaw_core::events::{AuditEntry, StoreError};
use openclaw_core::state_dir::StateDir;
use openclaw_ipc::methods::DoctorSeverity as Severity;

use super::finding::Finding;
use super::{Mended, Mending, Patient, Repair, quoted};
use crate::audit::record_config_changes;
use crate::home::Running;
use crate::models::not_followed;

/// How many of the last entries of the audit stream are looked at.
const LOOKED_AT: u64 = 512;

/// The names of the findings, which never change.
const UNREADABLE: &str = "config.unreadable";
const INVALID: &str = "config.invalid";
const WARNING: &str = "config.warning";
const OLD_FORM: &str = "config.old-form";
const PERMISSIONS: &str = "config.permissions";
const NOT_FOLLOWED: &str = "config.not-followed";
const RELOAD_REFUSED: &str = "config.reload-refused";
const NOT_FIXED: &str = "config.not-fixed";

/// How many checks [`check`] makes.
pub(super) const CHECKS: u32 = 6;

/// Checks the config of a home; nothing is changed.
pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let doctor = Doctor { patient };
    let mut findings = doctor.look();
    findings.extend(doctor.refused_reload().await);
    findings
}

/// Writes the config in the current form and keeps it from other people's eyes.
pub(super) async fn mend(patient: &Patient, mending: Mending) -> Mended {
    let mut mended = Mended::default();
    let outcome = match rewrite(patient, mending, &mut mended).await {
        Ok(()) => seclude(patient, mending, &mut mended.repairs),
        Err(err) => Err(err),
    };
    let doctor = Doctor { patient };
    mended.failure = outcome.err().map(|err| Finding {
        why: "nothing was changed".to_owned(),
        fix_hint: Some(format!("openclaw{} config validate", patient.flags)),
        ..doctor.finding(NOT_FIXED, Severity::Error, told(&err))
    });
    mended
}

async fn rewrite(
    patient: &Patient,
    mending: Mending,
    mended: &mut Mended,
) -> Result<(), SaveError> {
    let (state, env) = (&patient.state, &patient.env);
    // What cannot be read, or would still be wrong, is told by the check.
    let plan = Plan::of(state, env).ok().filter(Plan::is_possible);
    let Some(plan) = plan else {
        return Ok(());
    };
    let repair = |path: &Path, message| Repair {
        check_id: OLD_FORM,
        path: path.to_owned(),
        message,
    };
    let changes = match mending {
        Mending::Rehearsal => plan.changes,
        Mending::Really => {
            let upgraded = upgrade::apply(state, env)?;
            let backups = upgraded.config.backups.iter().chain(&upgraded.own.backups);
            let kept = |backup: &PathBuf| repair(backup, "has it as it was before".to_owned());
            mended.repairs.extend(backups.map(kept));
            if let Err(err) = record(patient).await {
                mended.warnings.push(format!(
                    "the audit stream does not say that the config was changed: {err}"
                ));
            }
            upgraded.changes
        }
    };
    let file = state.config_file();
    let changes = changes.into_iter().map(|change| repair(file, change.text));
    mended.repairs.extend(changes);
    Ok(())
}

fn seclude(
    patient: &Patient,
    mending: Mending,
    repairs: &mut Vec<Repair>,
) -> Result<(), SaveError> {
    for path in files(&patient.state, &patient.env) {
        if !is_open(&path) {
            continue;
        }
        if mending == Mending::Really {
            close(&path)?;
        }
        repairs.push(Repair {
            check_id: PERMISSIONS,
            message: "is for its owner only".to_owned(),
            path,
        });
    }
    Ok(())
}

/// Returns a failure with its cause.
fn told(err: &SaveError) -> String {
    match std::error::Error::source(err) {
        Some(cause) => format!("{err}: {cause}"),
        None => err.to_string(),
    }
}

async fn record(patient: &Patient) -> Result<(), StoreError> {
    if let Some(store) = patient.log()? {
        record_config_changes(
            &store,
            &[patient.state.config_file().to_owned()],
            "openclaw doctor --fix",
        )
        .await?;
    }
    Ok(())
}

struct Doctor<'a> {
    patient: &'a Patient,
}

impl Doctor<'_> {
    fn look(&self) -> Vec<Finding> {
        let file = self.patient.state.config_file();
        if file
            .symlink_metadata()
            .is_err_and(|err| err.kind() == std::io::ErrorKind::NotFound)
        {
            // Everything has its default until there is one.
            return Vec::new();
        }
        let mut findings = self.open_files();
        let source = match source::read(file, &self.patient.env) {
            Ok(source) => source,
            Err(problems) => {
                findings.extend(problems.iter().map(|problem| Finding {
                    why: "the gateway does not start without a config that it can read".to_owned(),
                    fix_hint: Some(format!("$EDITOR {}", quoted(file))),
                    ..self.about(UNREADABLE, Severity::Error, problem)
                }));
                return findings;
            }
        };
        findings.extend(self.judged(&source));
        findings
    }

    fn judged(&self, source: &Source) -> Vec<Finding> {
        let verdict = judge(source, &self.patient.state, Judged::AfterMigration);
        let mut findings: Vec<Finding> = verdict
            .problems
            .iter()
            .map(|problem| Finding {
                why: "the gateway does not start with it".to_owned(),
                fix_hint: Some(format!("openclaw{} config validate", self.patient.flags)),
                ..self.about(INVALID, Severity::Error, problem)
            })
            .collect();
        findings.extend(verdict.warnings.iter().map(|problem| Finding {
            why: "the config is valid, but not everything in it works".to_owned(),
            fix_hint: Some(format!(
                "$EDITOR {}",
                quoted(self.patient.state.config_file())
            )),
            ..self.about(WARNING, Severity::Warning, problem)
        }));
        findings.extend(self.old_form(source));
        if verdict.is_valid() {
            findings.extend(self.own_settings());
        }
        findings
    }

    /// The gateway understands earlier forms; OpenClaw 2026.9 refuses most of them.
    fn old_form(&self, source: &Source) -> Option<Finding> {
        let plan = Plan::of(&self.patient.state, &self.patient.env).ok()?;
        if plan.changes.is_empty() {
            return None;
        }
        let refused = !judge(source, &self.patient.state, Judged::AsItStands).is_valid();
        let severity = if refused {
            Severity::Warning
        } else {
            Severity::Info
        };
        let changes: Vec<&str> = plan
            .changes
            .iter()
            .map(|change| change.text.as_str())
            .collect();
        Some(Finding {
            why: changes.join("; "),
            fix_hint: Some(if plan.is_possible() {
                format!("openclaw{} doctor --fix", self.patient.flags)
            } else {
                format!(
                    "correct what is invalid, then openclaw{} doctor --fix",
                    self.patient.flags
                )
            }),
            ..self.finding(
                OLD_FORM,
                severity,
                "the config is in the form of an earlier release".to_owned(),
            )
        })
    }

    /// What has no effect here, and what is wrong with `openclaw-rs.json5`.
    fn own_settings(&self) -> Vec<Finding> {
        match Config::load(&self.patient.state, &self.patient.env) {
            Ok(config) => {
                let finding = |problem| Finding {
                    why: "this version accepts it without following it".to_owned(),
                    ..self.about(NOT_FOLLOWED, Severity::Info, problem)
                };
                not_followed(&config).iter().map(finding).collect()
            }
            Err(err) => {
                let finding = |problem| Finding {
                    why: "the gateway does not start with it".to_owned(),
                    fix_hint: Some(format!("$EDITOR {}", quoted(&err.path))),
                    path: err.path.clone(),
                    ..self.about(INVALID, Severity::Error, problem)
                };
                err.problems.iter().map(finding).collect()
            }
        }
    }

    fn open_files(&self) -> Vec<Finding> {
        let open: Vec<PathBuf> = files(&self.patient.state, &self.patient.env)
            .into_iter()
            .filter(|path| is_open(path))
            .collect();
        let finding = |path: PathBuf| Finding {
            why: "there may be secrets in it".to_owned(),
            fix_hint: Some(format!("chmod 600 {}", quoted(&path))),
            message: format!("others can read `{}`", path.display()),
            path,
            ..self.finding(PERMISSIONS, Severity::Warning, String::new())
        };
        open.into_iter().map(finding).collect()
    }

    /// Whether a gateway runs with an earlier config, because it refused the one that is there.
    async fn refused_reload(&self) -> Option<Finding> {
        // Without a gateway the log is not opened at all, so that nothing in it is touched.
        Running::on(&self.patient.state).ok()??;
        let store = self.patient.log().ok()??;
        let audit = SessionKey::audit();
        let head = store.session(&audit).await.ok()??.head;
        let first = head.saturating_sub(LOOKED_AT).max(1);
        let events = store.read(&audit, first..=head).await.ok()?;
        let last = events
            .iter()
            .rev()
            .find_map(|event| match AuditEntry::of(event)? {
                AuditEntry::ConfigRefused { file, problems } => {
                    Some(Some((event.time, file, problems)))
                }
                AuditEntry::ConfigChanged { .. } => Some(None),
                _ => None,
            });
        let (time, file, problems) = last??;
        // A file that was changed since then is one that the gateway has taken up, or will refuse.
        let changed = std::fs::metadata(&file).ok()?.modified().ok()?;
        let changed = changed
            .duration_since(std::time::UNIX_EPOCH)
            .ok()?
            .as_millis();
        if u128::try_from(time.as_millisecond()).is_ok_and(|refused| changed > refused) {
            return None;
        }
        Some(Finding {
            why: problems.join("; "),
            fix_hint: Some(format!("openclaw{} config validate", self.patient.flags)),
            path: file,
            ..self.finding(
                RELOAD_REFUSED,
                Severity::Warning,
                format!("the running gateway refused the config at {time} and goes on with the last good one"),
            )
        })
    }

    fn finding(&self, check_id: &'static str, severity: Severity, message: String) -> Finding {
        Finding {
            check_id,
            severity,
            message,
            why: String::new(),
            path: self.patient.state.config_file().to_owned(),
            fix_hint: None,
        }
    }

    fn about(&self, check_id: &'static str, severity: Severity, problem: &Problem) -> Finding {
        let place = problem.place.as_ref();
        let file = place.map(|place| place.file.clone());
        Finding {
            path: file.unwrap_or_else(|| self.patient.state.config_file().to_owned()),
            ..self.finding(check_id, severity, problem.to_string())
        }
    }
}

/// Returns the files of the config that are there.
fn files(state: &StateDir, env: &Env) -> Vec<PathBuf> {
    let own = state.config_file().with_file_name(OWN_FILE);
    let mut files = match source::read(state.config_file(), env) {
        Ok(source) => source.files,
        Err(_unreadable) => vec![state.config_file().to_owned()],
    };
    files.push(own);
    files.retain(|file| file.is_file());
    files
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_path: &Path) -> bool {
    false
}

#[cfg(unix)]
fn close(path: &Path) -> Result<(), SaveError> {
    use std::os::unix::fs::PermissionsExt as _;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, private).map_err(|source| SaveError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(not(unix))]
fn close(_path: &Path) -> Result<(), SaveError> {
    Ok(())
}
