//! How a skill says that its programs can be had, and which way is shown to the user.
//!
//! Nothing is installed from here. A way whose package name could mean anything else than a
//! package is left out, because users copy it.

use serde::Serialize;
use serde_json::Value;

use super::manifest::list;

/// One way to get a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallSpec {
    /// Its id, if it has one of its own.
    pub id: Option<String>,
    /// The installer, and what it is to install.
    pub source: InstallSource,
    /// What to call it.
    pub label: Option<String>,
    /// The programs that come with it.
    pub bins: Vec<String>,
    /// The systems that it is for; any, if empty.
    pub os: Vec<String>,
}

/// An installer and what it is to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallSource {
    /// A formula or cask of Homebrew.
    Brew(String),
    /// A package of the npm registry.
    Node(String),
    /// A Go module.
    Go(String),
    /// A Python package.
    Uv(String),
    /// A file to download.
    Download(String),
}

/// A way as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstallOption {
    /// Its id.
    pub id: String,
    /// The installer.
    pub kind: &'static str,
    /// What to call it.
    pub label: String,
    /// The programs that come with it.
    pub bins: Vec<String>,
}

/// What the user prefers (`skills.install`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPreferences {
    /// Whether Homebrew comes first where it is installed.
    pub prefer_brew: bool,
    /// The package manager for packages of the npm registry.
    pub node_manager: String,
}

impl Default for InstallPreferences {
    fn default() -> Self {
        Self {
            prefer_brew: true,
            node_manager: "npm".to_owned(),
        }
    }
}

impl InstallSource {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Brew(_) => "brew",
            Self::Node(_) => "node",
            Self::Go(_) => "go",
            Self::Uv(_) => "uv",
            Self::Download(_) => "download",
        }
    }

    fn label(&self, preferences: &InstallPreferences) -> String {
        match self {
            Self::Brew(formula) => format!("Install {formula} (brew)"),
            Self::Node(package) => format!("Install {package} ({})", preferences.node_manager),
            Self::Go(module) => format!("Install {module} (go)"),
            Self::Uv(package) => format!("Install {package} (uv)"),
            Self::Download(url) => {
                let name = url.rsplit('/').find(|part| !part.is_empty());
                format!("Download {}", name.unwrap_or(url))
            }
        }
    }
}

impl InstallSpec {
    /// Reads one entry of `install`; nothing, if it is of no known kind or names no package.
    pub(super) fn read(entry: &Value) -> Option<Self> {
        let text = |key: &str| entry.get(key)?.as_str();
        let package = |key: &str, legal: fn(char) -> bool| {
            let name = text(key)?.trim();
            let safe = !name.contains("://") && !name.contains('\\');
            (safe && is_name(name, legal)).then(|| name.to_owned())
        };
        let kind = text("kind").or_else(|| text("type"))?.trim().to_lowercase();
        let source = match kind.as_str() {
            "brew" => {
                let formula = package("formula", is_brew).or_else(|| package("cask", is_brew));
                InstallSource::Brew(formula.filter(|name| !name.contains(".."))?)
            }
            "node" => InstallSource::Node(text("package").and_then(npm_package)?),
            "go" => InstallSource::Go(package("module", is_go)?),
            "uv" => InstallSource::Uv(package("package", is_uv)?),
            "download" => InstallSource::Download(text("url").and_then(web_address)?),
            _ => return None,
        };
        Some(Self {
            id: text("id").map(str::to_owned),
            source,
            label: text("label").map(str::to_owned),
            bins: list(entry.get("bins")),
            os: list(entry.get("os")),
        })
    }

    fn fits(&self, platform: &str) -> bool {
        self.os.is_empty() || self.os.iter().any(|os| os == platform)
    }

    fn option(&self, index: usize, preferences: &InstallPreferences) -> InstallOption {
        let kind = self.source.kind();
        let id = self.id.clone().unwrap_or_else(|| format!("{kind}-{index}"));
        let own = self.label.as_deref().map(str::trim).unwrap_or_default();
        // The user's package manager is named whatever the skill says.
        let label = match &self.source {
            InstallSource::Node(_) => self.source.label(preferences),
            _ if own.is_empty() => self.source.label(preferences),
            _ => own.to_owned(),
        };
        InstallOption {
            id: id.trim().to_owned(),
            kind,
            label,
            bins: self.bins.clone(),
        }
    }
}

/// Returns the ways to show: the preferred one, or all if there are only downloads.
pub(super) fn options(
    specs: &[InstallSpec],
    platform: &str,
    preferences: &InstallPreferences,
    has_brew: impl FnOnce() -> bool,
) -> Vec<InstallOption> {
    let fitting = || {
        specs
            .iter()
            .enumerate()
            .filter(|(_, spec)| spec.fits(platform))
    };
    let option = |(index, spec): (usize, &InstallSpec)| spec.option(index, preferences);
    if fitting().all(|(_, spec)| matches!(spec.source, InstallSource::Download(_))) {
        return fitting().map(option).collect();
    }
    let of = |kind: &str| fitting().find(|(_, spec)| spec.source.kind() == kind);
    let brew = of("brew");
    let installed_brew = brew.filter(|_| has_brew());
    installed_brew
        .filter(|_| preferences.prefer_brew)
        .or_else(|| of("uv"))
        .or_else(|| of("node"))
        .or(installed_brew)
        .or_else(|| of("go"))
        .or_else(|| of("download"))
        .or(brew)
        .map(option)
        .into_iter()
        .collect()
}

fn is_name(name: &str, legal: fn(char) -> bool) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(legal)
}

fn is_brew(c: char) -> bool {
    c.is_ascii_alphanumeric() || "@+._/-".contains(c)
}

fn is_go(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._~+-/@".contains(c)
}

fn is_uv(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-[]=<>!~+,".contains(c)
}

/// Returns `name` or `name@version`, the name with a scope or without one.
fn npm_package(text: &str) -> Option<String> {
    let text = text.trim();
    let part = |part: &str| {
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(lower) && part.chars().all(|c| lower(c) || "-._~".contains(c))
    };
    let (name, version) = match text.rfind('@') {
        None | Some(0) => (text, None),
        Some(at) => (text.get(..at)?, text.get(at.saturating_add(1)..)),
    };
    let named = match name.strip_prefix('@') {
        Some(scoped) => {
            let (scope, name) = scoped.split_once('/')?;
            part(scope) && part(name)
        }
        None => part(name),
    };
    let versioned = version.is_none_or(|version| {
        is_name(version, |c| c.is_ascii_alphanumeric() || "._-+".contains(c))
    });
    (named && versioned).then(|| text.to_owned())
}

fn web_address(text: &str) -> Option<String> {
    let text = text.trim();
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))?;
    let legal = !host.is_empty() && !host.starts_with('/') && !text.contains(char::is_whitespace);
    legal.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_out_what_is_no_package_name() {
        for entry in [
            json!({ "kind": "brew", "formula": "-rf" }),
            json!({ "kind": "brew", "formula": "a/../b" }),
            json!({ "kind": "node", "package": "git+ssh://x" }),
            json!({ "kind": "node", "package": "a; rm -rf" }),
            json!({ "kind": "go", "module": "https://x" }),
            json!({ "kind": "uv", "package": "a b" }),
            json!({ "kind": "download", "url": "file:///etc/passwd" }),
            json!({ "kind": "apt", "package": "x" }),
            json!("brew"),
        ] {
            assert_eq!(InstallSpec::read(&entry), None, "{entry}");
        }
    }

    #[test]
    fn shows_the_preferred_way_and_all_downloads() {
        let specs = |entries: &[Value]| -> Vec<InstallSpec> {
            entries.iter().filter_map(InstallSpec::read).collect()
        };
        let several = specs(&[
            json!({ "id": "brew", "kind": "brew", "formula": "jq", "label": "Install jq" }),
            json!({ "kind": "node", "package": "@x/jq@1.2.3" }),
            json!({ "kind": "uv", "package": "jq", "os": ["darwin"] }),
        ]);
        let preferences = InstallPreferences::default();
        let label = |has_brew: bool| {
            let options = options(&several, "linux", &preferences, || has_brew);
            options
                .into_iter()
                .map(|option| (option.id, option.label))
                .collect::<Vec<_>>()
        };
        assert_eq!(label(true), [("brew".into(), "Install jq".into())]);
        assert_eq!(
            label(false),
            [("node-1".into(), "Install @x/jq@1.2.3 (npm)".into())]
        );
        let downloads = specs(&[
            json!({ "kind": "download", "url": "https://x.y/a.zip" }),
            json!({ "kind": "download", "url": "https://x.y/b.zip", "os": ["win32"] }),
            json!({ "kind": "download", "url": "https://x.y/" }),
        ]);
        let labels: Vec<_> = options(&downloads, "linux", &preferences, || false)
            .into_iter()
            .map(|option| (option.id, option.label))
            .collect();
        assert_eq!(
            labels,
            [
                ("download-0".into(), "Download a.zip".into()),
                ("download-2".into(), "Download x.y".into())
            ]
        );
    }
}
