//! `openclaw migrate --from`: another home is only read, and nobody works in it afterwards.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use openclaw_testkit::TestHome;
use serde_json::{Value, json};

use crate::OPENCLAW;

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

async fn migrate(home: &TestHome, from: &Path, code: i32) -> Value {
    let ran = home
        .command(OPENCLAW)
        .args(["migrate", "--json", "--from"])
        .arg(from);
    ran.run().await.assert_code(code).json()
}

fn area<'a>(report: &'a Value, name: &str) -> &'a Value {
    let areas = report["data"]["areas"].as_array().unwrap();
    areas.iter().find(|area| area["area"] == name).unwrap()
}

#[tokio::test]
async fn a_copied_config_names_the_copies() {
    let (home, old) = (TestHome::new(), tempfile::tempdir().unwrap());
    let from = old.path().join("somewhere");
    let gone = "/nowhere/else/.openclaw/workspace-b";
    let config = format!(
        "{{\n  // the agents\n  agents: {{ ownership: 'explicit', entries: {{ a: {{ workspace: {:?} }}, b: {{ workspace: {gone:?} }}, c: {{ workspace: '/srv/c' }} }} }},\n}}\n",
        from.join("workspace")
    );
    put(&from, "openclaw.json", &config);
    put(&from, "workspace/SOUL.md", "a soul");
    put(&from, "workspace-b/SOUL.md", "another");
    put(&from, "skills/s/run.sh", "echo x\n");
    let script = from.join("skills/s/run.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", from.join("workspace/link")).unwrap();

    let report = migrate(&home, &from, 0).await;
    let root = home.state_dir().root().to_owned();
    let written = fs::read_to_string(root.join("openclaw.json")).unwrap();
    assert!(written.contains("// the agents"), "{written}");
    for here in ["workspace", "workspace-b"] {
        let path = root.join(here);
        assert!(written.contains(&format!("{path:?}")), "{written}");
        assert!(path.join("SOUL.md").is_file(), "{path:?}");
    }
    assert!(
        written.contains("/srv/c") && !written.contains("somewhere"),
        "{written}"
    );
    assert_eq!(
        fs::read_to_string(root.join("workspace/SOUL.md")).unwrap(),
        "a soul"
    );
    let mode = fs::metadata(root.join("skills/s/run.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(!root.join("workspace/link").exists());
    assert!(
        area(&report, "workspace")["left"]
            .to_string()
            .contains("link")
    );
    assert_eq!(
        fs::read_to_string(from.join("openclaw.json")).unwrap(),
        config
    );

    let again = migrate(&home, &from, 0).await;
    assert_eq!(area(&again, "skills")["taken"]["copied"], json!(0));
}

#[tokio::test]
async fn a_folder_that_is_no_home_is_refused() {
    let (home, other) = (TestHome::new(), tempfile::tempdir().unwrap());
    put(other.path(), "notes.txt", "x");
    let refused = migrate(&home, other.path(), 3).await;
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no state directory")
    );
}
