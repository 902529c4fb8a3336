//! A config is changed as a whole or not at all, in the file that says what is changed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use openclaw_config::edit::{ConfigFile, Draft, SaveError, Saved};
use openclaw_config::{KeyPath, Problem};
use openclaw_core::Kind;
use openclaw_core::env::Env;
use serde_json::{Value, json};
use tempfile::TempDir;

const COMMENTED: &str = "// Mine.\n{\n  gateway: { port: 1 }, // the port\n  list: [1, 2],\n}\n";

fn path(dotted: &str) -> KeyPath {
    dotted.split('.').filter(|key| !key.is_empty()).collect()
}

struct Home(TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = home.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn config(&self) -> ConfigFile {
        ConfigFile::new(self.path("openclaw.json"), Env::default())
    }

    /// Every file and what it has.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(self.path(""))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

fn set(config: &ConfigFile, at: &str, value: &Value) -> Result<Saved, SaveError> {
    config.edit(|draft| draft.set(&path(at), value), |_| Ok(()))
}

fn unset(config: &ConfigFile, at: &str) -> Result<Saved, SaveError> {
    config.edit(|draft| draft.unset(&path(at)).map(|_| ()), |_| Ok(()))
}

#[test]
fn an_edit_changes_one_line_and_keeps_what_was_there() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    let config = home.path("openclaw.json");
    let saved = set(&home.config(), "gateway.port", &json!(2)).unwrap();
    assert_eq!(
        saved,
        Saved {
            files: vec![config],
            backups: vec![home.path("openclaw.json.bak")],
        }
    );
    assert_eq!(
        home.text("openclaw.json"),
        COMMENTED.replace("port: 1", "port: 2")
    );
    assert_eq!(home.text("openclaw.json.bak"), COMMENTED);
    for name in ["openclaw.json", "openclaw.json.bak"] {
        let mode = fs::metadata(home.path(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(home.files().len(), 2);
}

#[test]
fn five_copies_are_kept() {
    let home = Home::new(&[("openclaw.json", "{ n: 0 }")]);
    for n in 1..=7 {
        set(&home.config(), "n", &json!(n)).unwrap();
    }
    let names = ["", ".bak", ".bak.1", ".bak.2", ".bak.3", ".bak.4"];
    assert_eq!(
        names.map(|suffix| home.text(&format!("openclaw.json{suffix}"))),
        [7, 6, 5, 4, 3, 2].map(|n| format!("{{ n: {n} }}"))
    );
    assert_eq!(home.files().len(), names.len());
}

#[test]
fn what_comes_to_nothing_writes_nothing() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    let before = home.files();
    let nobody = |_: &_| panic!("there is nothing to judge");
    let saved = home
        .config()
        .edit(|draft| draft.set(&path("list.0"), &json!(1)), nobody);
    assert_eq!(saved.unwrap(), Saved::default());
    assert_eq!(unset(&home.config(), "nothing").unwrap(), Saved::default());
    assert_eq!(home.files(), before);
}

#[test]
fn a_refused_change_leaves_every_byte() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    let before = home.files();
    let config = home.config();
    let err = config
        .edit(
            |draft| draft.set(&path("gateway.port"), &json!("x")),
            |source| {
                assert_eq!(source.value["gateway"]["port"], "x");
                let problem = Problem::new(path("gateway.port"), "expected a number");
                Err(vec![source.locate(problem)])
            },
        )
        .unwrap_err();
    assert_eq!(err.kind(), Kind::Invalid);
    assert!(
        err.to_string()
            .ends_with(":3:14: gateway.port: expected a number"),
        "{err}"
    );
    let err = set(&config, "list.9", &json!(1)).unwrap_err();
    assert!(matches!(err, SaveError::Edit(_)), "{err}");
    let half = config.edit(
        |draft| {
            draft.set(&path("a"), &json!(1))?;
            draft.set(&path("list.x"), &json!(1))
        },
        |_| Ok(()),
    );
    assert!(half.is_err());
    assert_eq!(home.files(), before);
    let home = Home::new(&[("openclaw.json", "{ a: ")]);
    let err = set(&home.config(), "a", &json!(1)).unwrap_err();
    assert_eq!(
        (err.kind(), home.text("openclaw.json")),
        (Kind::Config, "{ a: ".to_owned())
    );
    fs::write(home.path("openclaw.json"), b"{ a: '\xff' }").unwrap();
    let err = set(&home.config(), "a", &json!(1)).unwrap_err();
    assert!(matches!(err, SaveError::NotText { .. }), "{err}");
}

#[test]
fn a_rehearsal_writes_nothing() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    let before = home.files();
    let draft: Draft = home
        .config()
        .rehearse(|draft| draft.set(&path("a"), &json!(1)), |_| Ok(()))
        .unwrap();
    assert_eq!(
        (
            draft.value()["a"].clone(),
            draft.source().value["a"].clone()
        ),
        (json!(1), json!(1))
    );
    assert_eq!(draft.text(), COMMENTED.replace("2],\n", "2],\n  a: 1,\n"));
    assert_eq!(home.files(), before);
}

#[test]
fn a_config_that_is_not_there_is_made() {
    let home = Home::new(&[]);
    let config = ConfigFile::new(home.path("new/dir/openclaw.json"), Env::default());
    let saved = set(&config, "gateway.port", &json!(1)).unwrap();
    assert_eq!(saved.backups, [""; 0].map(PathBuf::from));
    assert_eq!(
        home.text("new/dir/openclaw.json"),
        "{\n  \"gateway\": {\n    \"port\": 1\n  }\n}\n"
    );
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().mode() & 0o777;
    assert_eq!(
        (mode("new/dir"), mode("new/dir/openclaw.json")),
        (0o700, 0o600)
    );
}

#[test]
fn a_symbolic_link_stays_one() {
    let home = Home::new(&[("real/config.json5", COMMENTED)]);
    symlink("real/config.json5", home.path("openclaw.json")).unwrap();
    set(&home.config(), "gateway.port", &json!(2)).unwrap();
    assert!(
        fs::symlink_metadata(home.path("openclaw.json"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        home.text("real/config.json5"),
        COMMENTED.replace("port: 1", "port: 2")
    );
    assert_eq!(home.text("openclaw.json.bak"), COMMENTED);
    symlink("gone/new.json5", home.path("dangling.json")).unwrap();
    let config = ConfigFile::new(home.path("dangling.json"), Env::default());
    set(&config, "a", &json!(1)).unwrap();
    assert_eq!(home.text("gone/new.json5"), "{\n  \"a\": 1\n}\n");
}

#[test]
fn a_managed_config_is_not_touched() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    for variable in ["OPENCLAW_CONFIG_READONLY", "OPENCLAW_NIX_MODE"] {
        let config = ConfigFile::new(
            home.path("openclaw.json"),
            Env::from_iter([(variable, "1")]),
        );
        let err = set(&config, "a", &json!(1)).unwrap_err();
        assert!(
            err.to_string().contains(variable) && err.kind() == Kind::Denied,
            "{err}"
        );
    }
}

const INCLUDING: &str = "{\n  gateway: { $include: 'g.json5' },\n  logging: { $include: 'l.json5', level: 'info' },\n  list: [{ $include: 'e.json5' }],\n  both: { $include: ['a.json5', 'b.json5'] },\n  twice: { $include: 'b.json5' },\n}\n";

fn including() -> Home {
    Home::new(&[
        ("openclaw.json", INCLUDING),
        (
            "g.json5",
            "// Gateway.\n{ port: 1, auth: { $include: 'auth.json5' } }",
        ),
        ("auth.json5", "{ mode: 'token' }"),
        ("l.json5", "{ file: 'x', level: 'debug' }"),
        ("e.json5", "{ e: 1 }"),
        ("a.json5", "{ a: 1 }"),
        ("b.json5", "{ b: 1 }"),
    ])
}

#[test]
fn an_edit_goes_to_the_file_that_owns_the_path() {
    let home = including();
    let config = home.config();
    let saved = set(&config, "gateway.port", &json!(2)).unwrap();
    assert_eq!(
        (saved.files, saved.backups),
        (vec![home.path("g.json5")], vec![home.path("g.json5.bak")])
    );
    set(&config, "gateway.bind", &json!("lan")).unwrap();
    set(&config, "gateway.auth.mode", &json!("none")).unwrap();
    set(&config, "logging.level", &json!("warn")).unwrap();
    unset(&config, "gateway.port").unwrap();
    set(
        &config,
        "gateway",
        &json!({"bind": "loopback", "auth": {"mode": "none"}}),
    )
    .unwrap();
    assert_eq!(
        ["openclaw.json", "g.json5", "auth.json5", "l.json5"].map(|name| home.text(name)),
        [
            INCLUDING.replace("'info'", "'warn'").as_str(),
            "// Gateway.\n{ auth: { $include: 'auth.json5' }, bind: 'loopback' }",
            "{ mode: 'none' }",
            "{ file: 'x', level: 'debug' }",
        ]
    );
}

#[test]
fn what_no_single_edit_could_change_is_refused() {
    let home = including();
    let before = home.files();
    let config = home.config();
    let refused = |result: Result<Saved, SaveError>| match result {
        Err(SaveError::Included { path, file, reason }) => {
            let file = file.file_name().unwrap().to_str().unwrap().to_owned();
            format!("{path} {file}: {reason}")
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [
            refused(set(&config, "logging.file", &json!("y"))),
            refused(set(
                &config,
                "logging",
                &json!({"level": "info", "file": "y"})
            )),
            refused(set(&config, "list.0.e", &json!(2))),
            refused(set(&config, "list", &json!([]))),
            refused(set(&config, "both.a", &json!(2))),
            refused(set(&config, "twice.b", &json!(2))),
            refused(set(&config, "gateway", &json!(1))),
            refused(unset(&config, "gateway")),
            refused(unset(&config, "logging.level")),
        ],
        [
            "logging.file l.json5: with members beside the `$include`",
            "logging.file l.json5: with members beside the `$include`",
            "list.0.e e.json5: in an array",
            "list e.json5: in part",
            "both.a a.json5: among other files",
            "twice.b b.json5: which is included more than once",
            "gateway auth.json5: in part",
            "gateway g.json5: as a whole",
            "logging.level b.json5: which the edit would not change",
        ]
    );
    assert_eq!(home.files(), before);
}

#[test]
fn included_files_elsewhere_are_left_alone() {
    let other = Home::new(&[("x.json5", "{ a: 1 }")]);
    let home = Home::new(&[("openclaw.json", "{ x: { $include: 'x.json5' } }")]);
    symlink(other.path("x.json5"), home.path("x.json5")).unwrap();
    let root = other.path("");
    let env = Env::from_iter([("OPENCLAW_INCLUDE_ROOTS", root.to_str().unwrap())]);
    let config = ConfigFile::new(home.path("openclaw.json"), env);
    let err = set(&config, "x.a", &json!(2)).unwrap_err().to_string();
    assert!(err.contains("outside of the config's directory"), "{err}");
}

#[test]
fn reshaping_spreads_over_the_files() {
    let home = including();
    let config = home.config();
    config
        .edit(
            |draft| {
                let mut value = draft.value().clone();
                value["gateway"]["auth"]["mode"] = json!("none");
                value["gateway"]["port"] = json!(3);
                value["logging"]["level"] = json!("warn");
                value["new"] = json!(true);
                draft.reshape(&value)
            },
            |_| Ok(()),
        )
        .unwrap();
    assert_eq!(
        ["openclaw.json", "g.json5", "auth.json5"].map(|name| home.text(name)),
        [
            INCLUDING
                .replace("'info'", "'warn'")
                .replace("'b.json5' },\n}", "'b.json5' },\n  new: true,\n}")
                .as_str(),
            "// Gateway.\n{ port: 3, auth: { $include: 'auth.json5' } }",
            "{ mode: 'none' }",
        ]
    );
}

#[test]
fn an_include_can_be_set() {
    let home = including();
    set(&home.config(), "more.$include", &json!("a.json5")).unwrap();
    assert!(
        home.text("openclaw.json")
            .contains("  more: {\n    $include: 'a.json5',\n  },\n")
    );
    let err = set(&home.config(), "more.$include", &json!("gone.json5")).unwrap_err();
    assert!(matches!(err, SaveError::Refused(_)), "{err}");
}

#[test]
fn a_change_by_somebody_without_the_lock_is_not_lost() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    let err = home
        .config()
        .edit(
            |draft| draft.set(&path("gateway.port"), &json!(2)),
            |_| {
                fs::write(home.path("openclaw.json"), "{ theirs: 1 }").unwrap();
                Ok(())
            },
        )
        .unwrap_err();
    assert_eq!(err.kind(), Kind::Conflict);
    assert_eq!(home.text("openclaw.json"), "{ theirs: 1 }");
    assert_eq!(home.files().len(), 1);
}

#[test]
fn the_last_good_config_is_kept_as_it_was_read() {
    let home = Home::new(&[("openclaw.json", COMMENTED)]);
    let config = home.config();
    let source = openclaw_config::source::read(config.path(), &Env::default()).unwrap();
    fs::write(home.path("openclaw.json"), "broken").unwrap();
    config.keep_as_good(&source).unwrap();
    assert_eq!(config.last_good(), home.path("openclaw.json.last-good"));
    assert_eq!(home.text("openclaw.json.last-good"), COMMENTED);
}

#[test]
fn the_file_of_typescript_openclaw_is_edited_as_it_is_written() {
    let Some(shared) = openclaw_testkit::shared::shared_dir() else {
        openclaw_testkit::shared::skip_note("edit", "no shared data");
        return;
    };
    let recorded = shared.join("compat/home-2026.9/openclaw.json");
    let text = fs::read_to_string(recorded).unwrap();
    let home = Home::new(&[("openclaw.json", &text)]);
    let config = home.config();
    set(&config, "gateway.port", &json!(4321)).unwrap();
    let changed = home.text("openclaw.json");
    let differing = text.lines().zip(changed.lines()).filter(|(a, b)| a != b);
    assert_eq!(
        (differing.count(), text.lines().count()),
        (1, changed.lines().count()),
        "{changed}"
    );
    set(
        &config,
        "plugins.entries.more",
        &json!({"enabled": true, "list": ["a", "b"]}),
    )
    .unwrap();
    let changed = home.text("openclaw.json");
    let value: Value = serde_json::from_str(&changed).unwrap();
    // What it wrote is exactly what `JSON.stringify(value, null, 2)` prints.
    assert_eq!(
        changed,
        format!("{}\n", serde_json::to_string_pretty(&value).unwrap())
    );
    unset(&config, "plugins.entries.more").unwrap();
    set(
        &config,
        "gateway.port",
        &json!(serde_json::from_str::<Value>(&text).unwrap()["gateway"]["port"]),
    )
    .unwrap();
    assert_eq!(home.text("openclaw.json"), text);
}

#[test]
fn no_path_of_a_file_is_needed_to_name_it() {
    assert_eq!(
        ConfigFile::new("x.json", Env::default()).last_good(),
        Path::new("x.json.last-good")
    );
}
