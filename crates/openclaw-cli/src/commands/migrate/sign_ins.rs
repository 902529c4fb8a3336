//! The area `sign-ins`: keys that OpenClaw keeps in plain text.
//!
//! They are used where they are, and with consent encrypted into the credential store; with a second
//! consent, a reference takes their place at the source. Nothing is done without either.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;
use openclaw_compat::auth::{self, AuthKind, AuthProfile, Moved, Place, Secret};
use openclaw_compat::{Left, Mode};
use openclaw_core::credentials::CredentialError;
use openclaw_core::events::SecretChange;
use openclaw_core::{ApiKey, CredentialStore};
use serde_json::{Value, json};

use super::{Area, MigrateError, Migration};
use crate::commands::Cx;
use crate::commands::credentials::typed::is_attended;
use crate::commands::credentials::{Keyring, NewPassword, recorded};
use crate::confirm::{ConfirmError, confirm};
use crate::error::CliError;

/// What does it, in the audit stream.
const BY: &str = "openclaw migrate";

/// The longest name of a record.
const MAX_NAME: usize = 64;

/// What may be done with keys in plain text.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Consent {
    /// Encrypt OpenClaw's keys and tokens into the credential store
    #[arg(long)]
    import_credentials: bool,
    /// Put references in their place where OpenClaw keeps them
    #[arg(long, requires = "import_credentials")]
    redact_credentials: bool,
}

/// A key in plain text, and the record that it is to be.
struct Plain<'a> {
    place: &'a Place,
    profile: &'a AuthProfile,
    secret: &'a Arc<ApiKey>,
    record: String,
}

/// What became of the keys.
#[derive(Default)]
struct Outcome {
    /// The records that are new.
    imported: Vec<String>,
    /// How many were there already.
    known: usize,
    /// What stays where it is.
    left: Vec<Left>,
    notes: Vec<Left>,
    /// The places that have references now.
    redacted: Vec<Value>,
    /// Whether the owner wants keys to be imported.
    wanted: bool,
}

/// Takes the sign-ins of a home, as far as its owner consents.
pub(super) fn take(
    cx: Cx<'_>,
    migration: &Migration<'_>,
    consent: Consent,
) -> Result<Area, CliError> {
    if consent.redact_credentials && !migration.in_place() {
        return Err(MigrateError::RedactElsewhere.into());
    }
    let places = auth::places(&migration.from);
    let mut outcome = Outcome::default();
    let mut names = BTreeSet::new();
    let mut plain = Vec::new();
    for place in &places {
        sort(place, &mut plain, &mut names, &mut outcome);
    }
    let wanted = consent.import_credentials
        || (migration.mode == Mode::Take
            && !plain.is_empty()
            && agreed(cx, migration, plain.len())?);
    if wanted && migration.mode == Mode::Take && !plain.is_empty() {
        import(cx, migration, consent, plain, &mut outcome)?;
    } else if wanted {
        outcome
            .imported
            .extend(plain.into_iter().map(|plain| plain.record));
    } else if !migration.in_place() && !plain.is_empty() {
        outcome.left.push(Left {
            what: plain.iter().map(|one| one.profile.id.as_str()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", "),
            why: "sign-ins are not copied; set the keys anew with `openclaw onboard`, or add --import-credentials"
                .to_owned(),
        });
    }
    outcome.wanted = wanted;
    Ok(area(migration, &names, outcome))
}

/// Sorts the sign-ins of a place into keys in plain text and what is none.
fn sort<'a>(
    place: &'a Place,
    plain: &mut Vec<Plain<'a>>,
    names: &mut BTreeSet<String>,
    outcome: &mut Outcome,
) {
    outcome
        .notes
        .extend(place.sign_ins.troubles.iter().map(|trouble| Left {
            what: "a sign-in".to_owned(),
            why: trouble.to_string(),
        }));
    for profile in &place.sign_ins.profiles {
        names.insert(profile.id.clone());
        match (&profile.secret, profile.kind) {
            (Secret::Elsewhere(_), _) => {}
            (Secret::Given(secret), AuthKind::ApiKey | AuthKind::Token) => {
                let record = free_name(plain, place, profile, secret);
                plain.push(Plain {
                    place,
                    profile,
                    secret,
                    record,
                });
            }
            (Secret::Given(_), AuthKind::OAuth) => outcome.notes.push(Left {
                what: profile.id.clone(),
                why: "OpenClaw renews this sign-in, so it is not imported".to_owned(),
            }),
        }
    }
}

/// Returns the name of a record: the sign-in's, and the agent's too where another agent has another
/// secret under that name.
fn free_name(plain: &[Plain<'_>], place: &Place, profile: &AuthProfile, secret: &ApiKey) -> String {
    let name = record_of(profile);
    let taken = plain
        .iter()
        .any(|one| one.record == name && !one.secret.same(secret));
    match &place.agent {
        Some(agent) if taken => legal(&format!("{name}_{agent}")),
        _ => name,
    }
}

/// `anthropic:default` is the record `anthropic`, which is used for the provider of that name.
fn record_of(profile: &AuthProfile) -> String {
    let provider = profile.provider.as_str();
    let first = [provider.to_owned(), format!("{provider}:default")];
    legal(if first.contains(&profile.id) {
        provider
    } else {
        &profile.id
    })
}

/// Returns a name that a reference of OpenClaw's can have in capitals: `[A-Z][A-Z0-9_]*`.
fn legal(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(plain).collect();
    let name = if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name
    } else {
        format!("key_{name}")
    };
    name.chars().take(MAX_NAME).collect()
}

fn agreed(cx: Cx<'_>, migration: &Migration<'_>, many: usize) -> Result<bool, CliError> {
    if !is_attended(cx) {
        return Ok(false);
    }
    let question = format!(
        "{} has {many} keys in plain text. Encrypt them into the credential store?",
        migration.from.display()
    );
    match confirm(cx.out, "importing keys", &question) {
        Ok(()) => Ok(true),
        Err(CliError::Confirm(ConfirmError::Declined)) => Ok(false),
        Err(err) => Err(err),
    }
}

fn import(
    cx: Cx<'_>,
    migration: &Migration<'_>,
    consent: Consent,
    plain: Vec<Plain<'_>>,
    outcome: &mut Outcome,
) -> Result<(), CliError> {
    let keyring = Keyring::locate(cx)?;
    let opened = keyring.open_or_make(cx, &NewPassword::default())?;
    let mut kept = Vec::new();
    for one in plain {
        match put(&opened.store, &one) {
            Ok(true) => outcome.imported.push(one.record.clone()),
            Ok(false) => outcome.known = outcome.known.saturating_add(1),
            Err(why) => {
                let what = one.profile.id.clone();
                outcome.left.push(Left { what, why });
                continue;
            }
        }
        kept.push(one);
    }
    let mut warnings = opened.warnings;
    let state = migration.state;
    warnings.extend(recorded(
        state,
        &outcome.imported,
        SecretChange::Imported,
        BY,
    ));
    if migration.in_place() && !kept.is_empty() && redaction(cx, consent)? {
        redact(&kept, outcome);
        let names: BTreeSet<String> = kept.into_iter().map(|one| one.record).collect();
        let names: Vec<String> = names.into_iter().collect();
        warnings.extend(recorded(state, &names, SecretChange::Redacted, BY));
    }
    outcome.notes.extend(warnings.into_iter().map(|why| Left {
        what: "the credential store".to_owned(),
        why,
    }));
    Ok(())
}

/// Stores a key unless it is there; says whether it is new, or why it cannot be.
fn put(store: &CredentialStore, one: &Plain<'_>) -> Result<bool, String> {
    let name = &one.record;
    match store.get(name) {
        Ok(known) if known.same(one.secret) => Ok(false),
        Ok(_other) => Err(format!("the credential {name} has another value already")),
        Err(CredentialError::NoSuchRecord(_)) => {
            let stored = store.put(name, one.secret);
            stored.map(|()| true).map_err(|err| err.to_string())
        }
        Err(err) => Err(err.to_string()),
    }
}

fn redaction(cx: Cx<'_>, consent: Consent) -> Result<bool, CliError> {
    if consent.redact_credentials || !is_attended(cx) {
        return Ok(consent.redact_credentials);
    }
    let question = "Take them out of OpenClaw's files, too? OpenClaw itself cannot read them then, and no copy in plain text stays.";
    match confirm(cx.out, "taking keys out of OpenClaw's files", question) {
        Ok(()) => Ok(true),
        Err(CliError::Confirm(ConfirmError::Declined)) => Ok(false),
        Err(err) => Err(err),
    }
}

fn redact(kept: &[Plain<'_>], outcome: &mut Outcome) {
    let mut places: Vec<&Place> = Vec::new();
    for one in kept {
        if !places.iter().any(|place| std::ptr::eq(*place, one.place)) {
            places.push(one.place);
        }
    }
    for place in places {
        let here = kept.iter().filter(|one| std::ptr::eq(one.place, place));
        let moved: Vec<Moved> = here
            .map(|one| Moved {
                id: one.profile.id.clone(),
                secret: Arc::clone(one.secret),
                reference: json!({
                    "source": "store",
                    "provider": "default",
                    "id": one.record.to_ascii_uppercase(),
                }),
            })
            .collect();
        let what = place.file.display().to_string();
        match place.redact(&moved) {
            Ok(redacted) => {
                outcome
                    .redacted
                    .push(json!({ "file": place.file, "signIns": redacted.profiles }));
                let why = if redacted.in_log {
                    "another process has this database open: its log may have the keys until that ends"
                } else {
                    "the keys are not in it any more, and no copy in plain text was kept; older backups of this home still have them"
                };
                let why = why.to_owned();
                outcome.notes.push(Left { what, why });
            }
            Err(err) => {
                let why = err.to_string();
                outcome.left.push(Left { what, why });
            }
        }
    }
}

fn area(migration: &Migration<'_>, names: &BTreeSet<String>, outcome: Outcome) -> Area {
    let many = names.len();
    let summary = match (many, outcome.wanted, migration.in_place()) {
        (0, ..) => "none".to_owned(),
        (_, true, _) => format!(
            "{} {} into the credential store, {} there already",
            outcome.imported.len(),
            migration.verb("encrypted"),
            outcome.known
        ),
        (many, false, true) => format!(
            "{many}, used where they are; --import-credentials encrypts what is in plain text"
        ),
        (many, false, false) => format!("{many} left"),
    };
    Area {
        name: "sign-ins",
        taken: json!({
            "names": names,
            "imported": outcome.imported,
            "known": outcome.known,
            "redacted": outcome.redacted,
        }),
        left: outcome.left,
        notes: outcome.notes,
        summary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_a_reference_can_have() {
        for (id, name) in [
            ("anthropic", "anthropic"),
            ("openai:Work", "openai_work"),
            ("google-vertex", "google_vertex"),
            ("9router:x", "key_9router_x"),
            ("ü", "key__"),
        ] {
            assert_eq!(legal(id), name);
        }
        assert_eq!(legal(&"x".repeat(200)).len(), MAX_NAME);
    }
}
