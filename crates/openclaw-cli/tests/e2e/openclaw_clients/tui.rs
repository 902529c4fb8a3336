//! `openclaw tui`: the real terminal UI of OpenClaw 2026.9.6 on a terminal of its own.

use openclaw_testkit::{Reply, Terminal, TerminalSize};

use super::{World, conversation};

/// Wide enough that no line of the tests is broken.
const SIZE: TerminalSize = TerminalSize {
    columns: 110,
    rows: 40,
};

/// The escape key.
const ESCAPE: &str = "\x1b";

impl World {
    /// Starts the terminal UI, and waits until it is connected.
    async fn tui(&self) -> Terminal {
        let url = self.url();
        let args = ["tui", "--url", &url, "--token", self.token()];
        let mut tui = self.openclaw().args(args).on_terminal_of(SIZE);
        tui.shows("connected | idle").await;
        tui
    }
}

/// Ends the terminal UI as its users do.
async fn leave(mut tui: Terminal) {
    tui.types("/exit\r");
    let (code, screen) = tui.ends().await;
    assert_eq!(code, Some(0), "{screen}");
}

#[tokio::test]
async fn the_terminal_ui_shows_what_was_said_and_an_answer_while_it_is_written() {
    let Some(world) = World::new("openclaw_clients::tui_streams").await else {
        return;
    };
    world.provider.reply(Reply::text("Good morning to you."));
    world.says("Good morning").await;
    let mut tui = world.tui().await;
    let shown = tui.shown();
    assert!(shown.contains("Good morning to you."), "{shown}");
    assert!(shown.contains("fake-model"), "{shown}");

    let text = "The tide is high, and it holds until noon.";
    world.provider.reply(Reply::text(text).hold_after(4));
    tui.types("how is the tide?\r");
    tui.shows("The tide").await;
    tui.shows("streaming").await;
    let shown = tui.shown();
    assert!(!shown.contains("until noon"), "{shown}");
    world.provider.release();
    tui.shows(text).await;
    tui.shows("connected | idle").await;
    leave(tui).await;

    let said = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    assert_eq!(
        conversation(&world.gateway).await,
        [
            said("MessageReceived", "Good morning"),
            said("AgentResponse", "Good morning to you."),
            said("MessageReceived", "how is the tide?"),
            said("AgentResponse", text),
        ]
    );
}

#[tokio::test]
async fn the_terminal_ui_stops_an_answer_by_a_key_and_by_a_command() {
    let Some(world) = World::new("openclaw_clients::tui_aborts").await else {
        return;
    };
    let mut tui = world.tui().await;
    for (round, stop) in [ESCAPE, "/abort\r"].into_iter().enumerate() {
        let text = format!("Round {round} goes on and on.");
        world.provider.reply(Reply::text(text).hold_after(4));
        tui.types("go on\r");
        tui.shows(&format!("Round {round}")).await;
        tui.types(stop);
        tui.shows("run aborted").await;
        world.provider.wait_for_hang_ups(round + 1).await;
    }
    world.provider.reply(Reply::text("It works again."));
    tui.types("and now?\r");
    tui.shows("It works again.").await;
    leave(tui).await;
}

#[tokio::test]
async fn the_terminal_ui_begins_anew_and_is_told_what_sessions_here_do_not_have() {
    let Some(world) = World::new("openclaw_clients::tui_commands").await else {
        return;
    };
    world
        .provider
        .otherwise(|seen| Reply::text(format!("I heard: {}", seen.user_texts().join(" / "))));
    let mut tui = world.tui().await;
    tui.types("one\r");
    tui.shows("I heard: one").await;
    tui.types("/reset\r");
    tui.shows("session agent:main:main reset").await;
    tui.types("two\r");
    tui.shows("I heard: two").await;

    tui.types("/model fake/fake-model\r");
    tui.shows("model set to fake/fake-model").await;
    tui.types("/model fake/other\r");
    tui.shows("model set failed: ").await;
    tui.shows("model not allowed: fake/other").await;
    tui.types("/verbose on\r");
    tui.shows("| verbose on |").await;
    tui.types("/think high\r");
    tui.shows("think failed: ").await;
    tui.shows("/thinkingLevel").await;
    tui.types("/gateway-status\r");
    tui.shows("Stored sessions: 1").await;

    tui.types("/new\r");
    tui.shows("new session: agent:main:tui-").await;
    tui.types("three\r");
    tui.shows("I heard: three").await;
    let shown = tui.shown();
    assert!(!shown.contains("unknown method"), "{shown}");
    leave(tui).await;
}
