//! Renewal against the identity server of the test kit and a credential store on disk.

use std::fs;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::env::OPENCLAW_CREDENTIALS_PASSWORD;
use openclaw_core::state_dir::Overrides;
use openclaw_core::{Clock, Kind, ProviderId};
use openclaw_testkit::TestHome;
use openclaw_testkit::identity::{Endpoint, Fault, IdentityServer};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;

struct Place {
    server: IdentityServer,
    test: TestHome,
}

impl Place {
    fn new() -> Self {
        let (server, mut test) = (IdentityServer::start(), TestHome::new());
        test.set_env(OPENCLAW_CREDENTIALS_PASSWORD.name, "correct horse");
        test.write_config("{}");
        let own = json!({ "oauth": { "example": server.settings() } });
        let file = test
            .state_dir()
            .config_file()
            .with_file_name("openclaw-rs.json5");
        fs::write(file, own.to_string()).unwrap();
        Self { server, test }
    }

    /// Opens the home, as a process of its own would.
    fn home(&self) -> Home {
        Home::open(self.test.env(), &Overrides::default()).unwrap()
    }

    async fn sign_in(&self, home: &Home) {
        let stop = CancellationToken::new();
        let client = client(home, &example(), &stop).await.unwrap();
        let login = client.in_browser().await.unwrap();
        let url = login.url().to_owned();
        let within = Duration::from_mins(1);
        let (tokens, _page) = tokio::join!(login.finish(within, &stop), self.server.browse(&url));
        let sign_in = client.signed_in(example(), tokens.unwrap());
        let opening = home.clone();
        let store = off_thread(move || {
            let password = opening.vault().password()?.unwrap();
            Ok(opening.vault().unlock(&password)?)
        });
        keep(home, store.await.unwrap(), &sign_in).await.unwrap();
    }

    /// How often the token endpoint was asked to renew.
    fn renewals(&self) -> usize {
        let seen = self.server.seen();
        let renewals = seen.iter().filter(|ask| {
            ask.form
                .get("grant_type")
                .is_some_and(|grant| grant == "refresh_token")
        });
        renewals.count()
    }

    fn accepts(&self, sign_in: &SignIn) -> bool {
        self.server.accepts(sign_in.tokens.access.expose_secret())
    }
}

fn example() -> ProviderId {
    ProviderId::from("example")
}

fn in_minutes(minutes: u64) -> Clock {
    Clock::fixed(now() + Duration::from_secs(minutes * 60))
}

async fn stored(home: &Home) -> SignIn {
    read(home, &example()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_sign_in_is_renewed_five_minutes_before_it_runs_out_and_its_token_is_the_key() {
    let place = Place::new();
    let home = place.home();
    assert!(key(&home, &example()).unwrap().is_none());
    place.sign_in(&home).await;
    let first = stored(&home).await;

    let early = renew(&home, &example(), &in_minutes(54)).await.unwrap();
    assert_eq!((early, place.renewals()), (Renewed::No, 0));
    let due = renew(&home, &example(), &in_minutes(56)).await.unwrap();
    assert_eq!((due, place.renewals()), (Renewed::Yes, 1));

    // As a process that starts now finds it.
    let home = place.home();
    let second = stored(&home).await;
    assert!(place.accepts(&second));
    let text = |sign_in: &SignIn| sign_in.tokens.access.expose_secret().to_owned();
    assert_ne!(text(&first), text(&second));
    assert!(second.tokens.expires_at > first.tokens.expires_at);
    let found = spawn_blocking(move || key(&home, &example()).unwrap().unwrap());
    let (name, access) = found.await.unwrap();
    assert_eq!(
        (name.as_str(), access.expose_secret()),
        ("oauth.example", &*text(&second))
    );
}

#[tokio::test]
async fn two_processes_that_are_due_at_once_spend_the_refresh_token_once() {
    let place = Place::new();
    let (one, other) = (place.home(), place.home());
    place.sign_in(&one).await;
    stored(&other).await;
    let (provider, clock) = (example(), in_minutes(56));
    let (first, second) = tokio::join!(
        renew(&one, &provider, &clock),
        renew(&other, &provider, &clock)
    );
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (Renewed::Yes, Renewed::Yes)
    );
    assert_eq!(place.renewals(), 1);
    assert!(place.accepts(&stored(&one).await));
    assert!(place.accepts(&stored(&other).await));
}

#[tokio::test]
async fn a_refusal_for_good_is_remembered_and_the_user_is_told_once_the_key_has_run_out() {
    let place = Place::new();
    let home = place.home();
    place.server.token_life(Some(Duration::from_secs(1)));
    place.sign_in(&home).await;
    place
        .server
        .fail(Endpoint::Token, Fault::Error("invalid_grant"));
    let err = renew(&home, &example(), &in_minutes(1)).await.unwrap_err();
    assert_eq!(err.kind(), Kind::Unauthenticated);
    let hint = "sign in again: `openclaw configure --section auth --login example`";
    assert_eq!(err.hint().as_deref(), Some(hint));
    assert!(stored(&home).await.tokens.refresh.is_none());

    let clock = in_minutes(60);
    let done = round::round(&home, &clock).await;
    assert!(done.renewed.is_empty());
    assert_eq!(done.run_out.into_iter().collect::<Vec<_>>(), [example()]);
    assert_eq!(place.renewals(), 1, "a refused token is not sent again");

    let mut over = stored(&home).await;
    over.tokens.expires_at = Some(Timestamp::UNIX_EPOCH);
    write(&home, &over).await.unwrap();
    let asked = home.clone();
    let err = spawn_blocking(move || key(&asked, &example()).unwrap_err());
    let err = err.await.unwrap();
    assert_eq!(err.hint().as_deref(), Some(hint));
    assert_eq!(
        err.to_string(),
        "the sign-in at `example`: it is over: it has run out, and the server gave nothing to renew it with"
    );

    // A new sign-in is as good as the first one.
    place.server.token_life(Some(Duration::from_hours(1)));
    place.sign_in(&home).await;
    assert!(
        round::round(&home, &Clock::system())
            .await
            .run_out
            .is_empty()
    );
}

#[tokio::test]
async fn a_server_that_is_away_leaves_the_sign_in_as_it_is() {
    let place = Place::new();
    let home = place.home();
    place.sign_in(&home).await;
    let before = stored(&home).await;
    for fault in [
        Fault::Status(503),
        Fault::Error("temporarily_unavailable"),
        Fault::Body("canary".to_owned()),
    ] {
        place.server.fail(Endpoint::Token, fault);
        let err = renew(&home, &example(), &in_minutes(56)).await.unwrap_err();
        assert_eq!(err.kind(), Kind::Unavailable, "{err}");
    }
    let after = stored(&home).await;
    assert_eq!(
        after.to_record().expose_secret(),
        before.to_record().expose_secret()
    );
    let renewed = renew(&home, &example(), &in_minutes(56)).await.unwrap();
    assert_eq!(renewed, Renewed::Yes);
}

#[tokio::test]
async fn what_is_no_sign_in_is_said_to_be_none_and_not_shown() {
    let place = Place::new();
    let home = place.home();
    place.sign_in(&home).await;
    let mut of_another = stored(&home).await;
    of_another.provider = ProviderId::from("other");
    let of_another = of_another.to_record();
    for record in ["canary-plain-key", of_another.expose_secret()] {
        let secret = ApiKey::new(record.to_owned());
        let put = |store: &CredentialStore| store.put("oauth.example", &secret);
        home.vault().with(put).unwrap().unwrap();
        let err = read(&home, &example()).await.map(drop).unwrap_err();
        assert!(!format!("{err} {err:?}").contains("canary"), "{err:?}");
        assert!(err.hint().unwrap().starts_with("sign in again"));
        assert!(
            round::round(&home, &in_minutes(56))
                .await
                .renewed
                .is_empty()
        );
    }
    assert_eq!(place.renewals(), 0);
}

#[tokio::test]
async fn a_provider_without_settings_is_said_to_have_none() {
    let place = Place::new();
    let stop = CancellationToken::new();
    let other = ProviderId::from("other");
    let err = client(&place.home(), &other, &stop).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        "the provider `other` is not signed in to: `openclaw-rs.json5` has no `oauth.other`"
    );
    assert!(err.hint().unwrap().contains("oauth: { other: {"));
}
