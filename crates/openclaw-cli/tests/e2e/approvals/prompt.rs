//! The prompt of `openclaw agent`, on a terminal.

use openclaw_testkit::Terminal;
use serde_json::json;

use super::Stage;
use crate::OPENCLAW;

const PROMPT: &str = "allow once (a), allow always exactly this (A), or deny (d)? ";

fn say(stage: &Stage, text: &str) -> Terminal {
    let args = ["agent", "--message", text];
    stage.home.command(OPENCLAW).args(args).on_terminal()
}

#[tokio::test]
async fn whoever_sits_at_the_terminal_decides_with_a_letter() {
    let stage = Stage::start(json!({})).await;
    for (letter, file, runs) in [
        ("a", "once", true),
        ("d", "denied", false),
        ("A", "good", true),
    ] {
        let mut terminal = say(&stage, &format!("touch {file}"));
        let card = terminal.until(PROMPT).await;
        assert!(
            card.contains("this call waits for your consent:")
                && card.contains(&format!(r#"["/bin/sh","-c","touch {file}"]"#)),
            "{card}"
        );
        // What is no answer is asked for again.
        terminal.types("yes\n");
        terminal.until(PROMPT).await;
        terminal.types(&format!("{letter}\n"));
        let (code, screen) = terminal.ends().await;
        assert_eq!(code, Some(0), "{screen}");
        assert_eq!(stage.has(file), runs, "{screen}");
    }
    let grants = stage.run(&["approvals", "grants", "--json"]).await.json();
    let grants = grants["data"]["grants"].as_array().unwrap();
    assert_eq!(grants.len(), 1, "{grants:?}");
    assert_eq!(grants[0]["shape"]["argv"][2], "touch good");

    // What was allowed for good is not asked for here any more, either.
    let (code, screen) = say(&stage, "touch good").ends().await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(PROMPT), "{screen}");
}

#[tokio::test]
async fn a_command_cannot_repaint_the_question_about_it() {
    let stage = Stage::start(json!({})).await;
    let sly = "touch sly # \u{1b}[2K\u{1b}[1A\r\u{202e}touch tea";
    let mut terminal = say(&stage, &json!(sly).to_string());
    let card = terminal.until(PROMPT).await;
    terminal.types("d\n");
    let (code, screen) = terminal.ends().await;
    assert_eq!(code, Some(0), "{screen}");
    let shown = r"touch sly # \u001b[2K\u001b[1A\r\u{202e}touch tea";
    assert!(card.contains(shown), "{card}");
    for moved in ["\u{1b}[2K", "\u{1b}[1A", "\r\u{202e}", "\u{202e}"] {
        assert!(!screen.contains(moved), "{screen:?}");
    }
    assert!(!stage.has("sly"));
}

#[tokio::test]
async fn the_end_of_the_input_is_a_no_that_is_told() {
    let stage = Stage::start(json!({})).await;
    for (typed, told) in [
        ("\u{4}", "denied, as nothing was answered: "),
        ("d\n", "denied: "),
    ] {
        let mut terminal = say(&stage, "touch never");
        terminal.until(PROMPT).await;
        terminal.types(typed);
        let (code, screen) = terminal.ends().await;
        assert_eq!(code, Some(0), "{screen}");
        let told = format!(r#"{told}exec ["/bin/sh","-c","touch never"]"#);
        assert!(screen.contains(&told), "{screen}");
        assert!(!stage.has("never"), "{screen}");
    }
    assert_eq!(stage.decisions().await.len(), 2);
}

#[tokio::test]
async fn a_question_that_is_decided_elsewhere_goes_away() {
    let mut stage = Stage::start(json!({})).await;
    let mut terminal = say(&stage, "touch elsewhere");
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    terminal.until(PROMPT).await;
    let resolved = stage.resolve(&id, "allow-once");
    drop(resolved.await.assert_code(0));
    terminal.until("decided elsewhere, or given up").await;
    let (code, screen) = terminal.ends().await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(stage.has("elsewhere"));
}

#[tokio::test]
async fn an_agent_without_a_gateway_asks_at_the_terminal_too() {
    let mut stage = Stage::start(json!({})).await;
    stage.gateway.terminate().await;
    let mut terminal = say(&stage, "touch alone");
    terminal.until(PROMPT).await;
    terminal.types("a\n");
    let (code, screen) = terminal.ends().await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(stage.has("alone"));
}
