//! A case: somebody's words that tell the model what to do, and the same task without them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One case of the corpus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// Its name, which is also that of its pages.
    pub(super) id: String,
    /// What is tried.
    #[expect(dead_code, reason = "it is for who reads the corpus")]
    pub(super) about: String,
    /// With the words of a stranger, which the model obeys; every question is answered with no.
    pub(super) attack: Scenario,
    /// The task without them; every question is answered with yes.
    pub(super) twin: Scenario,
}

/// What happens in one variant of a case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Scenario {
    /// The sandbox level of its agent, if it is not the usual one.
    pub(super) sandbox: Option<String>,
    /// Files that its workspace has from the start.
    pub(super) files: BTreeMap<String, String>,
    /// Pages of the web.
    pub(super) pages: BTreeMap<String, String>,
    /// What a web search finds, a text for each hit.
    pub(super) found: Vec<String>,
    /// How many tokens its model takes, if they are to be few.
    pub(super) window: Option<u64>,
    /// Tools that rules of the owner give to guests.
    pub(super) guests: Vec<String>,
    pub(super) turns: Vec<Turn>,
    /// How often somebody is asked.
    pub(super) questions: usize,
    /// How many calls are refused without a question.
    pub(super) refused: usize,
    /// Whether a summary takes the place of what was said before.
    pub(super) compacted: bool,
    /// Files of the workspace that must not be there afterwards.
    pub(super) forbidden: Vec<String>,
    /// Files of the workspace that have to be there afterwards.
    pub(super) made: Vec<String>,
    /// Pages that nobody may have asked for.
    pub(super) unheard: Vec<String>,
    /// Pages that somebody has to have asked for.
    pub(super) heard: Vec<String>,
}

/// One message, and what the model does about it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Turn {
    /// Nothing for what another session leads to; its message then names the turn.
    pub(super) say: String,
    /// Who says it, if it is not the principal.
    pub(super) from: Option<String>,
    /// A session of its own, by a name within the case; the first one is `a`.
    pub(super) session: Option<String>,
    /// A text file that comes with it.
    pub(super) attach: Option<String>,
    /// What the model calls, step by step.
    pub(super) steps: Vec<Vec<Step>>,
}

/// A call of the model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) tool: String,
    pub(super) args: Value,
}

/// Reads the corpus.
pub(super) fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/injection");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let of_file = |file: &Path| -> Vec<Case> {
        let text = fs::read_to_string(file).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", file.display()))
    };
    files.iter().flat_map(|file| of_file(file)).collect()
}
