//! `openclaw doctor` on a config, and `doctor --fix`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_testkit::{FakeProvider, GatewayProcess, Ran, TestHome, WireFormat};
use serde_json::Value;

use super::{COMMENTED, FEBRUARY, SEED, beside, config, file, home_with, text};
use crate::OPENCLAW;

async fn doctor(home: &TestHome, flags: &[&str]) -> Ran {
    home.command(OPENCLAW)
        .args(["doctor", "--json"])
        .args(flags)
        .run()
        .await
}

/// Returns the findings about the config, as severity and id.
fn found(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let findings = document["findings"].as_array().unwrap();
    let about = |finding: &&Value| finding["checkId"].as_str().unwrap().starts_with("config.");
    let name = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        format!("{} {}", text("severity"), text("checkId"))
    };
    findings.iter().filter(about).map(name).collect()
}

/// Returns every file of a folder with its content and mode.
fn content(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    let look = |path: PathBuf| {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        (path.clone(), (fs::read(path).unwrap(), mode))
    };
    files.map(look).collect()
}

#[tokio::test]
async fn every_way_in_which_a_config_can_be_wrong_has_its_name() {
    for (text, code, expected) in [
        (COMMENTED, 0, &["info config.not-followed"][..]),
        ("{", 1, &["error config.unreadable"]),
        (
            "{ gateway: { port: 'x', bind: 'moon' } }",
            1,
            &["error config.invalid", "error config.invalid"],
        ),
        (
            "{ agents: { defaults: { workspace: '${NOT_SET_AT_ALL}' } } }",
            1,
            &["warning config.warning"],
        ),
        (FEBRUARY, 1, &["warning config.old-form"]),
    ] {
        let home = home_with(text);
        let before = content(home.state_dir().root());
        let ran = doctor(&home, &[]).await.assert_code(code);
        assert_eq!(found(&ran)[..expected.len()], *expected, "{ran}");
        assert_eq!(content(home.state_dir().root()), before);
    }
}

#[tokio::test]
async fn a_config_that_others_can_read_is_closed_by_fix() {
    let home = home_with("{}");
    fs::set_permissions(file(&home), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        found(&doctor(&home, &[]).await.assert_code(1)),
        ["warning config.permissions"]
    );
    let rehearsed = doctor(&home, &["--fix", "--dry-run"]).await.assert_code(1);
    assert_eq!(
        rehearsed.json()["repairs"][0]["checkId"],
        "config.permissions"
    );
    let fixed = doctor(&home, &["--fix"]).await.assert_code(0);
    assert_eq!(found(&fixed), Vec::<String>::new());
    let mode = fs::metadata(file(&home)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[tokio::test]
async fn an_old_form_is_written_in_the_current_one() {
    let home = home_with(FEBRUARY);
    let before = content(home.state_dir().root());
    let rehearsed = doctor(&home, &["--fix", "--dry-run"]).await.assert_code(1);
    let repairs = rehearsed.json()["repairs"].as_array().unwrap().clone();
    assert!(
        !repairs.is_empty()
            && repairs
                .iter()
                .all(|one| one["checkId"] == "config.old-form")
    );
    assert_eq!(content(home.state_dir().root()), before, "a rehearsal");

    let fixed = doctor(&home, &["--fix"]).await.assert_code(0);
    assert!(
        !found(&fixed).iter().any(|name| name.contains("old-form")),
        "{fixed}"
    );
    drop(config(&home, &["validate"]).run().await.assert_code(0));
    assert!(
        text(&home).contains("// from the spring"),
        "{}",
        text(&home)
    );
    let backup = home.state_dir().root().join("openclaw.json.bak");
    assert_eq!(fs::read_to_string(backup).unwrap(), FEBRUARY);

    let after = content(home.state_dir().root());
    let again = doctor(&home, &["--fix"]).await.assert_code(0);
    assert_eq!(again.json()["repairs"], Value::Array(Vec::new()));
    assert_eq!(
        content(home.state_dir().root()),
        after,
        "the second time there is nothing to do"
    );
}

#[tokio::test]
async fn what_only_this_program_knows_goes_to_its_own_file() {
    let home = home_with(SEED);
    drop(doctor(&home, &["--fix"]).await);
    drop(config(&home, &["validate"]).run().await.assert_code(0));
    assert!(!text(&home).contains("bot_token"), "{}", text(&home));
    assert!(text(&home).contains("botToken"), "{}", text(&home));
    let own = fs::read_to_string(home.state_dir().root().join("openclaw-rs.json5")).unwrap();
    assert!(own.contains("/code"), "{own}");
    let after = (text(&home), beside(&home));
    drop(doctor(&home, &["--fix"]).await);
    assert_eq!((text(&home), beside(&home)), after);
}

#[tokio::test]
async fn a_change_that_the_gateway_refused_is_told_until_it_is_taken_back() {
    let home = TestHome::new();
    let provider = FakeProvider::start();
    home.use_provider(&provider, WireFormat::OpenAi);
    let good = text(&home);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let refused = "warning config.reload-refused".to_owned();
    assert!(!found(&doctor(&home, &[]).await).contains(&refused));
    home.write_config("{ gateway: { port: 'x' } }");
    let told = until(&home, |found| found.contains(&refused)).await;
    assert!(
        told.contains(&"error config.invalid".to_owned()),
        "{told:?}"
    );
    home.write_config(&good);
    until(&home, |found| !found.contains(&refused)).await;
    drop(gateway);
}

/// Asks until the findings are as they have to be; the gateway looks at the file now and then.
async fn until(home: &TestHome, seen: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut asked = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..100 {
        asked.tick().await;
        let found = found(&doctor(home, &[]).await);
        if seen(&found) {
            return found;
        }
    }
    panic!("the findings do not change");
}

#[tokio::test]
async fn a_config_that_is_wrong_for_another_reason_is_left_alone() {
    let wrong = FEBRUARY.replace("18789", "'x'");
    let home = home_with(&wrong);
    let ran = doctor(&home, &["--fix"]).await.assert_code(1);
    assert_eq!(text(&home), wrong);
    assert!(
        found(&ran).contains(&"error config.invalid".to_owned()),
        "{ran}"
    );
}
