//! Compares a store with what was acknowledged, after whatever was done to its files.

use std::collections::BTreeMap;
use std::path::Path;

use openclaw_core::events::{EndReason, StoreError};
use openclaw_core::{EventStore, SessionEvent, SessionEventKind, SessionKey};

use super::ledger::{Ledger, Mark, Receipt};
use super::writer::{Job, Writer};

/// How many events are read at once.
const PAGE: u32 = 1000;
/// How many problems of one store are told in words.
const TOLD: usize = 10;

/// What was found in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// How many events are in it.
    pub(super) events: usize,
    /// How many of them were acknowledged.
    pub(super) acknowledged: usize,
    /// Acknowledged events that are not there, or not where they were said to be.
    pub(super) lost: usize,
    /// Events that cannot be read or differ from what was appended, and appends that are there in part.
    pub(super) torn: usize,
    /// Places where a sequence number or a position does not follow the one before it.
    pub(super) gaps: usize,
    /// Events that are there twice.
    pub(super) duplicates: usize,
    /// What the log's own check takes for tampering.
    pub(super) suspicions: usize,
    /// The first problems, in words; empty when there is none.
    pub(super) problems: Vec<String>,
}

impl Findings {
    fn tell(&mut self, problem: impl FnOnce() -> String) {
        if self.problems.len() < TOLD {
            self.problems.push(problem());
        }
    }

    /// Adds the findings of another store.
    pub(super) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.torn += other.torn;
        self.gaps += other.gaps;
        self.duplicates += other.duplicates;
        self.suspicions += other.suspicions;
        for problem in &other.problems {
            self.tell(|| problem.clone());
        }
    }
}

/// Opens the store at `path` as it lies there and compares it with what was acknowledged.
pub(super) async fn check_image(path: &Path, acknowledged: &Ledger) -> Findings {
    let mut findings = Findings {
        acknowledged: acknowledged.len(),
        ..Findings::default()
    };
    let store = match EventStore::open(path) {
        Ok(store) => store,
        Err(err) => {
            findings.lost = acknowledged.len();
            findings.tell(|| format!("the store does not open: {err}"));
            return findings;
        }
    };
    // First, because opening a store after a power loss adds an entry to the audit stream, and what
    // is appended after that waits for it.
    if let Err(err) = goes_on(&store, &mut findings).await {
        findings.tell(|| format!("the store takes no more: {err}"));
    }
    if let Err(err) = compare(&store, acknowledged, &mut findings).await {
        findings.torn += 1;
        findings.tell(|| format!("the store cannot be read: {err}"));
    }
    findings
}

/// What a store was found to hold.
#[derive(Default)]
struct Held {
    /// The last sequence number of each session.
    heads: BTreeMap<SessionKey, u64>,
    /// Where the events are that writers appended.
    marks: BTreeMap<Mark, Receipt>,
    /// Which tool results the audit stream tells of.
    audited: BTreeMap<(String, u64), String>,
}

async fn compare(
    store: &EventStore,
    acknowledged: &Ledger,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut held = Held::default();
    let mut last = 0;
    loop {
        let page = store.read_after(last, PAGE).await?;
        for event in &page {
            findings.events += 1;
            if event.position != last + 1 {
                findings.gaps += 1;
                findings.tell(|| format!("position {} follows {last}", event.position));
            }
            last = event.position;
            held.take_in(event, findings);
        }
        if page.is_empty() {
            break;
        }
    }
    held.check_appends(findings);
    for (mark, receipt) in acknowledged.iter() {
        let there = held.marks.get(mark);
        if there != Some(receipt) {
            findings.lost += 1;
            findings.tell(|| format!("{mark} was acknowledged as {receipt:?}, found {there:?}"));
        }
    }
    for (session, head) in held.heads {
        let listed = store.session(&session).await?.map(|listed| listed.head);
        if listed != Some(head) {
            findings.gaps += 1;
            findings.tell(|| format!("{session} ends with {head}, its row says {listed:?}"));
        }
    }
    let report = store.verify(|_, _| {}).await?;
    for finding in report.findings {
        findings.suspicions += 1;
        findings.tell(|| format!("the log calls itself tampered with: {finding:?}"));
    }
    Ok(())
}

impl Held {
    fn take_in(&mut self, event: &SessionEvent, findings: &mut Findings) {
        let head = self.heads.entry(event.session.clone()).or_default();
        if event.seq != *head + 1 {
            findings.gaps += 1;
            findings.tell(|| format!("{} of {} follows {head}", event.seq, event.session));
        }
        *head = event.seq;
        if let Some(mark) = Mark::of_event(event) {
            self.take_mark(&mark, event, findings);
            return;
        }
        match &event.kind {
            SessionEventKind::SessionStarted { .. } | SessionEventKind::SessionEnded { .. } => {}
            SessionEventKind::StateChanged { key, value } if event.session.is_system() => {
                if let Some(tool) = value["tool"].as_str() {
                    let session = value["session"].as_str().unwrap_or_default().to_owned();
                    let seq = value["seq"].as_u64().unwrap_or_default();
                    let before = self.audited.insert((session, seq), tool.to_owned());
                    if before.is_some() {
                        findings.duplicates += 1;
                        findings.tell(|| format!("the audit stream says `{key}` twice: {value}"));
                    }
                }
            }
            _ => {
                findings.torn += 1;
                findings.tell(|| format!("nobody appended {event:?}"));
            }
        }
    }

    fn take_mark(&mut self, mark: &Mark, event: &SessionEvent, findings: &mut Findings) {
        if !mark.matches(event) {
            findings.torn += 1;
            findings.tell(|| format!("{mark} is not what was appended: {event:?}"));
        }
        let receipt = Receipt {
            session: event.session.to_string(),
            seq: event.seq,
            position: event.position,
        };
        if let Some(before) = self.marks.insert(mark.clone(), receipt) {
            findings.duplicates += 1;
            findings.tell(|| format!("{mark} is at {} and at {before:?}", event.position));
        }
    }

    /// Checks that what was appended together is there together: the events of each append, and
    /// what the audit stream says of its tool results.
    fn check_appends(&self, findings: &mut Findings) {
        for mark in self.marks.keys() {
            let whole = (1..=mark.parts).all(|part| {
                self.marks.contains_key(&Mark {
                    part,
                    ..mark.clone()
                })
            });
            if !whole {
                findings.torn += 1;
                findings.tell(|| format!("{mark} is there without the rest of its append"));
            }
        }
        let results: BTreeMap<_, _> = self
            .marks
            .iter()
            .filter(|(mark, _)| mark.is_tool_result())
            .map(|(mark, receipt)| ((receipt.session.clone(), receipt.seq), mark.to_string()))
            .collect();
        if results != self.audited {
            findings.torn += 1;
            findings.tell(|| {
                let differs = |(place, _): &(&(String, u64), &String)| {
                    results.get(*place) != self.audited.get(*place)
                };
                let first = results.iter().chain(&self.audited).find(differs);
                format!("tool results and the audit stream differ: {first:?}")
            });
        }
    }
}

/// Appends once more, as the next process would.
async fn goes_on(store: &EventStore, findings: &mut Findings) -> Result<(), StoreError> {
    let session = SessionKey::parse("agent:main:after").unwrap();
    let head = store.session(&session).await?.map_or(0, |row| row.head);
    let started = SessionEventKind::SessionStarted {
        channel: "rpc".into(),
        peer_id: "p".into(),
    };
    let ended = SessionEventKind::SessionEnded {
        reason: EndReason::Requested,
    };
    let recorded = store
        .append(&session, vec![started.into(), ended.into()])
        .await?;
    let seqs: Vec<_> = recorded.iter().map(|event| event.seq).collect();
    if seqs != [head + 1, head + 2] {
        findings.gaps += 1;
        findings.tell(|| format!("{seqs:?} follow {head}"));
    }
    Ok(())
}

/// The test of the test: what is done to a store by hand is found.
#[tokio::test]
async fn what_is_missing_or_changed_in_a_store_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job {
        appends: Some(5),
        ..Job::endless(&dir.path().join("events.sqlite"), "w", 3)
    };
    let ledger = Writer::start(&job).finish();
    let counts = |of: Findings| [of.lost, of.torn, of.gaps, of.duplicates].map(|count| count > 0);
    let (_, victim) = ledger
        .iter()
        .find(|(mark, _)| mark.parts > 1 && !mark.is_tool_result())
        .unwrap();
    let victim = format!("position = {}", victim.position);
    let copied = "session_id, seq + 1000, time_ms, kind, data, payload, raw, hash";
    let damages = [
        ("PRAGMA user_version".to_owned(), [false; 4]),
        (
            format!("DELETE FROM events WHERE {victim}"),
            [true, true, true, false],
        ),
        (
            format!("UPDATE events SET data = replace(data, ':1/', ':9/') WHERE {victim}"),
            [true, true, false, false],
        ),
        (
            format!("UPDATE events SET data = '{{' WHERE {victim}"),
            [false, true, false, false],
        ),
        (
            format!(
                "INSERT INTO events ({}) SELECT {copied} FROM events WHERE {victim}",
                copied.replace(" + 1000", "")
            ),
            [true, false, true, true],
        ),
    ];
    for (damage, expected) in damages {
        let aside = tempfile::tempdir().unwrap();
        let path = aside.path().join("events.sqlite");
        std::fs::copy(&job.store, &path).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(&damage).unwrap();
        drop(connection);
        let findings = check_image(&path, &ledger).await;
        assert_eq!(
            counts(findings.clone()),
            expected,
            "{damage}: {findings:#?}"
        );
    }
}
