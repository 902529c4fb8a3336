//! Where pieces of a conversation came from, as it is recorded beside them.

use std::path::{Component, Path, PathBuf};

use openclaw_core::access::{Sender, Standing};
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::validation::Attachment;
use openclaw_core::{EventStore, SessionKey};
use openclaw_sandbox::SandboxConfig;
use serde_json::Value;

use super::left::reaches_out;
use super::written::{WrittenFiles, add_all, shown};
use super::{Origin, TaintRules};
use crate::tools::ToolOutput;

/// Returns where a message came from: whoever wrote it, and the files that a guest sent.
pub(crate) fn of_message(
    rules: &TaintRules,
    sender: &Sender,
    attachments: &[Attachment],
) -> Vec<Mark> {
    match sender.standing {
        Standing::Principal => vec![trusted(Source::Principal)],
        Standing::Guest => {
            let person = Source::Person {
                channel: sender.channel.clone(),
                peer: sender.peer.clone(),
            };
            let files = attachments.iter().map(|file| Source::File {
                path: file.filename.clone().unwrap_or_else(|| file.mime.clone()),
            });
            std::iter::once(person)
                .chain(files)
                .map(|source| rules.mark(source))
                .collect()
        }
        Standing::Webhook => {
            let name = sender.peer.to_string();
            vec![rules.mark(Source::Webhook { name })]
        }
    }
}

/// How many files one result names that changed while it came about.
const MOST_NAMED: usize = 16;
/// What the lines of a patch begin with that name a file.
const PATCH_HEADER: &str = "***";

/// What the marks of a call's result follow from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origins<'a> {
    pub(crate) rules: &'a TaintRules,
    /// The files of the workspace that carry marks.
    pub(crate) written: &'a WrittenFiles,
    /// The workspace, as it is on disk.
    pub(crate) workspace: &'a Path,
    /// How commands are confined.
    pub(crate) sandbox: &'a SandboxConfig,
    pub(crate) store: &'a EventStore,
    pub(crate) session: &'a SessionKey,
}

impl Origins<'_> {
    /// Returns where the result of a call came from; `tool` is the name that this program has for
    /// it, whatever it is registered as.
    pub(crate) async fn of_result(
        &self,
        tool: &str,
        params: &Value,
        output: &ToolOutput,
    ) -> Vec<Mark> {
        if tool == "exec" || tool == "process" {
            let mut marks: Vec<Mark> = output.marks.iter().map(|mark| self.judged(mark)).collect();
            let own = self.of_command();
            if own.trust == Trust::Untrusted || marks.is_empty() {
                add_all(&mut marks, vec![own]);
            }
            return marks;
        }
        if !output.marks.is_empty() {
            return output.marks.iter().map(|mark| self.judged(mark)).collect();
        }
        match tool {
            // What a tool of files marks by itself is what is not plainly the workspace's.
            "read" | "ls" | "grep" | "find" | "write" => vec![trusted(Source::Workspace)],
            "image" | "edit" => vec![self.of_file(params)],
            "apply_patch" => vec![self.of_patch(params)],
            "web_fetch" | "web_search" => vec![self.of_server(tool, params)],
            // What was in view long ago comes into view again.
            "sessions_history" => vec![self.of_own_session().await],
            "sessions_list" | "sessions_send" | "message" => vec![trusted(Source::Tool {
                name: tool.to_owned(),
            })],
            other => vec![self.rules.mark(Source::Tool {
                name: other.to_owned(),
            })],
        }
    }

    /// Returns where the words of a failure came from: those of a server, of a file, or of a tool
    /// that somebody else made, may be in it.
    pub(crate) fn of_failure(&self, tool: &str, params: &Value) -> Vec<Mark> {
        match tool {
            "edit" | "image" => vec![self.of_file(params)],
            "apply_patch" => vec![self.of_patch(params)],
            "exec" | "process" | "read" | "ls" | "grep" | "find" | "write" | "sessions_list"
            | "sessions_history" | "sessions_send" | "message" => Vec::new(),
            "web_fetch" | "web_search" => vec![self.of_server(tool, params)],
            other => vec![self.rules.mark(Source::Tool {
                name: other.to_owned(),
            })],
        }
    }

    /// A tool says where its result came from; who vouches for that is for the rules to say.
    fn judged(&self, mark: &Mark) -> Mark {
        match mark.trust {
            Trust::Trusted => mark.clone(),
            Trust::Untrusted => self.rules.mark(mark.source.clone()),
        }
    }

    /// A command that can only reach the workspace says what was in there.
    fn of_command(&self) -> Mark {
        if reaches_out(self.sandbox) {
            return self.rules.mark(Source::Command);
        }
        match self.written.any() {
            Some(path) => self.rules.mark(Source::Written { path }),
            None => trusted(Source::Workspace),
        }
    }

    fn of_server(&self, tool: &str, params: &Value) -> Mark {
        let host = text_of(params, "url").and_then(host);
        self.rules.mark(Source::Web {
            host: host.unwrap_or_else(|| tool.to_owned()),
        })
    }

    fn of_file(&self, params: &Value) -> Mark {
        let named = ["path", "file_path", "image"];
        match named.iter().find_map(|key| text_of(params, key)) {
            Some(address) if let Some(host) = host(address) => {
                self.rules.mark(Source::Web { host })
            }
            // Some tools take a name without the blanks around it.
            Some(path) => [path, path.trim()]
                .iter()
                .map(|path| self.at(Path::new(path)))
                .find(|mark| mark.source != Source::Workspace)
                .unwrap_or(trusted(Source::Workspace)),
            None => trusted(Source::Workspace),
        }
    }

    /// Returns whose a file of the workspace is.
    fn at(&self, path: &Path) -> Mark {
        let real = resolved(&self.workspace.join(path));
        let inside = real.strip_prefix(self.workspace).unwrap_or(path);
        match self.written.covering(inside) {
            Some(path) => self.rules.mark(Source::Written { path }),
            None => trusted(Source::Workspace),
        }
    }

    fn of_patch(&self, params: &Value) -> Mark {
        let mut texts = String::new();
        collect(params, &mut texts);
        if let Some(path) = self.written.named_in(&texts) {
            return self.rules.mark(Source::Written { path });
        }
        // A link has another name than the file that it leads to.
        let headers = texts.lines().filter_map(|line| {
            let header = line.trim().strip_prefix(PATCH_HEADER)?;
            Some(header.split_once(':')?.1.trim())
        });
        headers
            .map(|path| self.at(Path::new(path)))
            .find(|mark| mark.source != Source::Workspace)
            .unwrap_or(trusted(Source::Workspace))
    }

    /// Returns the marks of files of the workspace that came to carry some while they were read.
    pub(crate) fn of_files(&self, paths: &[PathBuf]) -> Vec<Mark> {
        let written = paths
            .iter()
            .take(MOST_NAMED)
            .map(|path| Source::Written { path: shown(path) });
        written.map(|source| self.rules.mark(source)).collect()
    }

    /// The session itself is as trustworthy as what was ever in it.
    async fn of_own_session(&self) -> Mark {
        let events = self.store.read(self.session, 1..=u64::MAX).await;
        let clean = events.is_ok_and(|events| {
            events
                .iter()
                .filter_map(|event| event.payload.as_ref())
                .flat_map(|payload| &payload.marks)
                .all(|mark| mark.trust == Trust::Trusted)
        });
        let key = self.session.clone();
        if clean {
            trusted(Source::Session { key })
        } else {
            self.rules.mark(Source::Session { key })
        }
    }
}

impl TaintRules {
    /// Marks what came from somewhere that one of the origins stands for.
    pub(crate) fn mark(&self, source: Source) -> Mark {
        let origin = match &source {
            Source::Principal | Source::Workspace => None,
            Source::Person { .. } => Some(Origin::Person),
            Source::Webhook { .. } => Some(Origin::Webhook),
            Source::Web { .. } => Some(Origin::Web),
            Source::File { .. } => Some(Origin::File),
            Source::Written { .. } => Some(Origin::Written),
            Source::Command => Some(Origin::Command),
            Source::Session { .. } => Some(Origin::Session),
            Source::Skill { .. } => Some(Origin::Skill),
            Source::Tool { .. } => Some(Origin::Tool),
        };
        let trust = if origin.is_some_and(|origin| self.untrusted.contains(&origin)) {
            Trust::Untrusted
        } else {
            Trust::Trusted
        };
        Mark { source, trust }
    }
}

const fn trusted(source: Source) -> Mark {
    Mark {
        source,
        trust: Trust::Trusted,
    }
}

fn text_of<'a>(params: &'a Value, key: &str) -> Option<&'a str> {
    params.get(key).and_then(Value::as_str)
}

/// Adds all texts of a value, as they are and not as JSON writes them.
fn collect(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|item| collect(item, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The longest name that a host has (RFC 1035).
const MAX_HOST: usize = 253;

/// Returns the host of an address of the web, as much of it as a host's name can have.
pub(crate) fn host(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let end = host.floor_char_boundary(MAX_HOST);
    Some(host.get(..end).unwrap_or_default().to_ascii_lowercase())
}

/// Returns the path that a name leads to, through links where it exists.
fn resolved(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    path.canonicalize().unwrap_or(plain)
}
