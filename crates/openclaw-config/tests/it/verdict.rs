//! Every recorded config gets the verdict that OpenClaw gave it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use openclaw_config::rules::{self, Standing, Surroundings, Verdict};
use openclaw_config::{Problem, source};
use openclaw_core::env::Env;
use openclaw_testkit::shared;
use serde_json::Value;

/// A home that nothing is in, as when the verdicts were recorded.
const HOME: &str = "/home/nobody";

/// How many files agreed, and which did not.
#[derive(Default)]
struct Tally {
    files: usize,
    problems: usize,
    different: Vec<String>,
}

impl Tally {
    #[expect(
        clippy::print_stdout,
        reason = "the figures are what the comparison is for"
    )]
    fn print(&self, what: &str) {
        let agreed = self.files - self.different.len();
        println!("{what}: {agreed} of {}", self.files);
        println!(
            "  paths of problems as recorded: {} of {}",
            self.problems, self.files
        );
        for different in &self.different {
            println!("  {different}");
        }
    }

    fn add(&mut self, file: &Path, recorded: &Recorded, verdict: &Verdict) {
        self.files += 1;
        let (problems, warnings) = (paths(&verdict.problems), paths(&verdict.warnings));
        self.problems += usize::from(problems == recorded.problems);
        let same = recorded
            .warnings
            .as_ref()
            .is_none_or(|recorded| *recorded == warnings);
        if verdict.is_valid() != recorded.valid || !same {
            let found: Vec<String> = verdict.problems.iter().map(ToString::to_string).collect();
            self.different.push(format!(
                "{}: recorded valid {} with warnings {:?}; found {found:?}, warnings {warnings:?}",
                file.display(),
                recorded.valid,
                recorded.warnings,
            ));
        }
    }
}

/// What OpenClaw said.
struct Recorded {
    valid: bool,
    problems: BTreeSet<String>,
    warnings: Option<BTreeSet<String>>,
}

impl Recorded {
    fn read(verdict: &Value, valid: &str) -> Self {
        Self {
            valid: verdict[valid].as_bool().unwrap(),
            problems: recorded_paths(&verdict["issues"]).unwrap_or_default(),
            warnings: recorded_paths(&verdict["warnings"]),
        }
    }
}

fn recorded_paths(problems: &Value) -> Option<BTreeSet<String>> {
    let problems = problems.as_array()?.iter();
    let path = |problem: &Value| problem["path"].as_str().unwrap().replace("<root>", "");
    Some(problems.map(path).collect())
}

fn paths(problems: &[Problem]) -> BTreeSet<String> {
    problems
        .iter()
        .map(|problem| problem.path.to_string())
        .collect()
}

fn verdict(file: &Path) -> Verdict {
    let env: Env = [("HOME", HOME)].into_iter().collect();
    let source = match source::read(file, &env) {
        Ok(source) => source,
        Err(problems) => {
            let warnings = Vec::new();
            return Verdict { problems, warnings };
        }
    };
    let home = Surroundings::new(HOME, format!("{HOME}/.openclaw"));
    let home = home.looking_with(|_| Standing::Nothing);
    let mut verdict = rules::judge(&source.value, &home);
    verdict.warnings.extend(source.warnings);
    verdict
}

fn compat(test: &str, folder: &str) -> Option<PathBuf> {
    let dir = shared::shared_dir().map(|dir| dir.join("compat").join(folder));
    let dir = dir.filter(|dir| dir.is_dir());
    if dir.is_none() {
        shared::skip_note(test, "no recorded configs");
    }
    dir
}

fn manifest(dir: &Path) -> Vec<Value> {
    let text = fs::read(dir.join("MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    manifest["configs"].as_array().unwrap().clone()
}

#[test]
fn configs_of_the_same_release_get_the_recorded_verdict() {
    let Some(dir) = compat("verdict", "configs-2026.9") else {
        return;
    };
    let mut tally = Tally::default();
    for config in manifest(&dir) {
        let file = dir.join(config["file"].as_str().unwrap());
        tally.add(&file, &Recorded::read(&config, "valid"), &verdict(&file));
    }
    tally.print("verdicts of configs-2026.9 as recorded");
    assert_eq!(tally.different, [""; 0]);
}

#[test]
fn broken_configs_get_the_recorded_verdict() {
    let Some(dir) = compat("verdict", "configs-broken") else {
        return;
    };
    let mut tally = Tally::default();
    for line in fs::read_to_string(dir.join("VERDICTS.tsv"))
        .unwrap()
        .lines()
    {
        let mut columns = line.splitn(3, '\t');
        let file = dir.join(columns.next().unwrap());
        let recorded: Value = serde_json::from_str(columns.nth(1).unwrap()).unwrap();
        tally.add(&file, &Recorded::read(&recorded, "valid"), &verdict(&file));
    }
    tally.print("verdicts of configs-broken as recorded");
    assert_eq!(tally.different, [""; 0]);
}

#[test]
fn configs_of_an_earlier_release_get_the_recorded_verdict() {
    let Some(dir) = compat("verdict", "configs-2026.2") else {
        return;
    };
    let mut tally = Tally::default();
    for config in manifest(&dir) {
        let file = dir.join(config["file"].as_str().unwrap());
        let recorded = Recorded::read(&config, "validOn_2026_9_6");
        tally.add(&file, &recorded, &verdict(&file));
    }
    tally.print("verdicts of configs-2026.2 as recorded");
    assert_eq!(tally.different, [""; 0]);
}
