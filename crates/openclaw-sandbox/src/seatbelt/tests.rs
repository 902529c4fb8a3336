//! Profiles as they are rendered; no Mac is needed for that.

use std::{
    ffi::{OsStr, OsString},
    fmt::Write as _,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::*;
use crate::{
    Limits,
    limits::Resource,
    seatbelt::profile::{Folders, Profile, render},
};

/// Paths that would leave a string, a rule or a line if they were part of the text.
const NASTY: [&str; 5] = [
    "/Users/o/a\"b",
    "/Users/o/c) (allow default",
    "/Users/o/d\ne\\",
    "/Users/o/f\u{e9}\u{1f980}",
    "/Users/o/../g #\"h\"",
];

fn patterns(workspaces: &[PathBuf], extra: &[PathBuf]) -> Patterns {
    let mut patterns = Patterns::default();
    for workspace in workspaces {
        patterns.add(workspace, |_| true, extra);
    }
    patterns
}

fn rendered(written: &[PathBuf], network: Network, extra: &[PathBuf]) -> Profile {
    let read = [PathBuf::from("/opt/tools")];
    let folders = Folders {
        written,
        read: &read,
    };
    render(folders, network, &patterns(written, extra))
}

/// The text and, as the system gets them, the parameters.
fn shown(profile: &Profile) -> String {
    let mut text = profile.text.clone();
    for (name, path) in &profile.parameters {
        writeln!(text, "-D {name}={path:?}").unwrap();
    }
    text
}

#[test]
fn at_level_strict_the_folders_are_parameters_and_there_is_no_network() {
    let written = NASTY.map(PathBuf::from);
    let read = [PathBuf::from("/opt/tools")];
    let folders = Folders {
        written: &written,
        read: &read,
    };
    // Those of the other workspaces differ in nothing but how they begin.
    let patterns = patterns(&written[..1], &["deploy/it's a \"key\"".into()]);
    insta::assert_snapshot!(shown(&render(folders, Network::Nothing, &patterns)));
    let beginning: Vec<String> = written
        .iter()
        .map(|workspace| {
            let mut patterns = Patterns::default();
            patterns.add(workspace, |_| true, &[]);
            let first = patterns.closed.into_iter().next().unwrap();
            first.split("([^/]+/)*").next().unwrap().to_owned()
        })
        .collect();
    insta::assert_snapshot!(beginning.join("\n"));
}

#[test]
fn at_level_relaxed_the_network_is_one_port_or_that_of_the_machine() {
    let added = |network| {
        let of = |network| rendered(&[], network, &[]).text;
        let without = of(Network::Nothing);
        let with = of(network);
        let lines = with
            .lines()
            .filter(|line| !without.lines().any(|known| known == *line));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        added(Network::Proxy(40_123)),
        [
            "(allow network-outbound",
            "  (remote tcp \"localhost:40123\"))"
        ]
    );
    insta::assert_snapshot!(added(Network::Host).join("\n"));
}

#[test]
fn a_run_without_a_folder_says_nothing_about_all_folders() {
    let profile = render(
        Folders {
            written: &[],
            read: &[],
        },
        Network::Nothing,
        &Patterns::default(),
    );
    assert!(!profile.text.contains("file-write*"));
    assert_eq!(profile.parameters, []);
}

#[test]
fn services_that_act_for_their_callers_are_in_no_list() {
    let profile = rendered(&[], Network::Nothing, &[]).text;
    for service in [
        "com.apple.SecurityServer",
        "com.apple.securityd",
        "com.apple.secd",
        "com.apple.trustd",
        "com.apple.coreservices",
        "com.apple.lsd",
        "com.apple.pasteboard",
        "com.apple.cfprefsd",
        "com.apple.dnssd",
        "com.apple.mDNSResponder",
        "com.apple.nsurlsessiond",
    ] {
        assert!(!profile.contains(service), "{service}");
    }
    assert!(!profile.contains("(allow mach-lookup)"));
}

/// Says which of the paths the patterns leave alone; the expressions mean the same to the `regex`
/// of the tests as to the system.
fn written(patterns: &[String], paths: &[&str]) -> Vec<String> {
    let set = patterns
        .iter()
        .map(|pattern| regex::bytes::Regex::new(&format!("(?-u){pattern}")).unwrap());
    let set: Vec<_> = set.collect();
    let free = paths
        .iter()
        .filter(|path| !set.iter().any(|pattern| pattern.is_match(path.as_bytes())));
    free.map(|path| (*path).to_owned()).collect()
}

#[test]
fn protected_paths_are_closed_in_every_spelling() {
    let workspace = [PathBuf::from("/Users/o/.openclaw/w\u{e9}rk 1")];
    let patterns = patterns(&workspace, &[PathBuf::from("deploy/ke\u{301}y")]);
    let base = "/Users/o/.openclaw/we\u{301}rk 1";
    let at = |path: &str| format!("{base}/{path}");
    let closed: Vec<String> = [
        ".envrc",
        ".ENVRC",
        "a/b/.EnvRc",
        ".v\u{17f}code/tasks.json",
        "sub/.vscode",
        ".bashrc",
        ".git/hooks/pre-commit",
        ".GIT/hoo\u{212a}\u{17f}/pre-commit",
        ".git/config",
        ".git/modules/a/b/config",
        ".openclaw/x",
        "deploy/k\u{e9}y/a",
        "HEAD",
    ]
    .map(at)
    .into();
    let closed: Vec<&str> = closed.iter().map(String::as_str).collect();
    assert_eq!(written(&patterns.closed, &closed), [""; 0]);
    let open: Vec<String> = [
        "src/main.rs",
        ".gitignore",
        ".git/index",
        ".git/refs/heads/config",
        "envrc",
        "dotfiles/.bashrc",
        "docs/HEAD",
        "deploy/other",
    ]
    .map(at)
    .into();
    let open: Vec<&str> = open.iter().map(String::as_str).collect();
    assert_eq!(written(&patterns.closed, &open), open);
    let fixed: Vec<String> = [".git", "deploy", ".GIT"].map(at).into();
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    assert_eq!(written(&patterns.fixed, &fixed), [""; 0]);
}

#[test]
fn a_repository_that_does_not_exist_may_be_made() {
    let mut patterns = Patterns::default();
    patterns.add(Path::new("/w"), |_| false, &[]);
    let paths = ["/w/.git/config", "/w/.git/hooks/pre-commit.sample"];
    assert_eq!(written(&patterns.closed, &paths), paths);
    assert_eq!(patterns.fixed, [""; 0]);
}

#[test]
fn the_shell_sets_every_limit_or_ends() {
    let config = SandboxConfig {
        max_cpu_time: Some(std::time::Duration::from_millis(2500)),
        ..SandboxConfig::default()
    };
    let limits = limits::of(&config, &Limits::default());
    let ceiling = |resource| match resource {
        Resource::Nofile => 256,
        _ => u64::MAX,
    };
    insta::assert_snapshot!(shell::script(&limits, ceiling, 7));
}

#[test]
fn a_run_begins_only_when_the_shell_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().canonicalize().unwrap();
    let command = Command::shell("true")
        .env("DYLD_INSERT_LIBRARIES", "/x")
        .env("A", "b");
    let config = SandboxConfig {
        level: SandboxLevel::Relaxed,
        network_access: true,
        ..SandboxConfig::default()
    };
    let workspaces = [workspace.clone()];
    let plan = Plan {
        config: &config,
        command: &command,
        workspaces: &workspaces,
        read_only: &[],
        toolchains: &[PathBuf::from("/opt/tools")],
        protected: &[],
        cwd: Some(&workspace),
        reach: &Reach::Proxy(Egress::new(|_, _| async {})),
    };
    let Prepared {
        program,
        process,
        mut means,
    } = prepare(&plan).unwrap();
    assert_eq!(
        (program, process.get_program()),
        (PROGRAM, OsStr::new(PROGRAM))
    );
    let (listener, _) = means.proxy.take().unwrap();
    let port = listener.local_addr().unwrap().port();
    // A limit on memory is asked for and not kept.
    assert_eq!(means.degraded, [Guard::Limits]);
    let arguments: Vec<&OsStr> = process.get_args().collect();
    assert_eq!(arguments[0], "-p");
    assert!(arguments.contains(&OsStr::new(&format!("WRITTEN_0={}", workspace.display()))));
    assert_eq!(arguments[arguments.len() - 3..], ["/bin/sh", "-c", "true"]);
    let variables: Vec<(&OsStr, &OsStr)> = process
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| *value)
    };
    assert_eq!(variable("DYLD_INSERT_LIBRARIES"), None);
    assert_eq!(variable("A"), Some(OsStr::new("b")));
    assert_eq!(
        variable("https_proxy"),
        Some(OsStr::new(&format!("http://127.0.0.1:{port}")))
    );
    let home = PathBuf::from(variable("HOME").unwrap());
    assert_eq!(variable("TMPDIR"), variable("HOME"));
    assert!(home.is_dir() && !home.starts_with(&workspace));

    // Its end of the pipe is closed without a word.
    drop(process);
    let err = means.check(b"sandbox-exec: no\n").unwrap_err();
    assert_eq!(
        err.to_string(),
        "the sandbox needs seatbelt: sandbox-exec: no"
    );
    drop(means);
    assert!(!home.exists());
}

#[test]
fn the_shell_closes_what_was_inherited_and_says_that_the_command_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        Command::shell("ulimit -n; ulimit -f; for d in /dev/fd/*; do echo ${d##*/}; done");
    command.limits = Limits {
        open_files: Some(64),
        file_size: Some(1024 * 1024),
        ..Limits::default()
    };
    let config = SandboxConfig {
        level: SandboxLevel::None,
        max_memory: None,
        ..SandboxConfig::default()
    };
    let plan = Plan {
        config: &config,
        command: &command,
        workspaces: &[],
        read_only: &[],
        toolchains: &[],
        protected: &[],
        cwd: Some(folder.path()),
        reach: &Reach::Nowhere,
    };
    let Prepared {
        mut process,
        mut means,
        ..
    } = prepare(&plan).unwrap();
    let inherited = File::open("/dev/null").unwrap();
    process.preserved_fds(vec![inherited.into()]);
    let output = process.output().unwrap();
    drop(process);
    means.check(&output.stderr).unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    // The shell that answers has one more descriptor: that of the list itself.
    assert_eq!(lines[..5], ["64", "2048", "0", "1", "2"], "{said}");
    assert_eq!(lines.len(), 6);
    assert_eq!(means.degraded, []);
}

#[test]
fn a_protected_path_that_is_a_symlink_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join(".vscode")).unwrap();
    let err = symlinks(folder.path(), &[]).unwrap_err();
    assert!(matches!(
        err,
        SandboxError::ProtectedPath {
            fault: ProtectionFault::Symlink,
            ..
        }
    ));
    fs::remove_file(folder.path().join(".vscode")).unwrap();
    symlinks(folder.path(), &[]).unwrap();
}

/// An expression of a profile, without what its strings say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Word(String),
    Text,
    Pattern,
    List(Vec<Self>),
}

/// Reads a profile as the system does: strings end at a quote that no backslash is before, and
/// expressions (`#"…"`) at any quote.
fn read(text: &str) -> Result<Vec<Shape>, String> {
    let mut open = vec![Vec::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let shape = match c {
            '(' => {
                open.push(Vec::new());
                continue;
            }
            ')' => Shape::List(open.pop().ok_or("closed too often")?),
            ';' => return Err("a comment".to_owned()),
            '"' => {
                loop {
                    match rest.next().ok_or("a string without an end")? {
                        '\\' => drop(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
                Shape::Text
            }
            '#' => {
                rest.next_if_eq(&'"').ok_or("a lone #")?;
                rest.by_ref().find(|c| *c == '"').ok_or("no end")?;
                Shape::Pattern
            }
            c if c.is_whitespace() => continue,
            c => {
                let mut word = c.to_string();
                while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !"()\";#".contains(*c)) {
                    word.push(c);
                }
                Shape::Word(word)
            }
        };
        open.last_mut().ok_or("closed too often")?.push(shape);
    }
    match open.pop() {
        Some(all) if open.is_empty() => Ok(all),
        _ => Err("not closed".to_owned()),
    }
}

/// Any path that an operating system has: all bytes but null, and mostly those that matter here.
fn path() -> impl Strategy<Value = PathBuf> {
    let byte = prop_oneof![
        4 => proptest::sample::select(b"\"\\()#;\n\r\t '`$|[]^.*+?{}/-kKsS\xc3\xe2\xff".as_slice()),
        1 => 1..=255_u8,
    ];
    proptest::collection::vec(byte, 1..40).prop_map(|bytes| {
        let mut path = OsString::from("/w/");
        path.push(OsStr::from_bytes(&bytes));
        PathBuf::from(path)
    })
}

proptest! {
    #[test]
    fn no_path_changes_what_a_profile_says(workspace in path(), extra in path()) {
        // What lies below the root has the same number of folders above it in both.
        prop_assume!(workspace.components().count() == 3);
        let within = PathBuf::from(OsStr::from_bytes(&extra.as_os_str().as_bytes()[3..]));
        prop_assume!(within.components().count() == 1 && within.file_name().is_some());
        let plain = rendered(&["/w/plain".into()], Network::Nothing, &["plain".into()]);
        let nasty = rendered(std::slice::from_ref(&workspace), Network::Nothing, &[within]);
        prop_assert_eq!(read(&nasty.text), read(&plain.text));
        prop_assert!(nasty.text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
        let parameter = nasty.parameters.iter().find(|(name, _)| name == "WRITTEN_0");
        prop_assert_eq!(parameter.map(|(_, path)| path.as_os_str()), Some(workspace.as_os_str()));
    }
}
