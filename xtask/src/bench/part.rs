//! What is measured, and by which programs.

use crate::error::Error;
use crate::place::Place;
use crate::run::Run;
use crate::{release, report};

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The gateway, beside a bare forwarder.
    Gateway,
    /// The event log, with few events and with a million.
    Events,
    /// The event log beside other storage engines.
    Stores,
    /// The provider layer, beside a plain line splitter and a plain socket.
    Providers,
    /// The agent loop, beside appending the same events.
    Agents,
    /// The start of a sandbox, beside plain bubblewrap and a bare process.
    Sandbox,
}

impl Part {
    /// All parts, in the order in which they are measured.
    pub(crate) const ALL: [Self; 6] = [
        Self::Gateway,
        Self::Events,
        Self::Stores,
        Self::Providers,
        Self::Agents,
        Self::Sandbox,
    ];

    /// Returns the part's name, as it is asked for and as the page marks it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Events => "events",
            Self::Stores => "stores",
            Self::Providers => "providers",
            Self::Agents => "agents",
            Self::Sandbox => "sandbox",
        }
    }

    /// Builds what is measured and returns its figures as Markdown.
    pub(super) fn measure(self, place: &Place) -> Result<String, Error> {
        match self {
            Self::Gateway => gateway(place),
            Self::Events => events(place),
            Self::Stores => stores(place),
            Self::Providers => providers(place),
            Self::Agents => agents(place),
            Self::Sandbox => sandbox(place),
        }
    }
}

fn gateway(place: &Place) -> Result<String, Error> {
    let binary = release::binary(place)?;
    report::step("measuring the gateway; this takes about three minutes");
    figures(
        &benchmark(place, "openclaw-gateway", "gateway")
            .arg("--binary")
            .arg(binary),
    )
}

fn events(place: &Place) -> Result<String, Error> {
    let binary = release::binary(place)?;
    report::step("measuring a million events; the first time they are made, which takes a minute");
    let million = figures(
        &benchmark(place, "openclaw-core", "million")
            .arg("--binary")
            .arg(&binary),
    )?;
    report::step("measuring half a million calls of models; this takes some minutes");
    let spending = figures(
        &benchmark(place, "openclaw-core", "spending")
            .arg("--binary")
            .arg(binary),
    )?;
    report::step("measuring the event log; this takes about a minute");
    let timings = figures(&benchmark(place, "openclaw-core", "events"))?;
    let timings: Vec<&str> = timings.trim().lines().map(str::trim_end).collect();
    Ok(format!(
        "{million}\n{spending}\n```text\n{}\n```\n",
        timings.join("\n")
    ))
}

fn stores(place: &Place) -> Result<String, Error> {
    report::step("comparing storage engines; building them takes longer than measuring them");
    figures(
        &place
            .cargo("run")
            .args(["--release", "--manifest-path", "benches/stores/Cargo.toml"]),
    )
}

fn providers(place: &Place) -> Result<String, Error> {
    report::step("measuring the provider layer; this takes about a minute");
    figures(&benchmark(place, "openclaw-providers", "providers"))
}

fn agents(place: &Place) -> Result<String, Error> {
    report::step("measuring the agent loop; this takes about half a minute");
    figures(&benchmark(place, "openclaw-agents", "agents"))
}

fn sandbox(place: &Place) -> Result<String, Error> {
    report::step("measuring the start of a sandbox; this takes about half a minute");
    figures(&benchmark(place, "openclaw-sandbox", "sandbox"))
}

fn benchmark(place: &Place, package: &str, name: &str) -> Run {
    place
        .cargo("bench")
        .args(["--package", package, "--bench", name, "--"])
}

fn figures(run: &Run) -> Result<String, Error> {
    let figures = run.stdout()?;
    Ok(String::from_utf8_lossy(&figures).into_owned())
}
