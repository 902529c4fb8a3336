//! One thing that is larger than the window.

use super::Stage;

#[tokio::test]
async fn a_result_that_is_larger_than_the_window_is_shown_in_part() {
    let stage = Stage::new(4_096);
    stage.say("look: 60000").await.unwrap();
    let seen = stage.provider.last_request();
    let result = &seen.results()[0].content;
    assert!(result.contains("are left out here"), "{}", result.len());
    assert!(result.starts_with("seen seen") && result.ends_with("seen "));
    // It stays as it is in the log, and the session goes on.
    stage.say("And now?").await.unwrap();
    let whole = stage.events().await.iter().any(|event| {
        matches!(&event.kind, openclaw_core::SessionEventKind::ToolResult { result, .. }
            if result.to_string().len() > 50_000)
    });
    assert!(whole);
    stage.provider.assert_clean();
}

#[tokio::test]
async fn a_message_that_is_larger_than_the_window_is_shown_in_part() {
    let stage = Stage::new(4_096);
    stage.say(&"tell me ".repeat(6_000)).await.unwrap();
    let seen = stage.provider.last_request();
    assert!(seen.last_user_text().contains("are left out here"));
    stage.say("And now?").await.unwrap();
    stage.provider.assert_clean();
}
