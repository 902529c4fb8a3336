//! `openclaw configure --section auth --login`: a sign-in by OAuth, in a browser or by a code.
//!
//! The browser is the user's to open: no process is started here. Nothing of what the server gives
//! is printed but the code that the user is to type in.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::SecretChange;
use openclaw_core::{CredentialStore, ProviderId};
use openclaw_gateway::Home;
use openclaw_gateway::oauth::{Client, LOGIN_TIME, Revoked, SignIn, Tokens};
use openclaw_gateway::renewal::{self, SignInError, record_of};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::commands::Cx;
use crate::commands::credentials::{Keyring, NewPassword, recorded};
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::signals::Signals;
use crate::text::one_line;

/// What does it, in the audit stream.
const BY: &str = "openclaw configure --login";

/// The arguments of a sign-in.
#[derive(Debug, Args)]
pub(super) struct LoginArgs {
    /// Sign in at this provider, as `oauth` in openclaw-rs.json5 describes it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["rotate", "provider"])]
    login: Option<String>,
    /// Sign in by a code that is typed in on any device, not in a browser on this machine
    #[arg(long, requires = "login")]
    device: bool,
}

impl LoginArgs {
    /// Returns where to sign in, and how, if that is asked for.
    pub(super) fn asked(&self) -> Option<(ProviderId, How)> {
        let how = if self.device {
            How::Device
        } else {
            How::Browser
        };
        Some((ProviderId::from(self.login.as_deref()?), how))
    }
}

/// How the user signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// In a browser on this machine.
    Browser,
    /// By a code that is typed in on any device.
    Device,
}

/// Signs in at a provider and stores the sign-in.
pub(crate) fn login(
    cx: Cx<'_>,
    provider: &ProviderId,
    how: How,
    new: &NewPassword,
) -> Result<ExitCode, CliError> {
    let home = Home::open(cx.env.clone(), cx.overrides)?;
    if !home.config.own.oauth.contains_key(provider) {
        return Err(SignInError::NotConfigured(provider.clone()).into());
    }
    let keyring = Keyring::locate(cx)?;
    // The password comes first: nobody should sign in for nothing.
    let opened = keyring.open_or_make(cx, new)?;
    let store = Arc::clone(&opened.store);
    let kept = runtime::block_on(Threads::Two, async {
        let mut signals = Signals::listen().map_err(CliError::Runtime)?;
        let stop = CancellationToken::new();
        let (client, sign_in) = tokio::select! {
            signed_in = sign_in(cx, &home, provider, how, &stop) => signed_in?,
            () = signals.stop() => return Err(CliError::Interrupted),
        };
        // From here on it is brought to its end: the tokens are there.
        keep(cx, &home, store, (&client, &sign_in)).await?;
        Ok(sign_in)
    })?;
    let names = [record_of(provider)];
    let warning = recorded(&keyring.state, &names, SecretChange::Set, BY);
    let warnings: Vec<String> = opened.warnings.into_iter().chain(warning).collect();
    report(cx, &kept, &warnings)?;
    Ok(ExitCode::SUCCESS)
}

/// Gives a sign-in that is about to be removed back to its server; returns a warning when that does
/// not work, since its tokens stay good then.
pub(crate) fn give_back(cx: Cx<'_>, store: &CredentialStore, record: &str) -> Option<String> {
    let sign_in = SignIn::from_record(&store.get(record).ok()?).ok()?;
    if record_of(&sign_in.provider) != record {
        return None;
    }
    let revoke = async {
        let home = Home::open(cx.env.clone(), cx.overrides)?;
        let stop = CancellationToken::new();
        let provider = &sign_in.provider;
        let client = renewal::client(&home, provider, &stop).await?;
        let revoked = client.revoke(&sign_in, &stop).await;
        Ok(revoked.map_err(|source| SignInError::at(provider, source))?)
    };
    let why = match runtime::block_on(Threads::One, revoke) {
        Ok(Revoked::Yes) => return None,
        Ok(Revoked::NotOffered) => "its server takes nothing back".to_owned(),
        Err(err) => err.to_string(),
    };
    Some(format!("the sign-in was not ended at its server: {why}"))
}

async fn sign_in(
    cx: Cx<'_>,
    home: &Home,
    provider: &ProviderId,
    how: How,
    stop: &CancellationToken,
) -> Result<(Client, SignIn), CliError> {
    let client = renewal::client(home, provider, stop).await?;
    let tokens = match how {
        How::Browser => in_browser(cx, &client, provider, stop).await?,
        How::Device => on_device(cx, &client, provider, stop).await?,
    };
    let sign_in = client.signed_in(provider.clone(), tokens);
    Ok((client, sign_in))
}

async fn in_browser(
    cx: Cx<'_>,
    client: &Client,
    provider: &ProviderId,
    stop: &CancellationToken,
) -> Result<Tokens, CliError> {
    let failed = |source| SignInError::at(provider, source);
    let login = client.in_browser().await.map_err(failed)?;
    let url = login.url();
    invite(
        cx,
        &json!({ "provider": provider, "url": url }),
        &[("open", url)],
    )?;
    wait(
        cx,
        "waiting for the browser on this machine, 5 minutes at most; Ctrl-C stops",
    );
    Ok(login.finish(LOGIN_TIME, stop).await.map_err(failed)?)
}

async fn on_device(
    cx: Cx<'_>,
    client: &Client,
    provider: &ProviderId,
    stop: &CancellationToken,
) -> Result<Tokens, CliError> {
    let failed = |source| SignInError::at(provider, source);
    let login = client.on_device(stop).await.map_err(failed)?;
    let (page, code) = (login.page(), login.user_code());
    let document = json!({
        "provider": provider,
        "verificationUri": page,
        "verificationUriComplete": login.page_with_code(),
        "userCode": code,
    });
    invite(cx, &document, &[("open", page), ("code", code)])?;
    wait(
        cx,
        "waiting for the code to be typed in there; Ctrl-C stops",
    );
    Ok(login.finish(stop).await.map_err(failed)?)
}

/// Tells what the user has to do: with `--json` as a line of JSON on standard error, since standard
/// output has room for the answer alone.
fn invite(cx: Cx<'_>, document: &Value, lines: &[(&str, &str)]) -> Result<(), CliError> {
    if cx.out.is_json() {
        cx.out.note(document);
        return Ok(());
    }
    for (label, text) in lines {
        cx.out.line(format_args!("{label}  {}", one_line(text)))?;
    }
    Ok(())
}

fn wait(cx: Cx<'_>, text: &str) {
    if !cx.out.is_json() {
        cx.out.note(cx.out.look_aside(Look::Dim, text));
    }
}

/// Stores the sign-in; one that cannot be stored is given back.
async fn keep(
    cx: Cx<'_>,
    home: &Home,
    store: Arc<CredentialStore>,
    (client, sign_in): (&Client, &SignIn),
) -> Result<(), CliError> {
    let Err(err) = renewal::keep(home, store, sign_in).await else {
        return Ok(());
    };
    if client
        .revoke(sign_in, &CancellationToken::new())
        .await
        .is_err()
    {
        cx.out
            .warning("the sign-in is not stored, and its server did not take it back");
    }
    Err(err.into())
}

fn report(cx: Cx<'_>, kept: &SignIn, warnings: &[String]) -> Result<(), CliError> {
    let tokens = &kept.tokens;
    let record = record_of(&kept.provider);
    let until = tokens.expires_at.map(rfc3339);
    let renews = tokens.refresh.is_some();
    if cx.out.is_json() {
        let data = json!({
            "provider": kept.provider,
            "issuer": kept.server,
            "record": record,
            "scopes": tokens.scopes,
            "expiresAt": until,
            "renewable": renews,
        });
        return cx.out.answer(&data, warnings);
    }
    let done = cx.out.look(Look::Good, "signed in");
    cx.out.line(format_args!(
        "{done}  {}, stored as {record}",
        kept.provider
    ))?;
    if !tokens.scopes.is_empty() {
        let scopes = tokens.scopes.join(" ");
        cx.out
            .line(format_args!("scopes     {}", one_line(&scopes)))?;
    }
    let lasts = match (until, renews) {
        (Some(until), true) => format!("until {until}, and is renewed before that"),
        (Some(until), false) => format!("until {until}; then sign in again"),
        (None, _) => "until the provider ends it".to_owned(),
    };
    cx.out.line(format_args!("lasts      {lasts}"))?;
    for warning in warnings {
        cx.out.warning(warning);
    }
    Ok(())
}
