//! The sandbox: whether this machine has every guard, and where the owner has let go of one.

use std::path::PathBuf;

use openclaw_config::{Confinement, OWN_FILE, SandboxNetwork, SandboxPolicy, SetBy};
use openclaw_core::AgentId;
use openclaw_ipc::methods::DoctorSeverity as Severity;
use openclaw_sandbox::Availability;

use super::finding::Finding;
use super::{Patient, quoted};
use crate::containment::Containment;
use crate::containment::machine::Machine;
use crate::home::Home;

/// The names of the findings, which never change.
const UNUSABLE: &str = "sandbox.unusable";
const GUARD_MISSING: &str = "sandbox.guard-missing";
const ALLOW_DEGRADED: &str = "sandbox.allow-degraded";
const NO_CONTROL_GROUPS: &str = "sandbox.no-control-groups";
const LEVEL: &str = "sandbox.level";
const NETWORK: &str = "sandbox.network";
const EGRESS: &str = "sandbox.egress";

/// How many checks [`check`] makes.
pub(super) const CHECKS: u32 = 7;

/// Looks at this machine and at the settings; nothing is changed.
pub(super) async fn check(patient: &Patient, home: Option<&Home>) -> Vec<Finding> {
    let doctor = Doctor {
        own_file: patient.state.config_file().with_file_name(OWN_FILE),
        flags: patient.flags.clone(),
    };
    let machine = Machine::look().await;
    let shared = home.map(|home| home.config.own.sandbox.policy(None));
    let allowed = shared.is_some_and(|policy| policy.allow_degraded.value);
    let degraded = allowed.then(|| doctor.degradable());
    let mut findings = doctor.guards(&machine, degraded.as_ref());
    findings.extend(doctor.control_groups(&machine));
    findings.extend(degraded);
    if let Some(home) = home {
        for agent in &home.config.agents {
            findings.extend(doctor.agent(home, &agent.id));
        }
    }
    findings
}

struct Doctor {
    own_file: PathBuf,
    flags: String,
}

impl Doctor {
    /// A guard that is missing refuses every command, unless the owner can do without it.
    fn guards(&self, machine: &Machine, degraded: Option<&Finding>) -> Vec<Finding> {
        let Err(err) = &machine.probe else {
            return Vec::new();
        };
        let (severity, why) = if degraded.is_some() && machine.missing.is_some() {
            let why = "commands run without it, because sandbox.allowDegraded is set";
            (Severity::Warning, why)
        } else {
            let why = "commands are refused at the levels strict and relaxed";
            (Severity::Error, why)
        };
        let missing: Vec<Finding> = machine
            .means()
            .into_iter()
            .filter(|means| means.present == Some(false) && means.is_guard())
            .map(|means| Finding {
                fix_hint: means.remedy.map(str::to_owned),
                ..self.finding(
                    GUARD_MISSING,
                    severity,
                    format!("this machine has no {}", means.name),
                    why,
                )
            })
            .collect();
        if missing.is_empty() {
            let unusable = self.finding(UNUSABLE, severity, err.to_string(), why);
            return vec![Finding {
                fix_hint: err.hint().map(str::to_owned),
                ..unusable
            }];
        }
        missing
    }

    fn control_groups(&self, machine: &Machine) -> Option<Finding> {
        let Availability::None(obstacle) = &machine.groups else {
            return None;
        };
        let why = "the gateway runs as root, whose processes nothing else counts: a command may \
                   start as many as it likes";
        let message = obstacle.to_string();
        machine.is_root_without_groups().then(|| Finding {
            fix_hint: Some(obstacle.hint().to_owned()),
            ..self.finding(NO_CONTROL_GROUPS, Severity::Warning, message, why)
        })
    }

    fn degradable(&self) -> Finding {
        self.finding(
            ALLOW_DEGRADED,
            Severity::Warning,
            "commands may run without guards that this machine does not have".to_owned(),
            "sandbox.allowDegraded is true; each such run says so in its result and in the audit \
             stream",
        )
    }

    fn agent(&self, home: &Home, id: &AgentId) -> Vec<Finding> {
        let policy = match Containment::of(home, Some(id)) {
            Ok(containment) => containment.policy,
            Err(err) => {
                let why = "the gateway does not start with it";
                let finding = self.finding(EGRESS, Severity::Error, err.to_string(), why);
                return vec![Finding {
                    fix_hint: err.hint(),
                    ..finding
                }];
            }
        };
        self.level(&policy, id)
            .into_iter()
            .chain(self.network(&policy, id))
            .collect()
    }

    fn level(&self, policy: &SandboxPolicy, id: &AgentId) -> Option<Finding> {
        let (level, why) = match policy.level.value {
            Confinement::Strict => return None,
            Confinement::Relaxed => (
                "relaxed",
                "its commands may use the network that sandbox.network sets",
            ),
            Confinement::None => (
                "none",
                "its commands run with the privileges of the gateway, and reach its keys",
            ),
        };
        let message = format!("the commands of the agent `{id}` run at level {level}");
        Some(self.set_by(&policy.level.source, LEVEL, &message, why))
    }

    fn network(&self, policy: &SandboxPolicy, id: &AgentId) -> Option<Finding> {
        let shared = policy.network.value == SandboxNetwork::Host;
        (shared && policy.level.value == Confinement::Relaxed).then(|| {
            let message = format!("the commands of the agent `{id}` have this machine's network");
            let why = "they reach every service that listens here, and everything nearby";
            self.set_by(&policy.network.source, NETWORK, &message, why)
        })
    }

    fn set_by(&self, source: &SetBy, check_id: &'static str, message: &str, why: &str) -> Finding {
        let flags = &self.flags;
        let message = format!("{message} ({source})");
        let mut finding = self.finding(check_id, Severity::Warning, message, why);
        finding.fix_hint = Some(format!(
            "openclaw{flags} sandbox explain, then edit the setting"
        ));
        finding
    }

    fn finding(
        &self,
        check_id: &'static str,
        severity: Severity,
        message: String,
        why: &str,
    ) -> Finding {
        Finding {
            check_id,
            severity,
            message,
            why: why.to_owned(),
            path: self.own_file.clone(),
            fix_hint: Some(format!("$EDITOR {}", quoted(&self.own_file))),
        }
    }
}
