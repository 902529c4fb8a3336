//! The credential store, through the binary: what goes in comes out where it is meant to, and
//! nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use openclaw_core::env::{Env, PATH};
use openclaw_testkit::{
    FakeCall, FakeProvider, GatewayProcess, HomeCommand, Reply, TestHome, WireFormat, skip_note,
};
use serde_json::{Value, json};

use crate::OPENCLAW;

const KEY: &str = "sk-canary-5d1f0c2b9e7a";
const PASSWORD: &str = "canary master password 1";
const PASSWORD_FILE: &str = "OPENCLAW_CREDENTIALS_PASSWORD_FILE";
const PASSWORD_VARIABLE: &str = "OPENCLAW_CREDENTIALS_PASSWORD";

fn openclaw(home: &TestHome, args: &[&str]) -> HomeCommand {
    home.command(OPENCLAW).args(args)
}

/// Writes a file beside the state directory.
fn file(home: &TestHome, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = home.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// A home whose store opens with a file, and has the key of the fake provider.
async fn with_a_key(provider: &FakeProvider, record: &str, reference: Value) -> TestHome {
    let mut home = TestHome::new();
    let password = file(&home, "password", &format!("{PASSWORD}\n"), 0o600);
    home.set_env(PASSWORD_FILE, &password);
    provider.expect_key(KEY);
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]["apiKey"] = reference;
    home.write_config(&config.to_string());
    let ran = openclaw(&home, &["credentials", "set", record, "--json"]);
    let ran = ran.stdin(format!("{KEY}\n")).run().await.assert_code(0);
    let data = &ran.json()["data"];
    assert_eq!(
        (&data["name"], &data["replaced"]),
        (&json!(record), &json!(false))
    );
    home
}

/// Fails if any file below a folder has the text.
fn expect_nowhere(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            expect_nowhere(&path, text);
        } else {
            let bytes = fs::read(&path).unwrap();
            let hit = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            assert!(!hit, "{}", path.display());
        }
    }
}

fn expect_sealed(home: &TestHome) {
    for text in [KEY, PASSWORD] {
        expect_nowhere(home.state_dir().root(), text);
    }
}

fn store_ref(id: &str) -> Value {
    json!({ "source": "store", "provider": "default", "id": id })
}

#[tokio::test]
async fn a_key_that_onboard_stored_is_there_for_the_next_process() {
    let (mut home, provider) = (TestHome::new(), FakeProvider::start());
    let password = file(&home, "password", PASSWORD, 0o600);
    home.set_env(PASSWORD_FILE, &password);
    provider.expect_key(KEY);
    provider
        .reply(Reply::text("first"))
        .reply(Reply::text("second"));
    let wire = WireFormat::Anthropic;
    let onboard = || {
        openclaw(
            &home,
            &["onboard", "--non-interactive", "--provider", "mine-x"],
        )
        .args(["--base-url", &provider.base_url(wire), "--api", wire.api()])
        .args(["--model", "m", "--store-key"])
        .stdin(format!("{KEY}\n"))
    };
    drop(onboard().run().await.assert_code(0));
    let config = fs::read_to_string(home.state_dir().config_file()).unwrap();
    assert!(config.contains("\"id\": \"MINE_X\""), "{config}");
    drop(
        openclaw(&home, &["config", "validate"])
            .run()
            .await
            .assert_code(0),
    );

    let ran = openclaw(&home, &["agent", "--message", "one"]).run().await;
    assert_eq!(ran.assert_code(0).stdout, "first\n");
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let ran = openclaw(&home, &["agent", "--message", "two"]).run().await;
    assert_eq!(ran.assert_code(0).stdout, "second\n");
    assert!(!gateway.stderr().contains(KEY), "{}", gateway.stderr());
    provider.assert_clean();
    expect_sealed(&home);

    // A config that is there is left alone, and nothing is stored for it.
    let before = fs::read_dir(home.state_dir().credentials())
        .unwrap()
        .count();
    drop(onboard().run().await.assert_code(6));
    let after = fs::read_dir(home.state_dir().credentials())
        .unwrap()
        .count();
    assert_eq!(before, after);
}

#[tokio::test]
async fn every_form_of_a_reference_and_every_source_of_the_password_leads_to_the_key() {
    for (record, reference) in [
        ("fake_key", store_ref("FAKE_KEY")),
        (
            "anthropic_telegram_token",
            json!("{{ ANTHROPIC_TELEGRAM_TOKEN }}"),
        ),
        ("fake", Value::Null),
    ] {
        let provider = FakeProvider::start();
        let mut home = with_a_key(&provider, record, json!("x")).await;
        let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
        let settings = config["models"]["providers"]["fake"]
            .as_object_mut()
            .unwrap();
        settings.remove("apiKey");
        if !reference.is_null() {
            settings.insert("apiKey".to_owned(), reference);
        }
        home.write_config(&config.to_string());
        let systemd = home.path().join("systemd");
        fs::create_dir(&systemd).unwrap();
        let credential = systemd.join("openclaw-credentials-password");
        fs::write(&credential, PASSWORD).unwrap();
        fs::set_permissions(&credential, fs::Permissions::from_mode(0o400)).unwrap();
        let file = home.path().join("password");
        home.remove_env(PASSWORD_FILE);
        for (name, value) in [
            (PASSWORD_FILE, file.as_os_str()),
            ("CREDENTIALS_DIRECTORY", systemd.as_os_str()),
            (PASSWORD_VARIABLE, PASSWORD.as_ref()),
        ] {
            provider.reply(Reply::text("hello"));
            let ran = openclaw(&home, &["agent", "--message", "hi", "--new"]);
            let ran = ran.env(name, value).run().await.assert_code(0);
            assert_eq!(ran.stdout, "hello\n", "{name}");
        }
        provider.assert_clean();
        expect_sealed(&home);
    }
}

#[tokio::test]
async fn a_password_that_is_wrong_missing_or_open_to_others_is_told_with_its_source() {
    let provider = FakeProvider::start();
    let mut home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    let right = home.path().join("password");
    let wrong = file(&home, "wrong", "canary wrong password", 0o600);
    let open = file(&home, "open", PASSWORD, 0o644);
    home.remove_env(PASSWORD_FILE);
    let none = home.path().join("none");
    for (path, code, named) in [
        (Some(&wrong), 5, "wrong"),
        (Some(&open), 78, "chmod 600"),
        (Some(&none), 78, "none"),
        (None, 78, "OPENCLAW_CREDENTIALS_PASSWORD_FILE"),
    ] {
        for args in [
            &["credentials", "list"][..],
            &["credentials", "verify"],
            &["credentials", "set", "other"],
            &["credentials", "remove", "fake", "--yes"],
            &["credentials", "rotate", "--new-password-file", "x"],
        ] {
            let mut command = openclaw(&home, args).stdin("sk-other");
            // The right one in the environment is not asked in the stead of a file that is named.
            if let Some(path) = path {
                command = command
                    .env(PASSWORD_FILE, path)
                    .env(PASSWORD_VARIABLE, PASSWORD);
            }
            let ran = command.run().await.assert_code(code);
            assert!(ran.stderr.contains(named), "{ran}");
            assert!(!ran.stderr.contains("canary"), "{ran}");
        }
    }
    // An agent says it, too, and does not go without a key.
    let ran = openclaw(&home, &["agent", "--message", "hi"]).env(PASSWORD_FILE, &wrong);
    let ran = ran.run().await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(78), ""), "{ran}");
    assert!(
        ran.stderr.contains("does not open the credential store"),
        "{ran}"
    );
    assert_eq!(provider.requests().len(), 0);

    let listed = openclaw(&home, &["credentials", "list", "--json"]).env(PASSWORD_FILE, right);
    let listed = listed.run().await.assert_code(0).json();
    let records = listed["data"]["records"].as_array().unwrap();
    assert_eq!((records.len(), &records[0]["name"]), (1, &json!("fake")));
}

#[tokio::test]
async fn a_damaged_record_is_told_and_left_and_the_others_can_be_read() {
    let provider = FakeProvider::start();
    let home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    let ran = openclaw(&home, &["credentials", "set", "other"]).stdin("sk-other");
    drop(ran.run().await.assert_code(0));
    drop(
        openclaw(&home, &["credentials", "verify"])
            .run()
            .await
            .assert_code(0),
    );

    let record = home.state_dir().credentials().join("other.enc");
    let mut bytes = fs::read(&record).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&record, &bytes).unwrap();
    let ran = openclaw(&home, &["credentials", "verify", "--json"])
        .run()
        .await;
    let data = ran.assert_code(1).json()["data"].clone();
    assert_eq!(data["damaged"], 1);
    let states: Vec<(&Value, &Value)> = data["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (&record["name"], &record["state"]))
        .collect();
    assert_eq!(
        states,
        [
            (&json!("fake"), &json!("ok")),
            (&json!("other"), &json!("damaged"))
        ]
    );
    let ran = openclaw(&home, &["doctor", "--json"])
        .run()
        .await
        .assert_code(1);
    let findings = ran.json()["findings"].clone();
    let damaged = |finding: &&Value| finding["checkId"] == "credentials.damaged-record";
    let finding = findings.as_array().unwrap().iter().find(damaged).unwrap();
    assert!(
        finding["fixHint"]
            .as_str()
            .unwrap()
            .contains("credentials remove other")
    );
    assert_eq!(fs::read(&record).unwrap(), bytes);

    provider.reply(Reply::text("hello"));
    let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    assert_eq!(ran.assert_code(0).stdout, "hello\n");

    // What is damaged may be the only trace of what happened; it goes when somebody says so.
    let set = || openclaw(&home, &["credentials", "set", "other"]).stdin("sk-again");
    let ran = set().run().await.assert_code(69);
    assert!(ran.stderr.contains("credentials remove other"), "{ran}");
    assert_eq!(fs::read(&record).unwrap(), bytes);
    let ran = openclaw(&home, &["credentials", "remove", "other", "--yes"]);
    drop(ran.run().await.assert_code(0));
    drop(set().run().await.assert_code(0));
    drop(
        openclaw(&home, &["credentials", "verify"])
            .run()
            .await
            .assert_code(0),
    );
}

#[tokio::test]
async fn a_file_that_was_put_there_is_told_and_left() {
    let provider = FakeProvider::start();
    let home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    let folder = home.state_dir().credentials();
    let (copy, foreign) = (folder.join("copy.enc"), folder.join("oauth.json"));
    fs::copy(folder.join("fake.enc"), &copy).unwrap();
    fs::write(&foreign, "OpenClaw's").unwrap();
    let ran = openclaw(&home, &["credentials", "verify"]).run().await;
    assert!(
        ran.assert_code(1)
            .stdout
            .contains("copy  is not in the list")
    );
    for args in [&["set", "copy"][..], &["remove", "copy", "--yes"]] {
        let ran = openclaw(&home, &["credentials"]).args(args).stdin("sk");
        let ran = ran.run().await;
        assert!(
            ran.code != Some(0) && ran.stderr.contains("copy.enc"),
            "{ran}"
        );
    }
    assert_eq!(
        fs::read(&copy).unwrap(),
        fs::read(folder.join("fake.enc")).unwrap()
    );
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "OpenClaw's");

    // Without its header the store is damaged, and is not made anew.
    fs::remove_file(folder.join("master.salt")).unwrap();
    for args in [&["list"][..], &["set", "fake"], &["verify"], &["rotate"]] {
        let ran = openclaw(&home, &["credentials"]).args(args).stdin("sk");
        let ran = ran.run().await.assert_code(69);
        assert!(ran.stderr.contains("master.salt"), "{ran}");
    }
    assert!(!folder.join("master.salt").exists());
}

#[tokio::test]
async fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let home = TestHome::new();
    for args in [
        &["credentials", "set", "openai", KEY][..],
        &["credentials", "set", "openai", "is", KEY],
        &["credentials", "set", &format!("openai={KEY}")],
        &["credentials", "set", &KEY.to_uppercase()],
    ] {
        let ran = openclaw(&home, args)
            .env(PASSWORD_VARIABLE, PASSWORD)
            .stdin("x");
        let ran = ran.run().await.assert_code(2);
        assert!(!ran.stderr.to_lowercase().contains(KEY), "{ran}");
        assert_eq!(ran.stdout, "");
    }
    for secret in ["", "\n", &"x".repeat(64 * 1024 + 1)] {
        let ran = openclaw(&home, &["credentials", "set", "openai"]);
        let ran = ran.env(PASSWORD_VARIABLE, PASSWORD).stdin(secret);
        drop(ran.run().await.assert_code(2));
    }
}

#[tokio::test]
async fn a_password_is_exchanged_and_every_record_stays() {
    let provider = FakeProvider::start();
    let mut home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let new = file(&home, "new", "canary second password", 0o600);
    let rotate = [
        "configure",
        "--section",
        "auth",
        "--rotate",
        "--new-password-file",
    ];
    let ran = openclaw(&home, &rotate)
        .arg(&new)
        .run()
        .await
        .assert_code(0);
    assert!(ran.stdout.contains("records: 1"), "{ran}");
    assert!(ran.stderr.contains("still has the old password"), "{ran}");
    drop(
        openclaw(&home, &["credentials", "list"])
            .run()
            .await
            .assert_code(5),
    );
    // The running gateway has its key.
    provider.reply(Reply::text("still"));
    let session = gateway.rpc("session.create", json!({})).await.unwrap()["sessionKey"].clone();
    fs::copy(&new, home.path().join("password")).unwrap();
    let params = json!({ "sessionKey": session, "content": "hi" });
    let reply = gateway.rpc("session.message", params).await.unwrap();
    assert_eq!(reply["content"], "still");
    drop(gateway);
    home.set_env(PASSWORD_FILE, &new);
    provider.reply(Reply::text("hello"));
    let ran = openclaw(&home, &["agent", "--message", "hi", "--new"])
        .run()
        .await;
    assert_eq!(ran.assert_code(0).stdout, "hello\n");
    expect_sealed(&home);

    drop(
        openclaw(&home, &["credentials", "remove", "fake"])
            .run()
            .await
            .assert_code(2),
    );
    let ran = openclaw(&home, &["credentials", "remove", "fake", "--dry-run"])
        .run()
        .await;
    drop(ran.assert_code(0));
    let ran = openclaw(&home, &["credentials", "remove", "fake", "--yes"])
        .run()
        .await;
    drop(ran.assert_code(0));
    let ran = openclaw(&home, &["credentials", "remove", "fake", "--yes"])
        .run()
        .await;
    drop(ran.assert_code(3));
    let entries = openclaw(&home, &["audit", "list", "--kind", "secret", "--json"])
        .run()
        .await;
    let entries = entries.assert_code(0).stdout;
    for change in ["set", "rotated", "removed"] {
        assert!(
            entries.contains(&format!("\"change\": \"{change}\"")),
            "{entries}"
        );
    }
}

#[tokio::test]
async fn a_running_gateway_takes_up_a_key_that_is_stored() {
    let provider = FakeProvider::start();
    let home = with_a_key(&provider, "unrelated", store_ref("LATER")).await;
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let session = gateway.rpc("session.create", json!({})).await.unwrap()["sessionKey"].clone();
    let params = json!({ "sessionKey": session, "content": "hi" });
    let err = gateway
        .rpc("session.message", params.clone())
        .await
        .unwrap_err();
    assert!(format!("{err:?}").contains("no record `later`"), "{err:?}");
    let ran = openclaw(&home, &["credentials", "set", "later"]).stdin(KEY);
    drop(ran.run().await.assert_code(0));
    provider.otherwise(|_| Reply::text("hello"));
    let mut tries = tokio::time::interval(std::time::Duration::from_millis(200));
    for _ in 0..100 {
        tries.tick().await;
        if gateway.rpc("session.message", params.clone()).await.is_ok() {
            return;
        }
    }
    panic!("the gateway never took the key up: {}", gateway.stderr());
}

#[tokio::test]
async fn a_command_without_a_sandbox_does_not_see_the_password() {
    let provider = FakeProvider::scripted([
        Reply::tool_calls([FakeCall::new("exec", &json!({ "command": "env" }))]),
        Reply::text("done"),
    ]);
    let mut home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    home.remove_env(PASSWORD_FILE);
    let own = home.state_dir().root().join("openclaw-rs.json5");
    fs::write(own, "{ sandbox: { level: 'none' } }").unwrap();
    let ran = openclaw(&home, &["agent", "--message", "hi"]).env(PASSWORD_VARIABLE, PASSWORD);
    drop(ran.run().await.assert_code(0));
    let request = format!("{:?}", provider.last_request());
    assert!(request.contains("PATH="), "{request}");
    assert!(!request.contains(PASSWORD), "{request}");
    assert!(!request.contains(PASSWORD_VARIABLE), "{request}");
}

#[tokio::test]
#[cfg_attr(target_os = "macos", ignore = "the keychain is asked there")]
async fn the_keyring_is_asked_before_the_environment_and_does_not_stand_in_the_way() {
    let provider = FakeProvider::start();
    let mut home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    home.remove_env(PASSWORD_FILE);
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let tool = |script: &str| file(&home, "bin/secret-tool", script, 0o755);
    let path = home.env().get(PATH.name).unwrap_or_default().to_owned();
    let path = format!("{}:{path}", bin.display());
    let ask = || {
        openclaw(&home, &["agent", "--message", "hi", "--new"])
            .env(PATH.name, &path)
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    };
    let fine = format!("#!/bin/sh\necho '{PASSWORD}'\n");
    tool(&fine);
    provider.otherwise(|_| Reply::text("hello"));
    let ran = ask().env(PASSWORD_VARIABLE, "another").run().await;
    assert_eq!(ran.assert_code(0).stdout, "hello\n");

    let broken = "#!/bin/sh\necho 'no such service' >&2\nexit 1\n";
    tool(broken);
    let ran = ask().run().await.assert_code(78);
    assert!(ran.stderr.contains("OS keyring: no such service"), "{ran}");
    let ran = ask().env(PASSWORD_VARIABLE, PASSWORD).run().await;
    assert_eq!(ran.assert_code(0).stdout, "hello\n");

    tool("#!/bin/sh\necho 'canary wrong password'\n");
    let ran = ask().env(PASSWORD_VARIABLE, PASSWORD).run().await;
    let said = ran.assert_code(78).stderr;
    assert!(said.contains("from the OS keyring"), "{said}");
    assert!(!said.contains("canary"), "{said}");
    expect_sealed(&home);
}

/// A session bus that starts no programs: it would start a second keyring before the first is there.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=FOLDER/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Starts a keyring, puts the master password into it, says where the bus is, and keeps both until
/// there is a file `done`.
const KEYRING: &str = r#"
printf login | gnome-keyring-daemon --foreground --unlock --components=secrets > keyring.log 2>&1 &
keyring=$!
trap 'kill $keyring' EXIT
for try in 1 2 3 4 5 6 7 8 9 10; do
  timeout 5 secret-tool store --label='openclaw credentials' \
    service openclaw account credentials < password && break
  sleep 0.2
done
echo "$DBUS_SESSION_BUS_ADDRESS"
while [ ! -e done ]; do sleep 0.1; done
"#;

/// Runs commands in the sandbox that ask the keyring, and none of them gets an answer.
async fn expect_out_of_reach(home: &TestHome, bus: &str) {
    let question = "secret-tool lookup service openclaw account credentials";
    let sandboxed = |options: &'static [&'static str]| {
        openclaw(home, &["sandbox", "exec", "--workspace"])
            .arg(home.workspace())
            .args(options)
            .args(["--", "sh", "-c"])
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
    };
    let outside = sandboxed(&["--level", "none"]);
    let outside = outside.arg(format!("DBUS_SESSION_BUS_ADDRESS='{bus}' {question}"));
    let said = outside.run().await.assert_code(0).stdout;
    assert_eq!(said.trim_end(), PASSWORD);
    for options in [
        &["--level", "strict"][..],
        &["--level", "relaxed"],
        &["--level", "relaxed", "--network"],
    ] {
        let ran = sandboxed(options).arg("env; ls -A /run; find / -type s 2>/dev/null");
        let seen = ran.run().await.stdout;
        for trace in ["DBUS", "XDG_RUNTIME_DIR", "bus", "keyring"] {
            assert!(!seen.contains(trace), "{options:?}: {seen}");
        }
        let ran = sandboxed(options).arg(format!("DBUS_SESSION_BUS_ADDRESS='{bus}' {question}"));
        let ran = ran.run().await.assert_code(1);
        assert_eq!(ran.stdout, "", "{options:?}");
    }
}

#[tokio::test]
async fn a_gateway_takes_the_password_from_the_keyring_and_sandboxed_commands_cannot() {
    let test = "a_gateway_takes_the_password_from_the_keyring_and_sandboxed_commands_cannot";
    let programs = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
    let env = Env::from_process();
    let path = env.get_os(PATH.name).unwrap_or_default();
    for program in programs {
        if !std::env::split_paths(path).any(|folder| folder.join(program).exists()) {
            return skip_note(test, &format!("there is no {program}"));
        }
    }
    let provider = FakeProvider::start();
    let mut home = with_a_key(&provider, "fake", store_ref("FAKE")).await;
    home.remove_env(PASSWORD_FILE);
    provider.reply(Reply::text("hello"));
    let session = home.command("dbus-run-session");
    let config = BUS.replace("FOLDER", &home.path().display().to_string());
    let config = file(&home, "bus.conf", &config, 0o600);
    let session = session.arg("--config-file").arg(config);
    let session = session.args(["--", "sh", "-c", KEYRING]);
    let ran = session.run_answering(async |bus| {
        let bus = bus.trim_end();
        let with_bus = |command: HomeCommand| command.env("DBUS_SESSION_BUS_ADDRESS", bus);
        let gateway = GatewayProcess::start_with(&home, OPENCLAW, with_bus).await;
        let session = gateway.rpc("session.create", json!({})).await.unwrap();
        let params = json!({ "sessionKey": session["sessionKey"], "content": "hi" });
        let reply = gateway.rpc("session.message", params).await.unwrap();
        assert_eq!(reply["content"], "hello");
        assert!(!gateway.stderr().contains(PASSWORD));

        let status = with_bus(openclaw(&home, &["status", "--json"])).run().await;
        let source = status.json()["credentials"]["passwordSource"].clone();
        assert!(source.as_str().unwrap().contains("keyring"), "{source}");
        expect_out_of_reach(&home, bus).await;
        fs::write(home.path().join("done"), "").unwrap();
    });
    drop(ran.await.assert_code(0));
    provider.assert_clean();
    expect_sealed(&home);
    // Without the bus there is no keyring, and nothing else says what the password is.
    let ran = openclaw(&home, &["credentials", "list"]).run().await;
    assert!(ran.assert_code(78).stderr.contains("locked"));
}

/// Writes sign-ins as OpenClaw did until spring 2026.
fn sign_ins(home: &TestHome, agent: &str, profiles: &Value) -> PathBuf {
    let folder = home
        .state_dir()
        .root()
        .join("agents")
        .join(agent)
        .join("agent");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("auth-profiles.json");
    let store = json!({ "version": 1, "profiles": profiles });
    fs::write(&path, store.to_string()).unwrap();
    path
}

/// Writes sign-ins of every kind, for two agents; returns the file of the first.
fn plain_sign_ins(home: &TestHome) -> PathBuf {
    let plain = sign_ins(
        home,
        "main",
        &json!({
            "fake:default": { "type": "api_key", "provider": "fake", "key": KEY, "email": "a@b" },
            "other:Work": { "type": "token", "provider": "other", "token": "canary-token-1" },
            "chat": { "type": "oauth", "provider": "chat", "access": "canary-access", "refresh": "r" },
        }),
    );
    sign_ins(
        home,
        "second",
        &json!({ "fake:default": { "type": "api_key", "provider": "fake", "key": "canary-2nd" } }),
    );
    plain
}

#[tokio::test]
async fn keys_in_plain_text_are_imported_and_redacted_with_consent_only() {
    let (mut home, provider) = (TestHome::new(), FakeProvider::start());
    provider.expect_key(KEY);
    let password = file(&home, "password", PASSWORD, 0o600);
    home.set_env(PASSWORD_FILE, &password);
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]
        .as_object_mut()
        .unwrap()
        .remove("apiKey");
    home.write_config(&config.to_string());
    let plain = plain_sign_ins(&home);
    let before = fs::read_to_string(&plain).unwrap();

    drop(openclaw(&home, &["migrate"]).run().await.assert_code(0));
    let ran = openclaw(&home, &["migrate", "--import-credentials", "--dry-run"])
        .run()
        .await;
    drop(ran.assert_code(0));
    assert!(!home.state_dir().credentials().exists());

    let import = |args: &'static [&'static str]| {
        let home = &home;
        async move {
            let ran = openclaw(home, &["migrate", "--import-credentials", "--json"]);
            let ran = ran.args(args).run().await.assert_code(0).json();
            let areas = ran["data"]["areas"].as_array().unwrap().clone();
            areas
                .into_iter()
                .find(|area| area["area"] == "sign-ins")
                .unwrap()
        }
    };
    let imported = import(&[]).await;
    assert_eq!(
        imported["taken"]["imported"],
        json!(["fake", "other_work", "fake_second"])
    );
    assert_eq!(fs::read_to_string(&plain).unwrap(), before);
    let again = import(&[]).await;
    assert_eq!(
        (&again["taken"]["imported"], &again["taken"]["known"]),
        (&json!([]), &json!(3))
    );

    let redacted = import(&["--redact-credentials"]).await;
    assert_eq!(
        redacted["taken"]["redacted"].as_array().unwrap().len(),
        2,
        "{redacted}"
    );
    let after: Value = serde_json::from_str(&fs::read_to_string(&plain).unwrap()).unwrap();
    assert_eq!(
        after["profiles"]["fake:default"],
        json!({
            "type": "api_key",
            "provider": "fake",
            "keyRef": { "source": "store", "provider": "default", "id": "FAKE" },
            "email": "a@b",
        })
    );
    assert_eq!(
        after["profiles"]["other:Work"]["tokenRef"]["id"],
        "OTHER_WORK"
    );
    assert_eq!(after["profiles"]["chat"]["access"], "canary-access");
    for gone in [KEY, "canary-token-1", "canary-2nd"] {
        expect_nowhere(home.state_dir().root(), gone);
    }

    provider.reply(Reply::text("hello"));
    let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    assert_eq!(ran.assert_code(0).stdout, "hello\n");
    provider.assert_clean();
    let ran = openclaw(&home, &["migrate", "--redact-credentials"])
        .run()
        .await;
    drop(ran.assert_code(2));
}

#[tokio::test]
async fn a_key_in_openclaws_database_is_imported_and_redacted_too() {
    let mut home = TestHome::new();
    home.set_env(PASSWORD_VARIABLE, PASSWORD);
    let folder = home.state_dir().root().join("state");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("openclaw.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT, updated_at INTEGER);",
        )
        .unwrap();
    let store = json!({ "version": 1, "profiles": {
        "anthropic:default": { "type": "api_key", "provider": "anthropic", "key": KEY },
    } });
    let insert = "INSERT INTO config_machine_state VALUES ('authProfiles.store', ?1, 1)";
    database.execute(insert, [store.to_string()]).unwrap();
    drop(database);
    let args = ["migrate", "--import-credentials", "--redact-credentials"];
    let ran = openclaw(&home, &args).run().await.assert_code(0);
    assert!(ran.stdout.contains("openclaw.sqlite"), "{ran}");
    expect_sealed(&home);
    let database = rusqlite::Connection::open(&path).unwrap();
    let value: String = database
        .query_row("SELECT value_json FROM config_machine_state", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(
        value.contains("\"keyRef\"") && value.contains("ANTHROPIC"),
        "{value}"
    );
}

#[tokio::test]
async fn a_first_store_is_made_by_configure_and_said_by_status_and_doctor() {
    let home = TestHome::new();
    let auth = [
        "configure",
        "--section",
        "auth",
        "--provider",
        "anthropic",
        "--json",
    ];
    let ran = openclaw(&home, &auth)
        .stdin(KEY)
        .run()
        .await
        .assert_code(78);
    assert!(ran.stdout.contains(PASSWORD_FILE), "{ran}");
    assert!(!home.state_dir().credentials().exists());

    let with = |args: &[&str]| openclaw(&home, args).env(PASSWORD_VARIABLE, PASSWORD);
    let made = with(&auth).stdin(KEY).run().await.assert_code(0).json();
    let data = &made["data"];
    assert_eq!(
        (&data["made"], &data["record"]),
        (&json!(true), &json!("anthropic"))
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = home.state_dir().credentials();
    assert_eq!(
        (mode(&folder), mode(&folder.join("anthropic.enc"))),
        (0o700, 0o600)
    );

    let status = with(&["status", "--json"]).run().await.json();
    let facts = &status["credentials"];
    assert_eq!(
        (&facts["exists"], &facts["records"]),
        (&json!(true), &json!(1))
    );
    assert!(
        facts["passwordSource"]
            .as_str()
            .unwrap()
            .contains(PASSWORD_VARIABLE)
    );
    let finding = |ran: Value| {
        let findings = ran["findings"].as_array().unwrap().clone();
        let about = |finding: &Value| {
            finding["checkId"]
                .as_str()
                .unwrap()
                .starts_with("credentials.")
        };
        findings.into_iter().find(about).unwrap()
    };
    let found = finding(with(&["doctor", "--json"]).run().await.json());
    assert_eq!(found["checkId"], "credentials.store");
    let locked = openclaw(&home, &["doctor", "--json"])
        .run()
        .await
        .assert_code(1);
    assert_eq!(finding(locked.json())["checkId"], "credentials.locked");
    expect_sealed(&home);
}
