//! Skills and workspace files: what the model is told, what it may read, and what `skills` says.

use std::fs;
use std::path::Path;

use openclaw_testkit::fake_provider::FakeCall;
use openclaw_testkit::shared::{shared_dir, skip_note};
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// The homes that releases of TypeScript OpenClaw have left, and the skills in them.
const RECORDED: [(&str, &[&str]); 2] = [
    ("home-2026.2", &["greet", "shared-note"]),
    (
        "home-2026.9",
        &["browser-automation", "canvas", "greet", "shared-note"],
    ),
];

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn skill(name: &str, more: &str) -> String {
    format!("---\nname: {name}\ndescription: What {name} is for\n{more}---\nThe body of {name}.\n")
}

/// Lets the agent answer one message and returns what the model was told above it.
async fn told(home: &TestHome, provider: &FakeProvider) -> String {
    provider.reply(Reply::text("done"));
    let ran = home
        .command(OPENCLAW)
        .args(["agent", "--message", "hello"])
        .run()
        .await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    provider.last_request().system.clone().unwrap()
}

async fn skills(home: &TestHome, args: &[&str], code: i32) -> Value {
    let ran = home
        .command(OPENCLAW)
        .arg("skills")
        .args(args)
        .arg("--json")
        .run()
        .await;
    ran.assert_code(code).json()
}

#[tokio::test]
async fn the_model_is_told_of_skills_and_of_the_workspace_in_order() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::Anthropic);
    let (state, workspace) = (home.state_dir().root().to_owned(), home.workspace());
    put(&state, "skills/managed/SKILL.md", &skill("managed", ""));
    let metadata = "metadata:\n  openclaw: { requires: { bins: [no-such-program] } }\n";
    put(
        &state,
        "skills/lacking/SKILL.md",
        &skill("lacking", metadata),
    );
    put(&workspace, "skills/own/SKILL.md", &skill("own", ""));
    put(&workspace, "skills/broken/SKILL.md", "---\nname: [\n---\n");
    for name in [
        "AGENTS.md",
        "SOUL.md",
        "TOOLS.md",
        "USER.md",
        "IDENTITY.md",
        "MEMORY.md",
    ] {
        put(&workspace, name, &format!("Text of {name}."));
    }
    let system = told(&home, &provider).await;
    let list = system.split("<available_skills>").nth(1).unwrap();
    let list = list.split("</available_skills>").next().unwrap();
    let managed = fs::canonicalize(&state)
        .unwrap()
        .join("skills/managed/SKILL.md");
    assert!(list.contains(&format!(
        "    <name>managed</name>\n    <description>What managed is for</description>\n    <location>{}</location>\n",
        managed.display()
    )), "{list}");
    assert!(
        list.contains("<name>own</name>") && !list.contains("lacking"),
        "{list}"
    );
    let places: Vec<usize> = [
        "</available_skills>",
        "Text of AGENTS.md.",
        "Text of SOUL.md.",
        "Text of IDENTITY.md.",
        "Text of USER.md.",
        "Text of TOOLS.md.",
        "Text of MEMORY.md.",
    ]
    .iter()
    .map(|text| system.find(text).unwrap())
    .collect();
    assert!(places.is_sorted(), "{system}");
    assert!(!system.contains("The body of"), "{system}");

    // What is written between two turns is there in the next.
    put(&workspace, "SOUL.md", "Another manner.");
    fs::remove_dir_all(workspace.join("skills/own")).unwrap();
    let system = told(&home, &provider).await;
    assert!(system.contains("Another manner.") && !system.contains("<name>own</name>"));
    provider.assert_clean();
}

#[tokio::test]
async fn a_skill_is_read_where_it_lies_and_nothing_beside_it() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi);
    let state = home.state_dir().root().to_owned();
    put(&state, "skills/far/SKILL.md", &skill("far", ""));
    put(&state, "skills/far/scripts/run.sh", "echo far\n");
    put(&state, "skills/beside.txt", "secret");
    std::os::unix::fs::symlink("../beside.txt", state.join("skills/far/link")).unwrap();
    let folder = state.join("skills/far");
    let read = |path: &str| {
        let path = folder.join(path);
        FakeCall::new("read", &json!({ "path": path }))
    };
    let write = FakeCall::new(
        "write",
        &json!({ "path": folder.join("SKILL.md"), "content": "x" }),
    );
    let calls = [
        read("SKILL.md"),
        read("scripts/run.sh"),
        read("link"),
        read("../beside.txt"),
        write,
    ];
    provider
        .reply(Reply::tool_calls(calls))
        .reply(Reply::text("done"));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let created = gateway.rpc("session.create", json!({})).await.unwrap();
    let message = json!({ "sessionKey": created["sessionKey"], "content": "hello" });
    gateway.rpc("session.message", message).await.unwrap();
    let request = provider.last_request();
    let results: Vec<&str> = request
        .results()
        .iter()
        .map(|result| result.content.as_str())
        .collect();
    assert_eq!(results[0], skill("far", ""));
    assert_eq!(results[1], "echo far\n");
    for refused in &results[2..] {
        assert!(refused.contains("leads out of the workspace"), "{refused}");
    }
    assert!(!results.concat().contains("secret"));
    assert_eq!(
        fs::read_to_string(folder.join("SKILL.md")).unwrap(),
        skill("far", "")
    );
}

#[tokio::test]
async fn check_says_why_a_skill_is_not_offered() {
    let home = TestHome::new();
    let (state, workspace) = (home.state_dir().root().to_owned(), home.workspace());
    let lacking = "metadata: {\"openclaw\":{\"requires\":{\"bins\":[\"no-such-program\"]},\"install\":[{\"kind\":\"uv\",\"package\":\"nope\"}]}}\n";
    put(
        &state,
        "skills/lacking/SKILL.md",
        &skill("lacking", lacking),
    );
    put(&state, "skills/off/SKILL.md", &skill("off", ""));
    put(&workspace, "skills/on/SKILL.md", &skill("on", ""));
    put(
        &workspace,
        "skills/quiet/SKILL.md",
        &skill("quiet", "disable-model-invocation: true\n"),
    );
    put(
        &workspace,
        "skills/broken/SKILL.md",
        "---\nname: a\nname: b\n---\n",
    );
    home.write_config("{ skills: { entries: { off: { enabled: false } } } }");

    let check = skills(&home, &["check"], 0).await;
    assert_eq!(check["summary"]["total"], 4);
    assert_eq!(check["modelVisible"], json!(["on"]));
    assert_eq!(check["disabled"], json!(["off"]));
    assert_eq!(
        check["notInjected"],
        json!([{ "name": "quiet", "reason": "disable-model-invocation" }])
    );
    let option = json!({ "id": "uv-0", "kind": "uv", "label": "Install nope (uv)", "bins": [] });
    let missing =
        json!({ "bins": ["no-such-program"], "anyBins": [], "env": [], "config": [], "os": [] });
    assert_eq!(
        check["missingRequirements"],
        json!([{ "name": "lacking", "missing": missing, "install": [option] }])
    );
    assert_eq!(check["broken"][0]["line"], 3);

    let text = home.command(OPENCLAW).args(["skills", "check"]).run().await;
    assert!(
        text.stdout.contains("missing bins: no-such-program"),
        "{}",
        text.stdout
    );
    assert!(
        text.stderr.contains("broken/SKILL.md:3:1: the key `name`"),
        "{}",
        text.stderr
    );

    let info = skills(&home, &["info", "Lacking"], 0).await;
    assert_eq!(
        (&info["name"], &info["eligible"]),
        (&json!("lacking"), &json!(false))
    );
    assert_eq!(info["source"], "openclaw-managed");
    let none = skills(&home, &["info", "none"], 1).await;
    assert_eq!(
        (&none["ok"], &none["skill"]),
        (&json!(false), &json!("none"))
    );
    let nobody = skills(&home, &["list", "--agent", "nobody"], 1).await;
    assert_eq!(nobody["error"]["type"], "cli_error");
}

#[tokio::test]
async fn a_new_workspace_has_first_files_and_a_used_one_keeps_its_own() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::Anthropic);
    let system = told(&home, &provider).await;
    let workspace = home.workspace();
    assert!(system.contains("## BOOTSTRAP.md") && workspace.join("AGENTS.md").is_file());
    fs::remove_file(workspace.join("BOOTSTRAP.md")).unwrap();
    put(&workspace, "SOUL.md", "mine");
    let system = told(&home, &provider).await;
    assert!(!system.contains("BOOTSTRAP.md") && system.contains("## SOUL.md\n\nmine"));
    assert!(!workspace.join("BOOTSTRAP.md").exists());
}

#[tokio::test]
async fn the_skills_and_files_of_recorded_homes_are_found() {
    let test = "the_skills_and_files_of_recorded_homes_are_found";
    let Some(shared) = shared_dir() else {
        return skip_note(test, "no shared folder");
    };
    for (name, expected) in RECORDED {
        let recorded = shared.join("compat").join(name);
        if !recorded.is_dir() {
            skip_note(test, name);
            continue;
        }
        let (home, provider) = (TestHome::new(), FakeProvider::start());
        home.use_provider(&provider, WireFormat::Anthropic);
        for folder in ["skills", "plugin-skills", "workspace"] {
            copy(
                &recorded.join(folder),
                &home.state_dir().root().join(folder),
            );
        }
        let list = skills(&home, &["list"], 0).await;
        let rows = list["skills"].as_array().unwrap();
        let names: Vec<&str> = rows
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{name}");
        let system = told(&home, &provider).await;
        assert!(system.contains("<name>greet</name>"), "{name}: {system}");
        let order = ["AGENTS", "SOUL", "IDENTITY", "USER"];
        let places: Vec<usize> = order
            .iter()
            .map(|file| system.find(&format!("\n\n## {file}.md\n\n")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{name}: {places:?}");
    }
}

/// Copies a folder, if it is there; what is recorded may be read-only.
fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else {
        return;
    };
    fs::create_dir_all(to).unwrap();
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_skills_script_can_be_run_and_not_changed() {
    let home = TestHome::new();
    let folder = home.state_dir().root().join("skills/counting");
    put(&folder, "SKILL.md", &skill("counting", ""));
    put(&folder, "count.sh", "echo one two three\n");
    let script = fs::canonicalize(folder.join("count.sh")).unwrap();
    let line = format!("sh {0}; echo gone > {0}", script.display());
    let call = FakeCall::new("exec", &json!({ "command": line }));
    let provider = FakeProvider::scripted([Reply::tool_calls([call]), Reply::text("counted")]);
    home.use_provider(&provider, WireFormat::Anthropic);
    let ran = home.command(OPENCLAW).args(["agent", "--message", "count"]);
    drop(ran.run().await.assert_code(0));
    let asked = provider.last_request();
    let result = format!("{:?}", asked.results());
    assert!(result.contains("one two three"), "{result}");
    assert!(result.contains("Read-only file system"), "{result}");
    assert_eq!(fs::read_to_string(&script).unwrap(), "echo one two three\n");
    provider.assert_clean();
}

#[tokio::test]
async fn a_command_that_puts_a_link_in_place_of_a_skill_sees_nothing_through_it() {
    let home = TestHome::new();
    let (state, workspace) = (home.state_dir().root().to_owned(), home.workspace());
    put(&workspace, "skills/own/SKILL.md", &skill("own", ""));
    put(&state, "skills/managed/SKILL.md", &skill("managed", ""));
    let host = home.path().join("host");
    put(&host, "far/SKILL.md", "---\ndescription: far\n---\n");
    put(&host, "far/secret", "the-secret");
    let exec = |line: String| FakeCall::new("exec", &json!({ "command": line }));
    let read = |path: &str| {
        let path = workspace.join("skills").join(path);
        FakeCall::new("read", &json!({ "path": path }))
    };
    let far = host.join("far");
    let swaps = [
        format!("mv skills/own own; ln -s {} skills/own", far.display()),
        format!("rm -r skills; ln -s {} skills", host.display()),
    ];
    let looks = |path: &str| {
        let looks = format!("cat skills/{path} {}/secret", far.display());
        [exec(looks), read(path)]
    };
    let provider = FakeProvider::start();
    for swap in swaps {
        let turn = [
            Reply::tool_calls([exec(swap)]),
            Reply::tool_calls(looks("own/secret")),
            Reply::tool_calls(looks("far/secret")),
            Reply::text("done"),
        ];
        for reply in turn {
            provider.reply(reply);
        }
    }
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let created = gateway.rpc("session.create", json!({})).await.unwrap();
    let message = json!({ "sessionKey": created["sessionKey"], "content": "look" });
    // What a turn has left is there when the skills are looked up for the next.
    for _ in 0..2 {
        gateway
            .rpc("session.message", message.clone())
            .await
            .unwrap();
    }
    assert!(workspace.join("skills/far/secret").exists());
    let asked = provider.last_request();
    let results = format!("{:?}", asked.results());
    assert!(results.contains("No such file or directory"), "{results}");
    assert!(results.contains("leads out of the workspace"), "{results}");
    assert!(!results.contains("the-secret"), "{results}");
    provider.assert_clean();
}
