//! Requests, standing answers and marked files over a real log.

mod files;
mod keeping;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::approvals::{Answer, ApprovalId, Decision, Pending, Shape};
use crate::clock::Clock;
use crate::events::{
    AuditEntry, Change, EventStore, NewEvent, SessionEvent, SessionEventKind, StoreError,
};
use crate::ids::CallId;
use crate::kind::Kind;
use crate::redaction::learn_text;
use crate::session_key::SessionKey;

const SESSION: &str = "agent:main:main";

struct Log {
    dir: TempDir,
    clock: Clock,
    store: EventStore,
}

impl Log {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::fixed("2026-11-23T10:00:00Z".parse().unwrap());
        let store = open(dir.path(), &clock);
        let started = SessionEventKind::SessionStarted {
            channel: "cli".into(),
            peer_id: "local".into(),
        };
        store
            .append(&key(SESSION), vec![started.into()])
            .await
            .unwrap();
        Self { dir, clock, store }
    }

    /// Asks whether a command may run; the answer has to come within a minute.
    async fn ask(&self, id: &str, command: &str) -> ApprovalId {
        let event = request(id, command, self.clock.now());
        self.record(event).await.unwrap();
        ApprovalId(id.to_owned())
    }

    async fn record(&self, event: NewEvent) -> Result<Vec<SessionEvent>, StoreError> {
        self.store.append(&key(SESSION), vec![event]).await
    }

    async fn pending(&self) -> Vec<String> {
        let pending = self.store.pending_approvals(self.clock.now());
        names(pending.await.unwrap())
    }

    async fn decision(&self, approval: &ApprovalId) -> Option<Decision> {
        self.store.approval(approval).await.unwrap().unwrap().1
    }

    async fn granted(&self) -> Vec<String> {
        let grants = self.store.grants().await.unwrap();
        grants.into_iter().map(|grant| grant.digest).collect()
    }

    fn wait(&self, seconds: i64) {
        let now = self.clock.now();
        self.clock.set(now + SignedDuration::from_secs(seconds));
    }
}

fn open(dir: &Path, clock: &Clock) -> EventStore {
    EventStore::open_with_clock(&dir.join("events.sqlite"), clock.clone()).unwrap()
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn names(pending: Vec<Pending>) -> Vec<String> {
    pending.into_iter().map(|request| request.id.0).collect()
}

fn shape(command: &str) -> Shape {
    Shape {
        agent: "main".into(),
        tool: "exec".to_owned(),
        arguments: json!({ "command": command }),
        argv: Vec::new(),
        cwd: Some("/w".to_owned()),
        env: Vec::new(),
        policy: Vec::new(),
    }
}

fn request(id: &str, command: &str, now: Timestamp) -> NewEvent {
    let call = CallId::from("call");
    let change = Change::ApprovalRequested {
        approval: ApprovalId(id.to_owned()),
        call_id: call.clone(),
        digest: shape(command).digest(),
        shape: shape(command),
        reasons: vec!["a web page is in view".to_owned()],
        expires: now + SignedDuration::from_mins(1),
    };
    let event = change.to_event().unwrap().about_call(&call);
    event.in_run(&"run".into(), Some(1)).at_step(2)
}

fn decided(id: &str, answer: Answer) -> NewEvent {
    let change = Change::ApprovalDecided {
        approval: Some(ApprovalId(id.to_owned())),
        call_id: "call".into(),
        allowed: answer.allows(),
        answer: Some(answer),
        by: "somebody".to_owned(),
    };
    change.to_event().unwrap()
}

#[tokio::test]
async fn a_request_waits_until_somebody_answers_and_both_are_kept() {
    let log = Log::new().await;
    let (first, second) = (log.ask("a", "ls").await, log.ask("b", "rm x").await);
    assert_eq!(log.pending().await, ["a", "b"]);
    let (request, none) = log.store.approval(&second).await.unwrap().unwrap();
    assert_eq!(
        request,
        Pending {
            id: second.clone(),
            session: key(SESSION),
            run_id: "run".into(),
            call_id: "call".into(),
            shape: shape("rm x"),
            reasons: vec!["a web page is in view".to_owned()],
            asked: log.clock.now(),
            expires: log.clock.now() + SignedDuration::from_mins(1),
        }
    );
    assert_eq!(none, None);
    let event = log
        .store
        .decide(&second, Answer::AllowOnce, "owner")
        .await
        .unwrap();
    assert_eq!(
        (event.session, event.seq, event.cause, event.step),
        (key(SESSION), 4, Some(3), Some(2))
    );
    assert_eq!(event.run_id, Some("run".into()));
    assert_eq!(event.call_id, Some("call".into()));
    assert_eq!(log.pending().await, ["a"]);
    let decision = Decision {
        allowed: true,
        answer: Some(Answer::AllowOnce),
        by: "owner".to_owned(),
        decided: log.clock.now(),
    };
    let history = log.store.approval_history(9).await.unwrap();
    let known: Vec<_> = history
        .into_iter()
        .map(|(request, decision)| (request.id, decision))
        .collect();
    assert_eq!(known, [(second, Some(decision)), (first, None)]);
    let newest = log.store.approval_history(1).await.unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!(log.granted().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_first_decision_stands_and_every_other_is_refused_by_name() {
    let log = Log::new().await;
    let (asked, late) = (log.ask("a", "ls").await, log.ask("b", "ls").await);
    let unknown = ApprovalId("c".to_owned());
    log.store
        .decide(&asked, Answer::Deny, "owner")
        .await
        .unwrap();
    log.wait(60);
    let refused = [
        log.store.decide(&asked, Answer::AllowAlways, "other").await,
        log.store.lapse(&asked, "the time was up").await,
        log.store.decide(&late, Answer::AllowOnce, "other").await,
        log.store.decide(&late, Answer::Deny, "other").await,
        log.store.decide(&unknown, Answer::Deny, "other").await,
    ];
    let refused = refused.map(|refused| {
        let err = refused.unwrap_err();
        (err.kind(), err.to_string())
    });
    let already = "the request for approval `a` was denied already (owner)";
    let expired = "the request for approval `b` has expired, which counts as denied";
    let none = "there is no request for approval `c`";
    assert_eq!(
        refused,
        [
            (Kind::Conflict, already.to_owned()),
            (Kind::Conflict, already.to_owned()),
            (Kind::Conflict, expired.to_owned()),
            (Kind::Conflict, expired.to_owned()),
            (Kind::NotFound, none.to_owned()),
        ]
    );
    assert_eq!(log.decision(&asked).await.unwrap().by, "owner");
    assert_eq!(
        log.store
            .session(&key(SESSION))
            .await
            .unwrap()
            .unwrap()
            .head,
        4
    );
    assert_eq!(log.pending().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_request_that_nobody_answered_is_closed_as_denied() {
    let log = Log::new().await;
    let asked = log.ask("a", "ls").await;
    log.wait(60);
    log.store.lapse(&asked, "the time was up").await.unwrap();
    let decision = log.decision(&asked).await.unwrap();
    assert_eq!((decision.allowed, decision.answer), (false, None));
    let late = log.store.decide(&asked, Answer::AllowOnce, "owner").await;
    assert!(
        matches!(late, Err(StoreError::AlreadyDecided { .. })),
        "{late:?}"
    );
}

#[tokio::test]
async fn of_many_who_decide_in_two_processes_one_is_first() {
    let log = Log::new().await;
    let asked = log.ask("a", "ls").await;
    let elsewhere = open(log.dir.path(), &log.clock);
    let mut all = tokio::task::JoinSet::new();
    for n in 0..32 {
        let store = if n % 2 == 0 { &log.store } else { &elsewhere };
        let (store, asked) = (store.clone(), asked.clone());
        all.spawn(async move {
            let answer = if n % 3 == 0 {
                Answer::AllowOnce
            } else {
                Answer::Deny
            };
            store.decide(&asked, answer, &n.to_string()).await
        });
    }
    let outcomes = all.join_all().await;
    let (recorded, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((recorded.len(), refused.len()), (1, 31));
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind(), Kind::Conflict);
    }
    let first = Change::of(recorded[0].as_ref().unwrap());
    let Some(Change::ApprovalDecided { by, .. }) = first else {
        panic!("{first:?}");
    };
    assert_eq!(log.decision(&asked).await.unwrap().by, by);
}

#[tokio::test]
async fn no_other_way_of_recording_decides_twice_or_asks_twice() {
    let log = Log::new().await;
    let asked = log.ask("a", "ls").await;
    let branch = key("agent:main:branch");
    log.store.fork(&key(SESSION), 2, &branch).await.unwrap();
    let from_a_branch = vec![decided("a", Answer::AllowAlways)];
    let from_a_branch = log.store.append(&branch, from_a_branch).await;
    assert!(matches!(from_a_branch, Err(StoreError::NoApproval(_))));
    let again = log.record(request("a", "rm -r /", log.clock.now())).await;
    assert!(matches!(again, Err(StoreError::AlreadyAsked(_))));
    log.record(decided("a", Answer::Deny)).await.unwrap();
    let second = log.record(decided("a", Answer::AllowAlways)).await;
    assert!(matches!(second, Err(StoreError::AlreadyDecided { .. })));
    assert_eq!(
        log.decision(&asked).await.unwrap().answer,
        Some(Answer::Deny)
    );
    assert_eq!(log.granted().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_standing_answer_goes_for_one_shape_until_it_is_taken_back() {
    let log = Log::new().await;
    let asked = log.ask("a", "ls").await;
    let decide = log.store.decide(&asked, Answer::AllowAlways, "owner");
    decide.await.unwrap();
    let digest = shape("ls").digest();
    assert!(log.store.is_granted(&digest).await.unwrap());
    let other = shape("ls ").digest();
    assert!(!log.store.is_granted(&other).await.unwrap());
    let grant = log.store.grants().await.unwrap().pop().unwrap();
    assert_eq!((grant.shape, grant.by), (shape("ls"), "owner".to_owned()));
    log.store.withdraw_grant(&digest, "owner").await.unwrap();
    assert!(!log.store.is_granted(&digest).await.unwrap());
    let again = log.store.withdraw_grant(&digest, "owner").await;
    assert_eq!(again.unwrap_err().kind(), Kind::NotFound);

    let audit = log.store.read(&SessionKey::audit(), 1..=9).await.unwrap();
    let (session, approval, call_id) = (key(SESSION), asked, CallId::from("call"));
    assert_eq!(
        audit.iter().filter_map(AuditEntry::of).collect::<Vec<_>>(),
        [
            AuditEntry::ApprovalRequested {
                session: session.clone(),
                seq: 2,
                approval: approval.clone(),
                call_id: call_id.clone(),
                tool: "exec".to_owned(),
                digest: digest.clone(),
            },
            AuditEntry::ApprovalDecided {
                session,
                seq: 3,
                approval,
                call_id,
                allowed: true,
                answer: Some(Answer::AllowAlways),
                by: "owner".to_owned(),
            },
            AuditEntry::GrantWithdrawn {
                digest,
                by: "owner".to_owned(),
            },
        ]
    );
}

#[tokio::test]
async fn a_secret_of_a_call_is_neither_in_its_request_nor_in_the_standing_answer() {
    let secret = "cnry-of-an-approval-0123456789";
    learn_text(secret);
    let log = Log::new().await;
    let command = format!("curl -H {secret}");
    let asked = log.ask("a", &command).await;
    log.store
        .decide(&asked, Answer::AllowAlways, secret)
        .await
        .unwrap();
    assert!(
        log.store
            .is_granted(&shape(&command).digest())
            .await
            .unwrap()
    );
    let told = json!([
        log.store.approval_history(1).await.unwrap(),
        log.store.grants().await.unwrap(),
    ]);
    assert_eq!(
        told.pointer("/1/0/shape/arguments/command"),
        Some(&Value::from("curl -H [REDACTED]"))
    );
    assert!(!told.to_string().contains(secret), "{told}");
}

#[tokio::test]
async fn no_more_than_can_be_kept_track_of_are_asked_for_at_once() {
    let log = Log::new().await;
    for n in 0..32 {
        log.ask(&format!("a{n}"), "ls").await;
    }
    let more = |id: &str| request(id, "ls", log.clock.now());
    let refused = log.record(more("b")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "32 requests for approval wait already in this session"
    );
    // One that is answered makes room, and so do those that have expired.
    let first = ApprovalId("a0".to_owned());
    log.store
        .decide(&first, Answer::Deny, "tester")
        .await
        .unwrap();
    log.record(more("b")).await.unwrap();
    assert!(log.record(more("c")).await.is_err());
    log.wait(61);
    log.record(more("c")).await.unwrap();
    assert_eq!(log.store.asked_at(&first).await.unwrap(), Some(2));
}

#[tokio::test]
async fn the_sessions_of_an_agent_count_together_and_those_of_another_do_not() {
    let log = Log::new().await;
    let started = || SessionEventKind::SessionStarted {
        channel: "cli".into(),
        peer_id: "local".into(),
    };
    let ask = async |session: &str, id: &str| {
        let event = request(id, "ls", log.clock.now());
        log.store.append(&key(session), vec![event]).await
    };
    for session in 0..5 {
        let name = format!("agent:main:s{session}");
        log.store
            .append(&key(&name), vec![started().into()])
            .await
            .unwrap();
        for n in 0..32 {
            let asked = ask(&name, &format!("{session}-{n}")).await;
            assert_eq!(asked.is_ok(), session < 4, "{session} {n}");
        }
    }
}
