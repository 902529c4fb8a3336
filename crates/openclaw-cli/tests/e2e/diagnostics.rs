//! The bundle for whoever is to help: what is in it, and that no secret is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// Secrets, each where this program may find it.
const IN_CONFIG: &str = "sk-cnry-of-the-config-0011";
const IN_ENV: &str = "cnry-of-the-environment-2233";
const TOKEN: &str = "cnry-gateway-token-44556677";
const HEADER: &str = "cnry-of-a-header-8899aabb";
const PASSWORD: &str = "cnry-of-an-address-ccdd";
const BOT: &str = "110201543:cnryBotAAHdqTcvCH1vGWJxfSeofSA";
/// One that nobody here knows, and that looks like one.
const STRANGE: &str = "ghp_cnryOfSomebodyElse01234567";
/// Whom a session is with, and what was said.
const PEER: &str = "4915112345678";
const WORDS: &str = "cnry-what-was-said";

const ALL: [&str; 9] = [
    IN_CONFIG, IN_ENV, TOKEN, HEADER, PASSWORD, BOT, STRANGE, PEER, WORDS,
];

/// Returns the unpacked archive, with the system's own tar.
async fn unpacked(home: &TestHome, bundle: &Path) -> Value {
    let into = home.path().join("unpacked");
    fs::create_dir(&into).unwrap();
    let bundle = bundle.to_str().unwrap();
    let ran = home
        .command("tar")
        .args(["-xzf", bundle, "-C", into.to_str().unwrap()])
        .run()
        .await;
    drop(ran.assert_code(0));
    let mut files = json!({});
    for entry in fs::read_dir(into.join("openclaw-diagnostics")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        files[name] = fs::read_to_string(entry.path()).unwrap().into();
    }
    files
}

fn seeded() -> (TestHome, FakeProvider) {
    let (mut home, provider) = (TestHome::new(), FakeProvider::start());
    home.set_env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
        .set_env("SOME_API_KEY", IN_ENV);
    let mut config = TestHome::config_for(&provider, WireFormat::Anthropic);
    config["models"]["providers"]["fake"]["apiKey"] = IN_CONFIG.into();
    config["models"]["providers"]["fake"]["headers"] = json!({ "x-more": HEADER });
    config["models"]["providers"]["other"] = json!({
        "baseUrl": format!("https://me:{PASSWORD}@models.example/v1"), "models": [],
    });
    config["channels"] = json!({ "telegram": { "botToken": BOT } });
    config["logging"] = json!({ "level": "trace" });
    home.write_config(&config.to_string()).lift_limits();
    (home, provider)
}

#[tokio::test]
async fn no_secret_is_in_the_bundle() {
    let (home, provider) = seeded();
    let all = ALL.join(" ");
    let script = format!("echo '{all}'; exit 3");
    provider
        .reply(
            Reply::tool_calls([FakeCall::new("exec", &json!({ "command": script }))])
                .with_text(&all),
        )
        .reply(Reply::text(&all))
        .reply(Reply::status(400).saying(format!("not with {IN_CONFIG} and {HEADER}")));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let params = json!({ "channel": "telegram", "peerId": PEER });
    let session = gateway.rpc("session.create", params).await.unwrap()["sessionKey"].clone();
    assert!(session.as_str().unwrap().contains(PEER), "{session}");
    let ask = |text: String| {
        let params = json!({ "sessionKey": session, "content": text });
        gateway.rpc("session.message", params)
    };
    drop(ask(format!("{WORDS} {all}")).await.unwrap());
    drop(ask(WORDS.to_owned()).await.unwrap_err());
    // As if an earlier version had been careless.
    let logs = home.state_dir().logs();
    let careless = [IN_CONFIG, IN_ENV, TOKEN, HEADER, BOT, STRANGE].map(|secret| {
        let line = json!({ "message": format!("it is {secret}") });
        format!("{line}\nno JSON: {secret}\n")
    });
    let careless = careless.concat();
    fs::write(logs.join("openclaw-2026-01-01.log"), &careless).unwrap();
    fs::write(logs.join("openclaw-2999-01-01.log"), &careless).unwrap();

    let bundle = home.path().join("bundle.tar.gz");
    let args = ["gateway", "diagnostics", "--out", bundle.to_str().unwrap()];
    let ran = home.command(OPENCLAW).args(args).run().await.assert_code(0);
    let listed = ran.stdout.find("logs.jsonl").unwrap();
    assert!(listed < ran.stdout.find("written to").unwrap(), "{ran}");
    let mode = fs::metadata(&bundle).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let again = home.command(OPENCLAW).args(args).run().await;
    drop(again.assert_code(1));

    let files = unpacked(&home, &bundle).await;
    let text: String = files
        .as_object()
        .unwrap()
        .values()
        .map(|body| body.as_str().unwrap())
        .collect();
    for secret in ALL {
        assert!(!text.contains(secret), "{secret} is in {text}");
        assert!(!text.contains(&STANDARD.encode(secret)), "{secret}");
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret));
    }
    assert!(!text.contains(home.path().to_str().unwrap()), "{text}");
    let document =
        |name: &str| -> Value { serde_json::from_str(files[name].as_str().unwrap()).unwrap() };
    assert_eq!(
        document("manifest.json")["parts"].as_array().unwrap().len(),
        6
    );
    assert_eq!(document("status.json")["gateway"]["reachable"], true);
    assert!(document("doctor.json")["findings"].is_array());
    assert!(document("config.json")["openclaw.json"]["models"].is_object());
    assert!(
        document("audit.json")["counts"]["auth.allowed"].as_u64() > Some(0)
            || text.contains("auth.")
    );
    let variables = document("versions.json")["variables"].to_string();
    assert!(variables.contains("OPENCLAW_GATEWAY_TOKEN"));
    let lines = files["logs.jsonl"].as_str().unwrap();
    assert!(lines.contains("a run starts"), "{lines}");
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    gateway.terminate().await;
}

#[tokio::test]
async fn there_is_a_bundle_also_of_what_is_broken() {
    let home = TestHome::new();
    home.write_config(&format!(
        "{{ gateway: {{ auth: {{ token: '{TOKEN}' }}, port: 'x' }} }}"
    ));
    let args = ["gateway", "diagnostics", "--json"];
    let ran = home.command(OPENCLAW).args(args).run().await.assert_code(0);
    let data = ran.json()["data"].clone();
    let bundle = Path::new(data["file"].as_str().unwrap()).to_owned();
    assert!(bundle.starts_with(home.state_dir().own()), "{data}");
    let files = unpacked(&home, &bundle).await;
    let doctor = files["doctor.json"].as_str().unwrap();
    assert!(
        doctor.contains("gateway.port") || doctor.contains("port"),
        "{doctor}"
    );
    assert!(!files.to_string().contains(TOKEN));
}
