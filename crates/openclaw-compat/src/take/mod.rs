//! Recording what a home has and the event log lacks.
//!
//! Each session is taken in one transaction. A state change at its end says where it came from, how
//! many entries there were and what their SHA-256 is, so the log itself knows what it has: taking
//! again adds nothing, and a transcript that has grown since is appended to. When the session has
//! gone on here as well, or the transcript was rewritten there, the transcript is taken whole under
//! a key of its own.

mod batch;
mod ledger;
mod lock;
mod report;

use openclaw_core::events::{EventHash, StoreError};
use openclaw_core::{EventStore, Kind, SessionEvent, SessionKey};

use crate::entry::Entry;
use crate::export;
use crate::home::{Found, Home, Role};
use crate::key;
use crate::map::Mapping;
use crate::read::Transcript;
use crate::trouble::{Fault, Spot, Trouble};

use batch::{Batch, digest};
pub use ledger::Ledger;
pub(crate) use ledger::Mark;
pub use report::{Action, Left, SessionsReport, Taken};

/// Whether anything is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is; the report says what would be.
    Look,
    /// What is missing is.
    Take,
}

/// Takes all sessions of a home, one after the other.
///
/// Only one does so at a time, across processes, for each log: the others wait for it.
///
/// Without a log, as in a home where none was made yet, everything is missing and nothing can be
/// recorded.
pub async fn migrate(
    home: &Home,
    log: Option<&EventStore>,
    mode: Mode,
) -> Result<SessionsReport, StoreError> {
    let _alone = match (log, mode) {
        (Some(log), Mode::Take) => Some(lock::wait(log).await?),
        _ => None,
    };
    let mut ledger = match log {
        Some(log) => Ledger::read(log).await?,
        None => Ledger::default(),
    };
    let mut report = SessionsReport::default();
    for found in home.found() {
        let transcript = home.read(found);
        for trouble in &transcript.troubles {
            report.trouble(home, trouble);
        }
        if transcript.entries.is_empty() {
            // The troubles say why, but for a transcript that has nothing and nothing wrong.
            if transcript.troubles.is_empty() {
                report.trouble(home, &trouble(found, Fault::Empty));
            }
            continue;
        }
        let read = Read {
            home,
            found,
            entries: &transcript.entries,
        };
        match ledger.take(log, &read, mode).await {
            Ok(taken) => {
                if taken.session_key != found.key {
                    report.trouble(home, &found.moved(&found.key, &taken.session_key));
                }
                report.add(taken);
            }
            Err(Refused::Fault(fault)) => report.trouble(home, &trouble(found, fault)),
            Err(Refused::Store(err)) if concerns_session(&err) => {
                let reason = err.to_string();
                report.trouble(home, &trouble(found, Fault::Form { reason }));
            }
            Err(Refused::Store(err)) => return Err(err),
        }
    }
    for trouble in home.troubles() {
        report.trouble(home, trouble);
    }
    Ok(report)
}

/// Takes one session as it is now, and returns what became of it.
///
/// What is wrong with it goes into the returned troubles; there is nothing to return when the
/// source has nothing to take.
pub async fn take_one(
    log: &EventStore,
    home: &Home,
    found: &Found,
    transcript: &Transcript,
) -> Result<Option<Taken>, StoreError> {
    if transcript.entries.is_empty() {
        return Ok(None);
    }
    let mut ledger = Ledger::read(log).await?;
    let read = Read {
        home,
        found,
        entries: &transcript.entries,
    };
    match ledger.take(Some(log), &read, Mode::Take).await {
        Ok(taken) => Ok(Some(taken)),
        Err(Refused::Fault(_)) => Ok(None),
        Err(Refused::Store(err)) => Err(err),
    }
}

/// Returns the events that a transcript would become, without recording them.
///
/// Their numbers and times are those that they would have; they have no place in the log, and a
/// hash of nothing.
pub fn preview(found: &Found, transcript: &Transcript) -> Vec<SessionEvent> {
    let mapping = Mapping {
        key: &found.key,
        session_id: &found.session_id,
        store_entry: found.store_entry.as_deref(),
        entries: &transcript.entries,
        recorded: &[],
        next: 1,
        updated: found.updated,
    };
    (1..)
        .zip(mapping.events().events)
        .map(|(seq, (time, event))| SessionEvent {
            session: found.key.clone(),
            seq,
            position: 0,
            time,
            cause: event.cause,
            run_id: event.run_id,
            step: event.step,
            call_id: event.call_id,
            kind: event.kind,
            payload: event.payload,
            raw: event.raw,
            hash: EventHash::START,
        })
        .collect()
}

fn trouble(found: &Found, fault: Fault) -> Trouble {
    let spot = Spot::Session(found.session_id.clone());
    Trouble::new(found.source.file(), spot, fault)
}

/// Tells whether a failure is about the session, and not about the log.
const fn concerns_session(err: &StoreError) -> bool {
    matches!(err.kind(), Kind::Busy | Kind::Conflict | Kind::Invalid)
}

/// Why a session was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    Fault(Fault),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(err: StoreError) -> Self {
        Self::Store(err)
    }
}

/// A transcript that was read.
#[derive(Clone, Copy, Debug)]
struct Read<'a> {
    home: &'a Home,
    found: &'a Found,
    entries: &'a [Entry],
}

/// What a session has of a transcript.
#[derive(Debug)]
struct Known {
    /// The number of the session's last event.
    head: u64,
    /// The events that the transcript's first entries became, or that they came from.
    recorded: Vec<u64>,
}

/// What is to be done about a transcript.
#[derive(Debug)]
enum Verdict {
    /// It is recorded, all of it.
    Same(SessionKey),
    /// The session is to be made.
    Make(SessionKey, Action),
    /// The rest of it is to be appended to what the session has of it.
    Grow(SessionKey, Known),
    /// The key has moved on to this transcript; so does the session, after this event.
    Follow(SessionKey, Vec<Mark>),
}

/// How often a session is looked at anew because somebody else recorded something in it meanwhile.
const LOOKS: u32 = 5;

impl Ledger {
    async fn take(
        &mut self,
        log: Option<&EventStore>,
        read: &Read<'_>,
        mode: Mode,
    ) -> Result<Taken, Refused> {
        let mut looks = 1_u32;
        loop {
            match self.take_now(log, read, mode).await {
                Err(Refused::Store(StoreError::HeadMoved { session, .. })) if looks < LOOKS => {
                    if let Some(log) = log {
                        self.look_again(log, &session).await?;
                    }
                }
                other => return other,
            }
            looks = looks.saturating_add(1);
        }
    }

    /// Judges by what the log has now: a gateway may have taken the session in since the ledger
    /// was read, and then it has no need of another key.
    async fn judge_anew(
        &mut self,
        log: Option<&EventStore>,
        read: &Read<'_>,
    ) -> Result<Verdict, Refused> {
        let verdict = self.judge(log, read).await?;
        match (&verdict, log) {
            (Verdict::Make(_, Action::Diverged), Some(log)) => {
                self.look_again(log, &read.found.key).await?;
                self.judge(Some(log), read).await
            }
            _ => Ok(verdict),
        }
    }

    async fn take_now(
        &mut self,
        log: Option<&EventStore>,
        read: &Read<'_>,
        mode: Mode,
    ) -> Result<Taken, Refused> {
        let Read { home, found, .. } = *read;
        let verdict = self.judge_anew(log, read).await?;
        let mut batch = Batch {
            read,
            head: 0,
            recorded: Vec::new(),
            earlier: Vec::new(),
        };
        let (key, action) = match verdict {
            Verdict::Same(key) => {
                return Ok(Taken::of(home, found, key, Action::Same, batch.whole()));
            }
            Verdict::Make(key, action) => (key, action),
            Verdict::Grow(key, known) => {
                batch.head = known.head;
                batch.recorded = known.recorded;
                batch.earlier = self.marks_of(&key);
                (key, Action::Grown)
            }
            Verdict::Follow(key, earlier) => {
                batch.head = earlier.iter().map(|mark| mark.at).max().unwrap_or_default();
                batch.earlier = earlier;
                (key, Action::Followed)
            }
        };
        let (events, counts, mark) = batch.events(&key, action);
        if let (Mode::Take, Some(log)) = (mode, log) {
            log.take_in(&key, batch.head, events).await?;
        }
        self.add(mark);
        Ok(Taken::of(home, found, key, action, counts))
    }

    async fn judge(&self, log: Option<&EventStore>, read: &Read<'_>) -> Result<Verdict, Refused> {
        let Read { found, entries, .. } = *read;
        let same = |mark: &&Mark| {
            usize::try_from(mark.entries) == Ok(entries.len()) && digest(entries) == mark.sha256
        };
        if let Some(mark) = self.of_session(&found.session_id).find(same) {
            return Ok(Verdict::Same(mark.key.clone()));
        }
        let Some(log) = log else {
            return Ok(Verdict::Make(found.key.clone(), Action::New));
        };
        // The session under the key, and those that have a part of the transcript.
        let mut keys: Vec<&SessionKey> = self.keys_of(&found.session_id).collect();
        if !keys.contains(&&found.key) {
            keys.push(&found.key);
        }
        for key in keys {
            if let Some(verdict) = goes_on(log, key, read).await? {
                return Ok(verdict);
            }
        }
        let Some(known) = log.session(&found.key).await? else {
            if self.was_deleted(&found.key) {
                return Err(Refused::Fault(Fault::Form {
                    reason: format!("`{}` was taken earlier and then deleted here", found.key),
                }));
            }
            return Ok(Verdict::Make(found.key.clone(), Action::New));
        };
        let earlier = self.marks_of(&found.key);
        let untouched = earlier.iter().any(|mark| mark.at == known.head);
        let another = earlier
            .iter()
            .all(|mark| mark.session_id != found.session_id);
        if untouched && another && found.role == Role::Current {
            return Ok(Verdict::Follow(found.key.clone(), earlier));
        }
        Ok(Verdict::Make(free(log, found).await?, Action::Diverged))
    }
}

/// Compares a transcript with what would be written of a session here, which is what the session
/// has of it: entries that came from there, and entries that went back out from here.
async fn goes_on(
    log: &EventStore,
    key: &SessionKey,
    read: &Read<'_>,
) -> Result<Option<Verdict>, StoreError> {
    let Some(known) = log.session(key).await? else {
        return Ok(None);
    };
    let exported = export::session(log, key).await?;
    let Some(lines) = exported
        .transcripts
        .into_iter()
        .next_back()
        .filter(|lines| lines.session_id == read.found.session_id)
    else {
        return Ok(None);
    };
    let both = lines.lines.len().min(read.entries.len());
    let same = lines
        .lines
        .iter()
        .zip(read.entries)
        .all(|(line, entry)| *line == entry.raw);
    if !same {
        return Ok(None);
    }
    if both == read.entries.len() {
        return Ok(Some(Verdict::Same(key.clone())));
    }
    Ok((!leaves_branch(read.entries, both)).then(|| {
        let known = Known {
            head: known.head,
            recorded: lines.seqs,
        };
        Verdict::Grow(key.clone(), known)
    }))
}

/// Returns a key that no session has, for a transcript that cannot have its own.
async fn free(log: &EventStore, found: &Found) -> Result<SessionKey, StoreError> {
    let mut n = 1_u32;
    loop {
        let mut candidate = key::beside(&found.key, "openclaw", &found.session_id);
        if n > 1 {
            candidate = key::beside(&candidate, "again", &n.to_string());
        }
        if log.session(&candidate).await?.is_none() {
            return Ok(candidate);
        }
        n = n.saturating_add(1);
    }
}

/// Tells whether entries after the first `count` go on from an earlier place than the last of those,
/// so that something of what is recorded is no longer part of the conversation.
fn leaves_branch(entries: &[Entry], count: usize) -> bool {
    let before = crate::tree::Path::of(entries.get(..count).unwrap_or_default());
    let after = crate::tree::Path::of(entries);
    (0..count).any(|at| before.has(at) != after.has(at))
}
