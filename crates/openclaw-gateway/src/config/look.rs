//! The config as its files are now, without its secrets.
//!
//! # Security
//! The text and everything that is made of it go through the same redaction as `openclaw config get`;
//! what that does not know by its place, the masking of known secrets takes out. The hash does not
//! let anybody try out secrets, because nobody has its key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use openclaw_config::change::ConfigPath;
use openclaw_config::document::Document;
use openclaw_config::redact::{REDACTED, may_hold_secret, redact};
use openclaw_config::rules::Verdict;
use openclaw_config::source::{self, Source};
use openclaw_config::{Judged, KeyPath, Place, Problem, effective, judge};
use openclaw_core::env::Env;
use openclaw_core::redaction::mask;
use openclaw_core::state_dir::StateDir;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What the hash of a config is keyed with: another one in each process, so that nobody can try out
/// what the files may say.
static KEY: LazyLock<Uuid> = LazyLock::new(Uuid::new_v4);

/// The config as its files are now.
#[derive(Debug)]
pub(crate) struct Look {
    /// The config file.
    pub(crate) file: PathBuf,
    /// Everything that is wrong with it.
    pub(crate) problems: Vec<Problem>,
    /// What its author should know.
    pub(crate) warnings: Vec<Problem>,
    /// The text of the config file; nothing where there is none.
    text: Option<String>,
    /// What the files say together; nothing where they cannot be read.
    source: Option<Source>,
}

impl Look {
    /// Looks at the files. Blocks on the file system.
    pub(crate) fn at(state: &StateDir, env: &Env) -> io::Result<Self> {
        let file = state.config_file().to_owned();
        let text = match fs::read(&file) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(err),
        };
        let (source, verdict) = match source::read(&file, env) {
            Ok(source) => {
                let verdict = judge(&source, state, Judged::AsItStands);
                (Some(source), verdict)
            }
            Err(problems) => {
                let verdict = Verdict {
                    problems,
                    warnings: Vec::new(),
                };
                (None, verdict)
            }
        };
        Ok(Self {
            file,
            problems: verdict.problems,
            warnings: verdict.warnings,
            text,
            source,
        })
    }

    /// Tells whether there is a config file.
    pub(crate) const fn exists(&self) -> bool {
        self.text.is_some()
    }

    /// Returns the files that the config includes.
    pub(crate) fn includes(&self) -> Vec<PathBuf> {
        let texts = self.source.iter().flat_map(Source::texts);
        texts.skip(1).map(|(file, _)| file.to_owned()).collect()
    }

    /// Names the config as it is now.
    pub(crate) fn hash(&self) -> String {
        match &self.source {
            Some(source) => hash(source),
            None => keyed([self.text.as_deref().unwrap_or_default()]),
        }
    }

    /// Returns what counts, with defaults and without secrets; nothing where the files cannot be
    /// read.
    pub(crate) fn effective(&self) -> Option<Value> {
        self.source.as_ref().map(effective::shown)
    }

    /// Returns what the files say together, as it is written and without secrets.
    pub(crate) fn written(&self) -> Option<Value> {
        self.source.as_ref().map(|source| redact(source.written()))
    }

    /// Returns what the files say together with variables filled in, without secrets.
    pub(crate) fn filled(&self) -> Option<Value> {
        self.source.as_ref().map(|source| redact(&source.value))
    }

    /// Returns what the config's own file says, without secrets.
    pub(crate) fn parsed(&self) -> Value {
        match self.document() {
            Some(document) => redact(&document.value()),
            None => json!({}),
        }
    }

    /// Returns the text of the config file without its secrets; nothing, where a comment may have
    /// one.
    pub(crate) fn shown_text(&self) -> Option<String> {
        let document = self.document()?;
        let value = document.value();
        shown_text(document, &value)
    }

    /// Returns where the values below a path stand, each by its path.
    pub(crate) fn places(&self, below: &[String]) -> BTreeMap<String, Place> {
        let mut places = BTreeMap::new();
        if let Some(source) = &self.source {
            collect(source.written(), &KeyPath::root(), &mut |path| {
                let segments = path.segments();
                let wanted = segments.starts_with(below) && !segments.is_empty();
                let typed = wanted
                    .then(|| ConfigPath::from_keys(segments).ok())
                    .flatten();
                if let (Some(typed), Some(place)) = (typed, source.place(path)) {
                    places.insert(typed.to_string(), place);
                }
            });
        }
        places
    }

    fn document(&self) -> Option<Document> {
        Document::parse(self.text.as_deref()?).ok()
    }
}

/// Names a config as it is now.
pub(crate) fn hash(source: &Source) -> String {
    keyed(source.texts().map(|(_, text)| text))
}

fn keyed<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new().chain_update(KEY.as_bytes());
    for text in texts {
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    let mut text = "keyed-sha256:".to_owned();
    for byte in digest.finalize() {
        let _infallible = write!(text, "{byte:02x}").is_ok();
    }
    text
}

/// Visits every value of a config.
fn collect(value: &Value, at: &KeyPath, visit: &mut dyn FnMut(&KeyPath)) {
    visit(at);
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                collect(value, &at.key(key), visit);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &at.index(index), visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shown_text(mut document: Document, value: &Value) -> Option<String> {
    let mut secrets = Vec::new();
    differing(value, &redact(value), &KeyPath::root(), &mut secrets);
    for (path, shown) in &secrets {
        document.set(path, shown).ok()?;
    }
    let text = mask(document.text()).into_owned();
    let tells = |line: &str| may_hold_secret(line) && !line.contains(REDACTED);
    let commented = |line: &str| line.replace("://", "").contains("//");
    let in_block = text.contains("/*");
    let doubtful = text
        .lines()
        .any(|line| tells(line) && (in_block || commented(line)));
    (!doubtful).then_some(text)
}

/// Collects the places at which what is shown is not what is written.
fn differing(written: &Value, shown: &Value, at: &KeyPath, found: &mut Vec<(KeyPath, Value)>) {
    match (written, shown) {
        (Value::Object(written), Value::Object(shown)) => {
            for (key, value) in written {
                if let Some(shown) = shown.get(key) {
                    differing(value, shown, &at.key(key), found);
                }
            }
        }
        (Value::Array(written), Value::Array(shown)) => {
            for (index, (value, shown)) in written.iter().zip(shown).enumerate() {
                differing(value, shown, &at.index(index), found);
            }
        }
        (written, shown) if written != shown => found.push((at.clone(), shown.clone())),
        _ => {}
    }
}

/// Returns the texts of paths.
pub(crate) fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| name(path)).collect()
}

/// Returns the text of a path.
pub(crate) fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Option<String> {
        let document = Document::parse(text).unwrap();
        let value = document.value();
        shown_text(document, &value)
    }

    #[test]
    fn a_text_is_shown_as_it_is_but_for_its_secrets() {
        let text = "{ // ports\n  gateway: { port: 1, auth: { token: 'abcdefgh-12345' } },\n}\n";
        let shown = text_of(text).unwrap();
        assert!(!shown.contains("abcdefgh"), "{shown}");
        assert!(
            shown.contains(REDACTED) && shown.contains("// ports"),
            "{shown}"
        );
    }

    #[test]
    fn a_text_with_a_secret_in_a_comment_is_not_shown() {
        for comment in [
            "// token: 'abcdefgh-12345'",
            "/*\n  token: 'abcdefgh-12345'\n*/",
        ] {
            let text = format!("{{\n  {comment}\n  gateway: {{ port: 1 }},\n}}\n");
            assert_eq!(text_of(&text), None, "{comment}");
        }
    }

    #[test]
    fn the_hash_follows_the_texts_and_which_file_each_is_in() {
        assert_eq!(keyed(["a"]), keyed(["a"]));
        assert_ne!(keyed(["a"]), keyed(["b"]));
        assert_ne!(keyed(["ab", ""]), keyed(["a", "b"]));
    }

    #[test]
    fn a_look_tells_where_each_value_stands_in_whichever_file() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let put = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
        put(
            "openclaw.json",
            "{\n  gateway: { $include: './g.json5' },\n  logging: { level: 'info' },\n}\n",
        );
        put(
            "g.json5",
            "{\n  port: 19001,\n  auth: { mode: 'token', token: 'abcdefgh-12345' },\n}\n",
        );
        let env: Env = [("HOME", root.to_str().unwrap())].into_iter().collect();
        let overrides = openclaw_core::state_dir::Overrides {
            state_dir: Some(root.to_owned()),
            profile: None,
        };
        let state = StateDir::locate(&env, &overrides).unwrap();
        let look = Look::at(&state, &env).unwrap();
        assert_eq!(look.problems, []);
        assert_eq!(look.includes(), [root.join("g.json5")]);
        let places = look.places(&["gateway".to_owned()]);
        let port = &places["gateway.port"];
        assert_eq!((port.line, &port.file), (2, &root.join("g.json5")));
        assert!(!places.contains_key("logging.level"));
        let told = format!("{:?}{:?}", look.effective(), look.written());
        assert!(!told.contains("abcdefgh"), "{told}");
        let before = look.hash();
        put("g.json5", "{ port: 19002 }");
        let after = Look::at(&state, &env).unwrap().hash();
        assert_ne!(before, after, "an included file counts, too");
    }
}
