//! What is in view of a run, and what a mark leads to.

use openclaw_core::access::{Sender, Standing};
use openclaw_core::events::{Change, NewEvent, Payload};
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::validation::{Attachment, AttachmentKind};
use openclaw_core::{CallId, EventStore, RunId, SessionEventKind, SessionKey};
use openclaw_sandbox::SandboxConfig;
use serde_json::json;

use super::marks::host;
use super::{Origin, Origins, TaintRules, View, Watched, WrittenFiles, of_message};

struct Log {
    _dir: tempfile::TempDir,
    store: EventStore,
    session: SessionKey,
    run: RunId,
}

impl Log {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let session = SessionKey::main(&"main".into()).unwrap();
        let start = SessionEventKind::SessionStarted {
            channel: "cli".into(),
            peer_id: "owner".into(),
        };
        store.append(&session, vec![start.into()]).await.unwrap();
        Self {
            _dir: dir,
            store,
            session,
            run: RunId::generate(),
        }
    }

    async fn add(&self, event: NewEvent) -> u64 {
        let recorded = self.store.append(&self.session, vec![event]).await.unwrap();
        recorded[0].seq
    }

    async fn message(&self, run: &RunId, source: Source) -> u64 {
        let event = NewEvent::from(SessionEventKind::MessageReceived {
            content: "hello".to_owned(),
            attachments: Vec::new(),
        });
        let event = event.with_payload(marked(source));
        self.add(event.in_run(run, None)).await
    }

    async fn result(&self, text: &str, source: Source) -> u64 {
        let event = NewEvent::from(SessionEventKind::ToolResult {
            tool: "web_fetch".to_owned(),
            result: json!(text),
            success: true,
        });
        let event = event.with_payload(marked(source));
        let event = event.in_run(&self.run, None).at_step(1);
        self.add(event.about_call(&CallId("call".to_owned()))).await
    }

    async fn view(&self, message: u64) -> View {
        let watched = Watched {
            store: &self.store,
            session: &self.session,
            run: &self.run,
            message,
        };
        View::of(&TaintRules::default(), watched, &WrittenFiles::default())
            .await
            .unwrap()
    }
}

fn marked(source: Source) -> Payload {
    Payload {
        marks: vec![TaintRules::default().mark(source)],
        ..Payload::default()
    }
}

fn web(host: &str) -> Source {
    Source::Web {
        host: host.to_owned(),
    }
}

fn mallory() -> Source {
    Source::Person {
        channel: "telegram".into(),
        peer: "mallory".into(),
    }
}

#[tokio::test]
async fn only_what_came_after_the_message_is_in_view_and_it_is_named() {
    let log = Log::new().await;
    log.result("old", web("old.example")).await;
    let message = log.message(&log.run, Source::Principal).await;
    assert!(!log.view(message).await.is_tainted());
    log.result("new", web("evil.example")).await;
    log.result("new", web("evil.example")).await;
    assert_eq!(
        log.view(message).await.reasons(),
        ["a web page (evil.example) came into view since your last message"]
    );
}

#[tokio::test]
async fn a_message_that_steers_does_not_end_it_and_a_guests_begins_it() {
    let log = Log::new().await;
    let message = log.message(&log.run, Source::Principal).await;
    log.result("new", web("evil.example")).await;
    let taken = |message| Change::MessageTaken { message }.to_event().unwrap();
    let steering = log.message(&RunId::generate(), Source::Principal).await;
    log.add(taken(steering)).await;
    assert_eq!(log.view(message).await.marks().len(), 1);
    // One that waits for its own turn is not in view; one that is taken in is.
    let waiting = log.message(&RunId::generate(), mallory()).await;
    assert_eq!(log.view(message).await.marks().len(), 1);
    log.add(taken(waiting)).await;
    assert_eq!(log.view(message).await.marks().len(), 2);
}

#[tokio::test]
async fn a_message_that_was_written_before_the_answer_ends_nothing() {
    let log = Log::new().await;
    let earlier = RunId::generate();
    let asked = log.message(&earlier, Source::Principal).await;
    let guest = RunId::generate();
    let waited = log.message(&guest, mallory()).await;
    log.result("new", web("evil.example")).await;
    let queued = log.message(&log.run, Source::Principal).await;
    let later = log.message(&RunId::generate(), mallory()).await;
    let answer = || SessionEventKind::AgentResponse {
        content: "done".to_owned(),
        model: "fake".to_owned(),
        tokens: 0,
    };
    log.add(NewEvent::from(answer()).in_run(&earlier, Some(asked)))
        .await;
    log.add(NewEvent::from(answer()).in_run(&guest, Some(waited)))
        .await;
    // The page, and the guest's message that had its turn; not the one that still waits.
    let view = log.view(queued).await;
    let sources: Vec<&Source> = view.marks().iter().map(|mark| &mark.source).collect();
    assert_eq!(sources, [&mallory(), &web("evil.example")]);
    // Whoever writes now has seen the answers.
    let next = log.message(&log.run, Source::Principal).await;
    assert!(!log.view(next).await.is_tainted());
    assert!(later < next);
}

#[tokio::test]
async fn a_compaction_takes_no_mark_away() {
    let log = Log::new().await;
    let message = log.message(&log.run, Source::Principal).await;
    log.result("new", web("evil.example")).await;
    let compacted = SessionEventKind::StateChanged {
        key: "context.compacted".to_owned(),
        value: json!({ "summary": "nothing much", "firstKept": 99, "tokensBefore": 1 }),
    };
    log.add(compacted.into()).await;
    assert!(log.view(message).await.is_tainted());
}

#[test]
fn a_guests_message_is_marked_with_its_files_and_a_principals_is_theirs() {
    let rules = TaintRules::default();
    let file = Attachment {
        kind: AttachmentKind::Document,
        mime: "text/plain".to_owned(),
        bytes: Vec::new(),
        filename: Some("note.txt".to_owned()),
    };
    let guest = Sender {
        channel: "telegram".into(),
        peer: "mallory".into(),
        standing: Standing::Guest,
    };
    let untrusted = |source| Mark {
        source,
        trust: Trust::Untrusted,
    };
    assert_eq!(
        of_message(&rules, &guest, std::slice::from_ref(&file)),
        [
            untrusted(mallory()),
            untrusted(Source::File {
                path: "note.txt".to_owned()
            }),
        ]
    );
    let owner = of_message(&rules, &Sender::owner("cli"), &[file]);
    assert_eq!(owner[0].trust, Trust::Trusted);
    let only_web = TaintRules {
        untrusted: vec![Origin::Web],
        ..rules
    };
    assert_eq!(of_message(&only_web, &guest, &[])[0].trust, Trust::Trusted);
}

#[test]
fn a_host_is_found_in_an_address_whatever_stands_around_it() {
    for (address, expected) in [
        ("https://Evil.Example/a?b", Some("evil.example")),
        (
            "http://user:pass@evil.example:8080/x",
            Some("evil.example:8080"),
        ),
        ("https://good.example@evil.example", Some("evil.example")),
        ("notes.md", None),
        ("file:///etc/passwd", None),
    ] {
        assert_eq!(host(address).as_deref(), expected, "{address}");
    }
    let endless = host(&format!("http://{}", "A".repeat(1_000_000)));
    assert_eq!(endless.unwrap().len(), 253);
}

#[tokio::test]
async fn a_marked_file_is_recognised_whatever_its_name_looks_like_in_the_arguments() {
    let log = Log::new().await;
    let dir = tempfile::tempdir().unwrap();
    let workspace = dir.path().canonicalize().unwrap();
    let marks = vec![TaintRules::default().mark(web("evil.example"))];
    for name in ["e2.png", "we\"ird.md"] {
        std::fs::write(workspace.join(name), "words").unwrap();
        let written = Change::file_written(&workspace, std::path::Path::new(name), marks.clone());
        log.add(written.to_event().unwrap()).await;
    }
    let written = WrittenFiles::of(&log.store, &workspace).await.unwrap();
    let (rules, sandbox) = (TaintRules::default(), SandboxConfig::default());
    let origins = Origins {
        rules: &rules,
        written: &written,
        workspace: &workspace,
        sandbox: &sandbox,
        store: &log.store,
        session: &log.session,
    };
    let patch = "*** Update File: we\"ird.md";
    for (tool, params, file) in [
        ("image", json!({ "image": " e2.png" }), "e2.png"),
        ("edit", json!({ "path": "e2.png" }), "e2.png"),
        ("apply_patch", json!({ "input": patch }), "we\"ird.md"),
    ] {
        let path = file.to_owned();
        let expected = [rules.mark(Source::Written { path })];
        assert_eq!(origins.of_failure(tool, &params), expected, "{tool}");
    }
    let other = origins.of_failure("image", &json!({ "image": "other.png" }));
    assert_eq!(other[0].trust, Trust::Trusted);
}
