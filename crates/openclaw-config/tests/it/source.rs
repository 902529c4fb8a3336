//! A config's files become one document, with the place of everything and no secret in a problem.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use openclaw_config::source::{self, Source};
use openclaw_config::{KeyPath, Problem};
use openclaw_core::env::Env;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with a config in it.
struct Home(TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.write("openclaw.json", config)
    }

    fn write(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn env(&self, more: &[(&str, &str)]) -> Env {
        let home = self.path("");
        let own = [("HOME", home.to_str().unwrap())];
        own.into_iter().chain(more.iter().copied()).collect()
    }

    fn read_with(&self, env: &[(&str, &str)]) -> Result<Source, Vec<Problem>> {
        source::read(&self.path("openclaw.json"), &self.env(env))
    }

    fn read(&self) -> Source {
        self.read_with(&[]).unwrap()
    }

    fn value(&self) -> Value {
        self.read().value
    }

    /// What is wrong, with the directory's own name left out.
    fn problems(&self) -> Vec<String> {
        let problems = self.read_with(&[]).unwrap_err();
        let own = self.path("");
        let own = own.to_str().unwrap().trim_end_matches('/');
        problems
            .iter()
            .map(|problem| problem.to_string().replace(own, "~"))
            .collect()
    }
}

fn path(dotted: &str) -> KeyPath {
    dotted.split('.').filter(|key| !key.is_empty()).collect()
}

fn place(source: &Source, at: &str) -> String {
    let place = source.place(&path(at)).unwrap();
    let file = place.file.file_name().unwrap().to_str().unwrap();
    format!("{file}:{}:{}", place.line, place.column)
}

#[test]
fn a_missing_file_is_an_empty_document() {
    let home = Home(tempfile::tempdir().unwrap());
    let source = home.read();
    assert_eq!(
        (source.exists(), &source.value, source.place(&path("a"))),
        (false, &json!({}), None)
    );
}

#[test]
fn includes_merge_as_openclaw_does_it() {
    let home = Home::new(
        "{ $include: ['a.json5', 'sub/b.json5'], list: [3], one: {c: 3}, gateway: {$include: 'g.json5'},\n\
           x: {$include: ['l1.json5', 'l2.json5']} }",
    )
    .write("a.json5", "{ list: [1], one: {a: 1, b: 1, __proto__: {x: 1}}, kept: 'a', both: [1] }")
    .write("sub/b.json5", "{ list: [2], one: {b: 2}, both: {a: 1}, inner: {$include: './c.json5', d: 2} }")
    .write("sub/c.json5", "{ c: 1, d: 1 }")
    .write("g.json5", "{ port: 1, constructor: 2 }")
    .write("l1.json5", "[1]")
    .write("l2.json5", "[2]");
    assert_eq!(
        home.value(),
        json!({
            "list": [1, 2, 3],
            "one": {"a": 1, "b": 2, "c": 3},
            "kept": "a",
            "both": {"a": 1},
            "inner": {"c": 1, "d": 2},
            "gateway": {"port": 1},
            "x": [1, 2],
        })
    );
}

#[test]
fn a_file_alone_may_be_anything_and_keeps_every_key() {
    let home = Home::new("{ a: {$include: 'a.json5'}, b: [{$include: 'b.json5'}] }")
        .write("a.json5", "{ constructor: 1 }")
        .write("b.json5", "'text'");
    assert_eq!(
        home.value(),
        json!({"a": {"constructor": 1}, "b": ["text"]})
    );
}

#[test]
fn what_javascript_takes_for_a_prototype_says_nothing() {
    let home = Home::new("{ __proto__: {a: 1}, b: [{'__proto__': 1}], c: {constructor: 2} }");
    assert_eq!(home.value(), json!({"b": [{}], "c": {"constructor": 2}}));
}

#[test]
fn every_value_has_its_place_in_its_file() {
    let home = Home::new("{\n  $include: 'a.json5',\n  gateway: {\n    port: 1 },\n}").write(
        "a.json5",
        "{\n\n  gateway: { port: 2, bind: 'lan' }, list: [\n 1, 2] }",
    );
    let source = home.read();
    assert_eq!(
        [
            "",
            "gateway",
            "gateway.port",
            "gateway.bind",
            "gateway.bind.x",
            "list.1",
            "nowhere"
        ]
        .map(|at| place(&source, at)),
        [
            "openclaw.json:1:1",
            "openclaw.json:3:3",
            "openclaw.json:4:5",
            "a.json5:3:23",
            "a.json5:3:23",
            "a.json5:4:5",
            "openclaw.json:1:1"
        ]
    );
    assert_eq!(
        source.files[..2],
        [home.path("openclaw.json"), home.path("a.json5")]
    );
}

#[test]
fn everything_that_is_wrong_with_includes_is_said_at_once() {
    let home = Home::new(
        "{\n a: {$include: 'missing.json5'},\n b: {$include: '../out.json5'},\n c: {$include: 1},\n \
           d: {$include: ['e.json5', {}]},\n f: {$include: 'list.json5', g: 1},\n h: {$include: 'bad.json5'},\n \
           i: {$include: 'dir'},\n j: {$include: 'loop.json5'},\n k: {$include: ''} }",
    )
    .write("e.json5", "{}")
    .write("list.json5", "[]")
    .write("bad.json5", "{\n  x }")
    .write("dir/x", "");
    symlink(home.path("loop.json5"), home.path("loop.json5")).unwrap();
    assert_eq!(
        home.problems(),
        [
            "~/openclaw.json:2:6: a.$include: cannot include `missing.json5`: there is no such file",
            "~/openclaw.json:3:6: b.$include: `../out.json5` lies outside of `~/`; OPENCLAW_INCLUDE_ROOTS names further ones"
                .replace("`~/`", &format!("`{}`", "~/".trim_end_matches('/')))
                .as_str(),
            "~/openclaw.json:4:6: c.$include: `$include` takes a path or a list of paths, and here is a number",
            "~/openclaw.json:5:6: d.$include: `$include` takes a path or a list of paths, and here is an object",
            "~/openclaw.json:6:6: f.$include: what is included is no object, so that nothing can stand beside it",
            "~/bad.json5:2:5: h.$include: `bad.json5`: JSON5: invalid character '}' at 2:5",
            "~/openclaw.json:8:6: i.$include: cannot include `dir`: it is a directory, not a file",
            "~/openclaw.json:9:6: j.$include: cannot include `loop.json5`: its symbolic links lead in a circle",
            "~/openclaw.json:10:6: k.$include: cannot include ``: it is a directory, not a file",
        ]
    );
}

#[test]
fn circles_and_long_chains_are_named() {
    let home = Home::new("{ $include: 'a.json5' }")
        .write("a.json5", "{ x: { $include: 'b.json5' } }")
        .write("b.json5", "{ $include: ['sub/../a.json5'] }");
    assert_eq!(
        home.problems(),
        [
            "~/b.json5:1:3: x.$include: files include each other in a circle: \
          ~/openclaw.json -> ~/a.json5 -> ~/b.json5 -> ~/a.json5"
        ]
    );
    let mut home = Home::new("{ $include: '1.json5' }");
    for n in 1..=10 {
        home = home.write(
            &format!("{n}.json5"),
            &format!("{{ a{n}: 1, $include: '{}.json5' }}", n + 1),
        );
    }
    assert_eq!(
        home.problems(),
        ["~/10.json5:1:11: $include: `11.json5` is more than 10 includes deep"]
    );
    let home = home.write("10.json5", "{ a10: 1 }");
    assert_eq!(home.value()["a10"], 1);
}

#[test]
fn a_file_that_includes_itself_many_times_over_ends() {
    let mut home = Home::new("{ $include: ['1.json5', '1.json5', '1.json5', '1.json5'] }");
    for n in 1..10 {
        let next = format!("'{}.json5'", n + 1);
        let list = [next.as_str(); 8].join(",");
        home = home.write(&format!("{n}.json5"), &format!("{{ $include: [{list}] }}"));
    }
    let home = home.write("10.json5", "{}");
    let problems = home.problems();
    assert!(
        problems[0].contains("at most 1000 files"),
        "{}",
        problems[0]
    );
}

#[test]
fn symbolic_links_stay_inside_and_roots_open_more() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().canonicalize().unwrap().join("x.json5");
    fs::write(&target, "{ x: 1 }").unwrap();
    let home = Home::new("{ $include: 'link.json5' }");
    symlink(&target, home.path("link.json5")).unwrap();
    let problems = home.problems();
    assert!(
        problems[0].contains("`link.json5` leads by a symbolic link outside of"),
        "{}",
        problems[0]
    );
    let root = outside.path().to_str().unwrap();
    let roots = format!(" , {root}: {root} ,").replace(',', ":");
    let source = home
        .read_with(&[("OPENCLAW_INCLUDE_ROOTS", &roots)])
        .unwrap();
    assert_eq!(source.value, json!({"x": 1}));
    assert!(source.files.contains(&home.path("link.json5")) && source.files.contains(&target));
    let home = home.write(
        "openclaw.json",
        &format!("{{ $include: '{}' }}", target.display()),
    );
    assert!(home.read_with(&[]).is_err());
    assert!(home.read_with(&[("OPENCLAW_INCLUDE_ROOTS", root)]).is_ok());
}

#[test]
fn a_second_name_or_too_many_bytes_are_not_included() {
    let home = Home::new("{ a: {$include: 'a.json5'}, b: {$include: 'b.json5'} }")
        .write("a.json5", "{}")
        .write("b.json5", &format!("{{ x: '{}' }}", "x".repeat(2_097_152)));
    fs::hard_link(home.path("a.json5"), home.path("other.json5")).unwrap();
    assert_eq!(
        home.problems(),
        [
            "~/openclaw.json:1:7: a.$include: cannot include `a.json5`: it has a second name (a hard link)",
            "~/openclaw.json:1:33: b.$include: cannot include `b.json5`: it has more than 2097152 bytes"
        ]
    );
}

#[test]
fn what_is_no_file_is_named_and_never_waited_for() {
    let said = |make: &dyn Fn(&Path)| {
        let home = Home(tempfile::tempdir().unwrap());
        make(&home.path("openclaw.json"));
        home.problems().remove(0)
    };
    let read = |what: &str| format!("cannot read the config `~/openclaw.json`: {what}");
    assert_eq!(
        said(&|path| fs::create_dir(path).unwrap()),
        read("it is a directory, not a file")
    );
    assert_eq!(
        said(&|path| symlink(path, path).unwrap()),
        read("its symbolic links lead in a circle")
    );
    let fifo = |path: &Path| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    assert_eq!(said(&fifo), read("it is a pipe, not a file"));
    assert_eq!(
        said(&|path| symlink("/dev/zero", path).unwrap()),
        read("it is a device, not a file")
    );
    assert_eq!(
        said(&|path| {
            let _listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        }),
        read("it is a socket, not a file")
    );
    let sparse = |path: &Path| fs::File::create(path).unwrap().set_len(50_000_000).unwrap();
    assert_eq!(said(&sparse), read("it has more than 10000000 bytes"));
    if !rustix::process::geteuid().is_root() {
        let unreadable = |path: &Path| {
            fs::write(path, "{}").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        };
        assert_eq!(said(&unreadable), read("this user may not read it"));
    }
}

#[test]
fn mistakes_in_the_syntax_have_a_place() {
    assert_eq!(
        Home::new("{\n  a: 1,\n  b\n}").problems(),
        ["~/openclaw.json:4:1: JSON5: invalid character '}' at 4:1"]
    );
    assert_eq!(
        Home::new("").problems(),
        ["~/openclaw.json:1:1: JSON5: invalid end of input at 1:1"]
    );
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_told() {
    let home = Home(tempfile::tempdir().unwrap());
    fs::write(home.path("openclaw.json"), b"{ a: '\xff' }").unwrap();
    let source = home.read();
    assert_eq!(source.value, json!({"a": "\u{fffd}"}));
    assert!(source.warnings[0].message.contains("not UTF-8"));
}

#[test]
fn variables_are_filled_in_and_missing_ones_are_warnings() {
    let home = Home::new(
        "{\n  a: '${KEY}/x', b: [\n    '${NONE}', '$${KEY}'],\n  env: { FROM_CONFIG: 'c', KEY: 'no' }, c: '${FROM_CONFIG}',\n  n: Infinity }",
    );
    let source = home
        .read_with(&[("KEY", "secret-value"), ("HIDDEN", "never-shown")])
        .unwrap();
    assert_eq!(
        source.value,
        json!({
            "a": "secret-value/x",
            "b": ["${NONE}", "${KEY}"],
            "env": {"FROM_CONFIG": "c", "KEY": "no"},
            "c": "c",
            "n": null,
        })
    );
    assert_eq!(source.written()["a"], "${KEY}/x");
    assert_eq!(source.env().get("FROM_CONFIG"), Some("c"));
    let non_finite = &source.non_finite()[0];
    assert_eq!(
        (non_finite.path.to_string(), non_finite.number),
        ("n".to_owned(), f64::INFINITY)
    );
    let [warning] = source.warnings.as_slice() else {
        panic!("{:?}", source.warnings)
    };
    assert_eq!(
        (
            warning.path.to_string(),
            warning.message.as_str(),
            place(&source, "b.0")
        ),
        (
            "b.0".to_owned(),
            "Missing env var \"NONE\": what uses this value is unavailable",
            "openclaw.json:3:5".to_owned()
        )
    );
}

#[test]
fn problems_carry_places_and_no_secrets() {
    let home = Home::new("{\n  token: '${KEY}' }");
    let source = home.read_with(&[("KEY", "secret-value")]).unwrap();
    let problem = Problem {
        allowed: vec!["not secret-value".to_owned()],
        ..Problem::new(path("token"), "expected a number, found `secret-value`")
    };
    let problem = source.locate(problem);
    assert_eq!(problem.message, "expected a number, found `${KEY}`");
    assert_eq!(problem.allowed, ["not ${KEY}"]);
    assert_eq!(problem.place.map(|at| (at.line, at.column)), Some((2, 3)));
}

#[test]
fn env_files_never_override_and_the_first_one_wins() {
    let home = Home::new("{}")
        .write(
            ".env",
            "SET=state\nGIVEN=state\nEMPTY=state\nOPENAI_API_KEY=state\n",
        )
        .write(
            "work/.env",
            "SET=work\nONLY=work\nOPENAI_API_KEY=work\nMY_BASE_URL=work\n",
        )
        .write(
            "user/.config/openclaw/gateway.env",
            "SET=gateway\nLAST=gateway\n",
        );
    let work = home.path("work");
    let user = home.path("user");
    let dir = home.path("");
    let config = home.path("openclaw.json");
    let env = |more: &[(&str, &str)]| -> Env {
        let own = [
            ("PWD", work.to_str().unwrap()),
            ("HOME", user.to_str().unwrap()),
            ("GIVEN", "given"),
            ("EMPTY", ""),
        ];
        own.into_iter().chain(more.iter().copied()).collect()
    };
    let read = |env: &Env| {
        let source = source::read(&config, env).unwrap();
        let names = [
            "SET",
            "ONLY",
            "GIVEN",
            "EMPTY",
            "OPENAI_API_KEY",
            "MY_BASE_URL",
            "LAST",
        ];
        names.map(|name| source.env().get(name).map(str::to_owned))
    };
    let expected = |values: [Option<&str>; 7]| values.map(|value| value.map(str::to_owned));
    let flagged = [
        Some("work"),
        Some("work"),
        Some("given"),
        None,
        Some("state"),
        None,
        None,
    ];
    assert_eq!(read(&env(&[])), expected(flagged));
    let by_variable = env(&[("OPENCLAW_CONFIG_PATH", config.to_str().unwrap())]);
    let mut with_gateway = flagged;
    with_gateway[6] = Some("gateway");
    assert_eq!(read(&by_variable), expected(with_gateway));
    let by_state = env(&[
        ("OPENCLAW_CONFIG_PATH", config.to_str().unwrap()),
        ("OPENCLAW_STATE_DIR", dir.to_str().unwrap()),
    ]);
    assert_eq!(read(&by_state), expected(flagged));
}

#[test]
fn an_env_file_that_cannot_be_read_is_a_warning() {
    let home = Home::new("{}").write(".env/x", "");
    let warnings = home.read().warnings;
    assert!(
        warnings[0]
            .message
            .ends_with("is not read: it is a directory, not a file")
    );
}

#[test]
fn nesting_counts_over_all_files() {
    let deep = |inner: &str| format!("{}{inner}{}", "{a:".repeat(300), "}".repeat(300));
    let home = Home::new(&deep("{$include: 'x.json5'}")).write("x.json5", &deep("1"));
    let problems = home.problems();
    assert!(
        problems[0].contains("more than 512 levels of nesting"),
        "{}",
        problems[0]
    );
}
