//! The crate graph: who may use whom, and who is used at all.

use std::collections::BTreeSet;
use std::fmt;

use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;

/// The levels of the house, lowest first. A crate may use crates on lower levels only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Vocabulary,
    Means,
    Edges,
    Behaviour,
    Composition,
    FrontDoors,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vocabulary => "1 (vocabulary)",
            Self::Means => "2a (means)",
            Self::Edges => "2b (edges)",
            Self::Behaviour => "3 (behaviour)",
            Self::Composition => "4 (composition)",
            Self::FrontDoors => "5 (front doors)",
        })
    }
}

/// What a crate may use.
enum Uses {
    /// The crates that an arrow leads to.
    Only(&'static [&'static str]),
    /// Everything on a lower level.
    Below,
}

/// One crate of the drawing.
struct Drawn {
    name: &'static str,
    level: Level,
    uses: Uses,
}

const fn drawn(name: &'static str, level: Level, uses: Uses) -> Drawn {
    Drawn { name, level, uses }
}

/// The drawing in ARCHITECTURE.md, row by row; names without their `openclaw-`.
const DRAWING: &[Drawn] = &[
    drawn("core", Level::Vocabulary, Uses::Only(&[])),
    drawn("http", Level::Means, Uses::Only(&["core"])),
    drawn("sandbox", Level::Means, Uses::Only(&["core"])),
    drawn("config", Level::Means, Uses::Only(&["core"])),
    drawn("compat", Level::Means, Uses::Only(&["core"])),
    drawn("providers", Level::Edges, Uses::Only(&["http", "core"])),
    drawn("channels", Level::Edges, Uses::Only(&["http", "core"])),
    drawn("ipc", Level::Edges, Uses::Only(&["http", "core"])),
    drawn("ui", Level::Edges, Uses::Only(&[])),
    drawn(
        "agents",
        Level::Behaviour,
        Uses::Only(&["providers", "sandbox", "http", "core"]),
    ),
    drawn(
        "plugins",
        Level::Behaviour,
        Uses::Only(&["ipc", "sandbox", "http", "core"]),
    ),
    drawn("gateway", Level::Composition, Uses::Below),
    drawn(
        "cli",
        Level::FrontDoors,
        Uses::Only(&["gateway", "ipc", "sandbox", "config", "compat", "core"]),
    ),
    drawn(
        "node",
        Level::FrontDoors,
        Uses::Only(&["agents", "providers", "ipc", "core"]),
    ),
];

/// What is shipped starts here.
const FRONT_DOORS: [&str; 2] = ["cli", "node"];

/// Crates for development only: not drawn, not shipped, and used by nothing that is.
const DEVELOPMENT: [&str; 2] = ["testkit", "xtask"];

/// Libraries that one crate alone may use, so that exchanging them touches one crate.
const KEPT: &[(&str, &str)] = &[
    ("axum", "gateway"),
    ("reqwest", "http"),
    ("clap", "cli"),
    ("napi", "node"),
    ("napi-derive", "node"),
];

/// A member of the workspace, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crate {
    /// The full name.
    pub(super) name: String,
    edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    to: String,
    kind: EdgeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EdgeKind {
    Shipped,
    Development,
}

/// Takes the members and their direct dependencies from cargo's description.
pub(super) fn crates(metadata: &Metadata) -> Vec<Crate> {
    let packages = metadata.workspace_packages();
    packages
        .iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            edges: package
                .dependencies
                .iter()
                .map(|dependency| Edge {
                    to: dependency.name.clone(),
                    kind: match dependency.kind {
                        DependencyKind::Development => EdgeKind::Development,
                        _ => EdgeKind::Shipped,
                    },
                })
                .collect(),
        })
        .collect()
}

/// Returns every edge that the drawing forbids, every crate that it lacks, and every crate that no
/// front door reaches.
pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in crates {
        let name = short(&member.name);
        let found = |problem: String| Finding::new(&member.name, problem);
        for edge in &member.edges {
            if let Some((library, owner)) = KEPT.iter().find(|&&(library, _)| library == edge.to)
                && *owner != name
            {
                findings.push(found(format!("`{library}` stays inside openclaw-{owner}")));
            }
        }
        if DEVELOPMENT.contains(&name) {
            continue;
        }
        let Some(row) = row(name) else {
            findings.push(found(
                "not drawn: give it a level in ARCHITECTURE.md and in xtask/src/tidy/graph.rs"
                    .to_owned(),
            ));
            continue;
        };
        let edges = member.edges.iter().filter(|edge| is_member(crates, edge));
        findings.extend(edges.filter_map(|edge| forbidden(row, edge)).map(found));
    }
    findings.extend(unreached(crates));
    findings
}

/// Says why the edge is not allowed, or nothing.
fn forbidden(from: &Drawn, edge: &Edge) -> Option<String> {
    let name = short(&edge.to);
    if DEVELOPMENT.contains(&name) {
        return (edge.kind == EdgeKind::Shipped)
            .then(|| format!("uses {}, which is for development only", edge.to));
    }
    // A crate that is not drawn is reported where it stands.
    let to = row(name)?;
    if to.level >= from.level {
        return Some(format!(
            "uses {} on level {}, which is not below its own level {}",
            edge.to, to.level, from.level
        ));
    }
    let drawn = match from.uses {
        Uses::Only(names) => names.contains(&name),
        Uses::Below => true,
    };
    // Tests may look further down than the crate itself.
    (!drawn && edge.kind == EdgeKind::Shipped)
        .then(|| format!("uses {}, to which no arrow is drawn", edge.to))
}

/// Finds the crates that are built, but never run by anybody.
fn unreached(crates: &[Crate]) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = FRONT_DOORS.to_vec();
    while let Some(name) = open.pop() {
        if !reached.insert(name) {
            continue;
        }
        if let Some(member) = crates.iter().find(|member| short(&member.name) == name) {
            open.extend(
                member
                    .edges
                    .iter()
                    .filter(|edge| edge.kind == EdgeKind::Shipped && is_member(crates, edge))
                    .map(|edge| short(&edge.to)),
            );
        }
    }
    crates
        .iter()
        .filter(|member| {
            let name = short(&member.name);
            !reached.contains(name) && !DEVELOPMENT.contains(&name)
        })
        .map(|member| {
            Finding::new(
                &member.name,
                "neither openclaw-cli nor openclaw-node uses it",
            )
        })
        .collect()
}

fn is_member(crates: &[Crate], edge: &Edge) -> bool {
    crates.iter().any(|member| member.name == edge.to)
}

fn row(name: &str) -> Option<&'static Drawn> {
    DRAWING.iter().find(|row| row.name == name)
}

fn short(name: &str) -> &str {
    name.strip_prefix("openclaw-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, uses: &[&str]) -> Crate {
        let edges = uses.iter().map(|name| match name.strip_prefix("dev:") {
            Some(name) => (name, EdgeKind::Development),
            None => (*name, EdgeKind::Shipped),
        });
        Crate {
            name: name.to_owned(),
            edges: edges
                .map(|(to, kind)| Edge {
                    to: to.to_owned(),
                    kind,
                })
                .collect(),
        }
    }

    fn problems(crates: &[Crate]) -> Vec<String> {
        check(crates).iter().map(Finding::to_string).collect()
    }

    fn good() -> Vec<Crate> {
        vec![
            member("openclaw-core", &["serde", "dev:openclaw-testkit"]),
            member("openclaw-http", &["openclaw-core", "reqwest"]),
            member("openclaw-gateway", &["openclaw-http", "axum"]),
            member(
                "openclaw-cli",
                &["openclaw-gateway", "openclaw-core", "clap"],
            ),
            member("openclaw-testkit", &["openclaw-core"]),
            member("xtask", &["openclaw-http"]),
        ]
    }

    #[test]
    fn a_graph_as_drawn_has_no_findings() {
        assert_eq!(problems(&good()), [""; 0]);
    }

    #[test]
    fn every_arrow_of_the_drawing_leads_down_to_a_drawn_crate() {
        for from in DRAWING {
            let Uses::Only(names) = from.uses else {
                continue;
            };
            for name in names {
                assert!(row(name).is_some_and(|to| to.level < from.level), "{name}");
            }
        }
    }

    #[test]
    fn an_edge_to_a_neighbour_or_upwards_is_refused() {
        let mut crates = good();
        crates.push(member("openclaw-sandbox", &["openclaw-http"]));
        crates.push(member("openclaw-ipc", &["openclaw-gateway"]));
        crates.push(member(
            "openclaw-cli",
            &["openclaw-sandbox", "openclaw-ipc"],
        ));
        crates.remove(3);
        crates.push(member("openclaw-node", &["openclaw-gateway"]));
        assert_eq!(
            problems(&crates),
            [
                "openclaw-sandbox: uses openclaw-http on level 2a (means), which is not below its own level 2a (means)",
                "openclaw-ipc: uses openclaw-gateway on level 4 (composition), which is not below its own level 2b (edges)",
                "openclaw-node: uses openclaw-gateway, to which no arrow is drawn",
            ]
        );
    }

    #[test]
    fn a_crate_that_no_front_door_reaches_is_refused() {
        let mut crates = good();
        crates.push(member("openclaw-channels", &["openclaw-core"]));
        crates.push(member("openclaw-plugins", &["openclaw-channels"]));
        assert_eq!(
            problems(&crates),
            [
                "openclaw-plugins: uses openclaw-channels, to which no arrow is drawn",
                "openclaw-channels: neither openclaw-cli nor openclaw-node uses it",
                "openclaw-plugins: neither openclaw-cli nor openclaw-node uses it",
            ]
        );
    }

    #[test]
    fn a_crate_that_is_not_drawn_is_refused() {
        let mut crates = good();
        crates.push(member("openclaw-extra", &[]));
        crates.push(member("openclaw-node", &["openclaw-extra"]));
        assert_eq!(
            problems(&crates),
            [
                "openclaw-extra: not drawn: give it a level in ARCHITECTURE.md and in xtask/src/tidy/graph.rs"
            ]
        );
    }

    #[test]
    fn libraries_stay_inside_the_crate_that_keeps_them() {
        let mut crates = good();
        crates.push(member("openclaw-ipc", &["dev:axum", "reqwest"]));
        crates.push(member("openclaw-node", &["openclaw-ipc", "napi"]));
        assert_eq!(
            problems(&crates),
            [
                "openclaw-ipc: `axum` stays inside openclaw-gateway",
                "openclaw-ipc: `reqwest` stays inside openclaw-http",
            ]
        );
    }

    #[test]
    fn what_is_shipped_does_not_use_the_test_kit() {
        let mut crates = good();
        crates.push(member("openclaw-node", &["openclaw-testkit", "xtask"]));
        assert_eq!(
            problems(&crates),
            [
                "openclaw-node: uses openclaw-testkit, which is for development only",
                "openclaw-node: uses xtask, which is for development only",
            ]
        );
    }
}
