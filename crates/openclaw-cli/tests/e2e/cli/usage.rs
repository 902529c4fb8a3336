//! What cannot be understood, what helps, and what goes for every command.

use openclaw_testkit::TestHome;

use super::{openclaw, with_a_session};

#[tokio::test]
async fn a_wrong_command_line_ends_with_2_in_both_formats() {
    let home = TestHome::new();
    for args in [
        &["sesions"][..],
        &["sessions", "list", "--limit", "0"],
        &["sessions", "show"],
        &["sessions", "events", "agent:main:main", "--kind", "Guess"],
        &["sessions", "state", "agent:main:main", "--at", "0"],
        &["sessions", "fork", "agent:main:main"],
        &[
            "sessions",
            "delete",
            "agent:main:main",
            "--archive",
            "x",
            "--no-archive",
        ],
        &["sessions", "cleanup", "--older-than", "soon"],
        &["agent"],
        &[
            "agent",
            "--message",
            "x",
            "--new",
            "--session",
            "agent:main:main",
        ],
        &["agent", "--message", ""],
        &["agent", "--message", "x", "--session", "nonsense"],
        &["gateway", "run", "--port", "70000"],
        &["sandbox", "exec", "--level", "tight", "--", "true"],
        &["sandbox", "exec", "--timeout", "0", "--", "true"],
        &["sandbox", "exec"],
        &["sandbox", "exec", "--network=all", "--", "true"],
        &["sandbox", "test", "--level", "tight"],
        &["status", "--profile", "a", "--workspace", "b"],
        &["demo", "--keep", "--exit"],
        &["--colour"],
    ] {
        let ran = openclaw(&home, args).run().await.assert_code(2);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(ran.stderr.starts_with("error: "), "{ran}");

        let ran = openclaw(&home, &["--json"]).args(args).run().await;
        let ran = ran.assert_code(2);
        let envelope = ran.json();
        assert_eq!(
            (&envelope["ok"], &envelope["error"]["code"]),
            (&false.into(), &"invalid".into()),
            "{ran}"
        );
        assert!(envelope["error"]["message"].is_string(), "{ran}");
        assert_eq!(ran.stderr, "", "{ran}");
    }
}

/// Every command, as the help leads to it.
const COMMANDS: &[&str] = &[
    "agent",
    "approvals files",
    "approvals grants",
    "approvals list",
    "approvals resolve",
    "approvals vouch",
    "approvals withdraw",
    "audit accept",
    "audit export",
    "audit list",
    "audit tail",
    "audit verify",
    "backup create",
    "backup restore",
    "backup verify",
    "config file",
    "config get",
    "config patch",
    "config schema",
    "config set",
    "config unset",
    "config validate",
    "configure",
    "context show",
    "credentials list",
    "credentials remove",
    "credentials rotate",
    "credentials set",
    "credentials verify",
    "dashboard",
    "demo",
    "devices approve",
    "devices list",
    "devices reject",
    "devices revoke",
    "doctor",
    "gateway diagnostics",
    "gateway run",
    "logs",
    "migrate",
    "models aliases add",
    "models aliases list",
    "models aliases remove",
    "models fallbacks add",
    "models fallbacks clear",
    "models fallbacks list",
    "models fallbacks remove",
    "models list",
    "models scan",
    "models set",
    "models status",
    "models test",
    "onboard",
    "policy explain",
    "sandbox exec",
    "sandbox explain",
    "sandbox test",
    "sessions cleanup",
    "sessions compact",
    "sessions delete",
    "sessions events",
    "sessions export",
    "sessions fork",
    "sessions import",
    "sessions list",
    "sessions replay",
    "sessions search",
    "sessions show",
    "sessions state",
    "sessions tail",
    "skills check",
    "skills info",
    "skills list",
    "status",
    "tokens create",
    "tokens list",
    "tokens revoke",
    "usage caps",
    "usage raise",
];

/// Returns the names below `Commands:`, but for the one that repeats the help.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_command_helps_with_an_example() {
    let home = TestHome::new();
    let (mut open, mut leaves) = (vec![Vec::<String>::new()], Vec::new());
    while let Some(command) = open.pop() {
        let ran = openclaw(&home, &[]).args(&command).arg("--help");
        let ran = ran.run().await.assert_code(0);
        assert_eq!(ran.stderr, "", "{ran}");
        let below = subcommands(&ran.stdout);
        if below.is_empty() {
            let name = format!("  openclaw {}", command.join(" "));
            let (_, examples) = ran.stdout.split_once("Examples:\n").unwrap();
            assert!(examples.contains(&name), "`{name}`: {ran}");
            leaves.push(command.join(" "));
        } else {
            open.extend(below.into_iter().map(|name| {
                let mut path = command.clone();
                path.push(name);
                path
            }));
        }
    }
    leaves.sort();
    assert_eq!(leaves, COMMANDS);
}

#[tokio::test]
async fn the_version_is_on_standard_output() {
    let home = TestHome::new();
    let ran = openclaw(&home, &["--version"]).run().await.assert_code(0);
    let version = format!("openclaw {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((ran.stdout, ran.stderr), (version, String::new()));
}

#[tokio::test]
async fn nothing_is_coloured_where_nobody_wants_it() {
    let home = with_a_session().await;
    for args in [
        &["sessions", "list"][..],
        &["sessions", "show", "agent:main:main"],
        &["sessions", "events", "agent:main:main"],
        &["sessions", "show", "agent:main:gone"],
        &["sessions", "state", "agent:main:main"],
        &["sessions", "search", "tide"],
        &["sessions", "tail", "--from", "0", "--limit", "3"],
        &["status"],
        &["agent", "--message", ""],
        &["sesions"],
        &["--help"],
        &["sandbox", "exec", "--workspace", "/", "--", "true"],
        &["demo"],
    ] {
        // Into a file; and with colours forced by one variable and forbidden by the other.
        let forced = openclaw(&home, args).env("CLICOLOR_FORCE", "1");
        for command in [openclaw(&home, args), forced.env("NO_COLOR", "1")] {
            let ran = command.run().await;
            assert!(!ran.stdout.contains('\u{1b}'), "{ran}");
            assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
        }
    }
    // The check would not notice if there were no colours at all.
    let ran = openclaw(&home, &["sessions", "list", "--color", "always"])
        .run()
        .await;
    assert!(ran.assert_code(0).stdout.contains('\u{1b}'));
}
