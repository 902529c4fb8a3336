//! Config files that are no ordinary ones: each is told or read, and nothing hangs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use openclaw_testkit::{Ran, TestHome};

use super::{config, file, fine, home_with, ran, text};

/// Does something to the place of a home's config.
type Make = fn(&TestHome);

fn ready() -> TestHome {
    let home = TestHome::new();
    fs::create_dir_all(home.state_dir().root()).unwrap();
    home
}

/// Runs a command that may not take long.
async fn quickly(home: &TestHome, args: &[&str]) -> Ran {
    config(home, args)
        .timeout(Duration::from_secs(20))
        .run()
        .await
}

#[tokio::test]
async fn what_is_no_config_file_is_told_and_left_alone() {
    let odd: [(&str, Make); 6] = [
        ("a directory", |home| fs::create_dir(file(home)).unwrap()),
        ("a link to itself", |home| {
            symlink(file(home), file(home)).unwrap();
        }),
        ("a pipe", |home| {
            let file = file(home);
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &file,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o600),
                0,
            )
            .unwrap();
        }),
        ("an empty file", |home| fs::write(file(home), "").unwrap()),
        ("bytes that are no text", |home| {
            fs::write(file(home), b"{ a: '\xff\xfe' }").unwrap();
        }),
        ("400 levels", |home| {
            let deep = format!("{}1{}", "{a:".repeat(400), "}".repeat(400));
            fs::write(file(home), deep).unwrap();
        }),
    ];
    for (name, make) in odd {
        let home = ready();
        make(&home);
        for args in [
            &["validate"][..],
            &["validate", "--json"],
            &["get", "gateway.port"],
            &["get", "gateway.port", "--json"],
            &["set", "gateway.port", "19001"],
            &["unset", "gateway.port"],
        ] {
            let ran = quickly(&home, args).await;
            assert_eq!(ran.code, Some(1), "{name}: {ran}");
            if args.contains(&"--json") {
                assert!(
                    ran.json()["issues"][0]["message"].is_string(),
                    "{name}: {ran}"
                );
            } else {
                assert!(ran.stderr.starts_with("error: "), "{name}: {ran}");
            }
        }
        let doctor = home
            .command(crate::OPENCLAW)
            .args(["doctor", "--json"])
            .run()
            .await;
        assert_eq!(doctor.code, Some(1), "{name}: {doctor}");
    }
}

#[tokio::test]
async fn a_very_large_config_is_read_or_refused_in_time() {
    let home = ready();
    let line = format!("    NAME_{}: '{}',\n", "{}", "x".repeat(1000));
    let mut large = String::from("{ env: { vars: {\n");
    for n in 0..50_000 {
        large.push_str(&line.replace("{}", &n.to_string()));
    }
    large.push_str("  } }, gateway: { port: 18789 } }\n");
    fs::write(file(&home), &large).unwrap();
    let ran = config(&home, &["validate", "--json"])
        .timeout(Duration::from_secs(50))
        .run()
        .await;
    assert!(ran.json()["valid"].is_boolean(), "{}", ran.stderr);
    let ran = config(&home, &["get", "gateway.port"])
        .timeout(Duration::from_secs(50))
        .run()
        .await;
    assert!(ran.code.is_some_and(|code| code <= 1), "{}", ran.stderr);
}

#[tokio::test]
async fn a_byte_order_mark_and_windows_line_ends_stay() {
    let windows = "\u{feff}{\r\n  // mine\r\n  gateway: { port: 18789 },\r\n}\r\n";
    let home = home_with(windows);
    fine(&home, &["validate"]).await;
    fine(&home, &["set", "gateway.port", "19001"]).await;
    assert_eq!(text(&home), windows.replace("18789", "19001"));
    fine(&home, &["set", "messages.responsePrefix", "x"]).await;
    let after = text(&home);
    assert_eq!(
        after.matches('\n').count(),
        after.matches("\r\n").count(),
        "{after:?}"
    );
    assert!(after.starts_with('\u{feff}'));
}

#[tokio::test]
async fn of_members_with_the_same_key_the_last_one_counts() {
    let home = home_with("{ gateway: { port: 1, port: 19002 } }");
    let shown = ran(&home, &["get", "gateway.port"]).await.assert_code(0);
    assert_eq!(shown.stdout, "19002\n");
    fine(&home, &["set", "gateway.port", "19003"]).await;
    let shown = ran(&home, &["get", "gateway.port"]).await.assert_code(0);
    assert_eq!(shown.stdout, "19003\n");
}

#[tokio::test]
async fn a_link_to_a_config_is_followed_and_stays_a_link() {
    let home = ready();
    let real = home.path().join("real.json5");
    fs::write(&real, "{ gateway: { port: 18789 } }").unwrap();
    symlink(&real, file(&home)).unwrap();
    fine(&home, &["set", "gateway.port", "19001"]).await;
    assert_eq!(
        fs::read_to_string(&real).unwrap(),
        "{ gateway: { port: 19001 } }"
    );
    assert!(fs::symlink_metadata(file(&home)).unwrap().is_symlink());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_told() {
    let home = home_with("{ gateway: { port: 18789 } }");
    let folder = home.state_dir().root().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    // The superuser may write everywhere, so that there is nothing to see.
    let writable = fs::write(folder.join("probe"), "").is_ok();
    if !writable {
        let ran = ran(&home, &["set", "gateway.port", "19001"])
            .await
            .assert_code(1);
        assert!(ran.stderr.contains("cannot"), "{ran}");
        assert_eq!(text(&home), "{ gateway: { port: 18789 } }");
    }
    fine(&home, &["get", "gateway.port"]).await;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
}
