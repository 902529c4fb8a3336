//! A session of many messages under a small window.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use openclaw_core::env::Env;

use super::Stage;

/// How many messages there are, under how large a window; `cargo xtask soak` asks for the second.
const SHORT: (u64, u64) = (200, 4_096);
const LONG: (u64, u64) = (2_000, 32_768);

#[tokio::test]
async fn every_turn_of_a_long_session_succeeds_and_sees_what_is_pinned() {
    let env = Env::from_process();
    let figures = env.get_os("OPENCLAW_SOAK_FIGURES");
    let (messages, window) = if figures.is_some() { LONG } else { SHORT };
    let stage = Stage::new(window);
    stage.provider.keep_requests(4);
    let size = usize::try_from(window / 24).unwrap();
    let mut took = Vec::new();
    for n in 1..=messages {
        // Every seventh turn has a tool in it, and its result is larger than what people write.
        let look = if n % 7 == 0 {
            format!(" look: {}", window / 6)
        } else {
            String::new()
        };
        let text = format!("Message {n}: {}{look}", "and so on ".repeat(size / 10));
        let began = Instant::now();
        let reply = stage.say(&text).await;
        took.push(began.elapsed());
        assert!(reply.is_ok(), "message {n}: {reply:?}");
    }
    let seen = &stage.seen;
    let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
    assert_eq!((count(&seen.unpinned), count(&seen.refused)), (0, 0));
    assert!(count(&seen.longest) <= window, "{seen:?}");
    let compactions = stage.compactions().await;
    assert!(compactions.len() > 3, "{compactions:?}");
    for (seq, _, how) in &compactions {
        assert!(how.model.is_some(), "event {seq}: {how:?}");
    }
    assert!(count(&seen.summaries) >= u64::try_from(compactions.len()).unwrap());
    stage.provider.assert_clean();
    if let Some(file) = figures {
        let mut text = String::new();
        let tenth = took.len() / 10;
        writeln!(
            text,
            "{messages} messages, {} compactions; a turn took {:?} in the first tenth, {:?} in the last (median)",
            compactions.len(),
            median(&took[..tenth]),
            median(&took[took.len() - tenth..]),
        )
        .unwrap();
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap()
}

#[tokio::test]
async fn undoing_a_compaction_brings_the_earlier_request_back_byte_for_byte() {
    let stage = Stage::new(4_096);
    let mut before = Vec::new();
    for n in 1..100 {
        let text = format!("Message {n}: {}", "and so on ".repeat(20));
        stage.say(&text).await.unwrap();
        if !stage.compactions().await.is_empty() {
            break;
        }
        before = stage.conversation();
    }
    let compactions = stage.compactions().await;
    let [(seq, _, how)] = compactions.as_slice() else {
        panic!("{compactions:?}")
    };
    assert!(how.tokens_after.unwrap() < 3_072, "{how:?}");
    let shortened = stage.conversation();
    assert!(shortened.len() < before.len());
    assert!(shortened[0].contains("summed up"), "{}", shortened[0]);

    assert_eq!(stage.desk().undo(None).await.unwrap(), [*seq]);
    // A window that is not known is no reason to shorten anything ahead.
    let agent = stage.without_window();
    stage.say_to(&agent, "And now?").await.unwrap();
    let restored = stage.conversation();
    assert!(restored.len() > before.len());
    assert_eq!(restored[..before.len()], before[..]);
    assert_eq!(stage.desk().undo(None).await.unwrap(), [0_u64; 0]);
    stage.provider.assert_clean();
}

#[tokio::test]
async fn a_turn_of_many_steps_is_shortened_in_its_midst_and_still_shows_what_it_is_about() {
    use openclaw_testkit::{FakeCall, Reply};
    use serde_json::json;

    let stage = Stage::new(4_096);
    for n in 0..12 {
        let call = FakeCall::new("look", &json!({ "bytes": 1_500 + 5 * n }));
        stage.provider.reply(Reply::tool_calls([call]));
    }
    let reply = stage.say("Please find the needle.").await.unwrap();
    assert_eq!(reply.steps, 13);
    assert!(!stage.compactions().await.is_empty());
    for request in stage.provider.requests() {
        let system = request.system.as_deref().unwrap_or_default();
        let asked = request.user_texts().join("\n");
        assert!(
            system.starts_with(super::SCRIBE) || asked.contains("find the needle"),
            "{asked}"
        );
    }
    stage.provider.assert_clean();
}
