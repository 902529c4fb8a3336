//! What came out of a program, and the search for secrets in it.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The files that are there to hold secrets: the config with its copies, and the secret file.
const KEEPERS: [&str; 2] = ["openclaw.json", "secret.txt"];

/// Everything that came out, with where it came from.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    pub(super) fn add(&mut self, from: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((from.into(), bytes.into()));
    }

    pub(super) fn add_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name().into_string().unwrap();
            if kind.is_dir() {
                self.add_folder(&path);
            } else if kind.is_file() && !KEEPERS.iter().any(|keeper| name.starts_with(keeper)) {
                self.add(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }

    /// Leaves out what came from somewhere below a folder.
    pub(super) fn leave_out(&mut self, folder: &Path) {
        self.0
            .retain(|(from, _)| !Path::new(from).starts_with(folder));
    }

    /// Tells whether a text is anywhere.
    pub(super) fn has(&self, text: &str) -> bool {
        let mut all = self.0.iter();
        all.any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text))
    }

    /// Fails if one of the secrets is anywhere, in any of the forms that it may have been put into.
    #[track_caller]
    pub(super) fn assert_without(&self, secrets: &[String]) {
        let needles: Vec<(&str, String)> = secrets
            .iter()
            .flat_map(|secret| {
                forms(secret)
                    .into_iter()
                    .map(|form| (secret.as_str(), form))
            })
            .collect();
        let mut found = Vec::new();
        for (from, bytes) in &self.0 {
            let text = String::from_utf8_lossy(bytes);
            for (secret, form) in &needles {
                if let Some(at) = text.find(form) {
                    let from_byte = text.floor_char_boundary(at.saturating_sub(200));
                    let to_byte = text.ceil_char_boundary(at + form.len() + 60);
                    let around = text.get(from_byte..to_byte).unwrap();
                    found.push(format!("{secret} in {from}: {around}"));
                }
            }
        }
        let times = found.len();
        assert!(found.is_empty(), "{times} times:\n{}", found.join("\n"));
    }
}

fn forms(canary: &str) -> Vec<String> {
    let json = json!(canary).to_string();
    let percent: String = canary
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut forms = vec![
        canary.to_owned(),
        json.trim_matches('"').to_owned(),
        percent,
    ];
    for lead in ["", "x", "xx"] {
        for written in [canary, json.trim_matches('"')] {
            let text = STANDARD.encode(format!("{lead}{written}"));
            forms.push(text.get(4..text.len() - 4).unwrap().to_owned());
        }
    }
    forms
}
