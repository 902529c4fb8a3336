//! Signing in at an identity server, and working with what comes of it.

use std::fs;
use std::time::Duration;

use openclaw_testkit::identity::{Endpoint, Fault, IdentityServer, Redirect};
use openclaw_testkit::process::HomeCommand;
use openclaw_testkit::{FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::json;

use crate::OPENCLAW;
use crate::audit::entries;

/// A home whose provider is signed in to at this server, and has no key otherwise.
fn home(server: &IdentityServer, provider: &FakeProvider) -> TestHome {
    let mut home = TestHome::new();
    home.set_env("OPENCLAW_CREDENTIALS_PASSWORD", "correct horse");
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    let fake = config["models"]["providers"]["fake"].as_object_mut();
    fake.unwrap().remove("apiKey");
    home.write_config(&config.to_string());
    let own = json!({ "oauth": { "fake": server.settings() } });
    let file = home
        .state_dir()
        .config_file()
        .with_file_name("openclaw-rs.json5");
    fs::write(file, own.to_string()).unwrap();
    home
}

fn login(home: &TestHome) -> HomeCommand {
    let args = ["configure", "--section", "auth", "--login", "fake"];
    home.command(OPENCLAW).args(args)
}

async fn say(home: &TestHome) -> Ran {
    let args = ["agent", "--message", "hello", "--json"];
    home.command(OPENCLAW).args(args).run().await
}

/// Signs in as a user does who opens the page in a browser and says yes.
async fn browse(home: &TestHome, server: &IdentityServer) -> Ran {
    let follow = async |line: String| {
        let url = line.trim_end().strip_prefix("open  ").unwrap().to_owned();
        server.browse(&url).await;
    };
    login(home).run_answering(follow).await
}

async fn sign_in(home: &TestHome, server: &IdentityServer) {
    let ran = browse(home, server).await;
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// Fails if anything that the server gave out is in what programs printed, or in any file.
#[track_caller]
fn assert_discreet(home: &TestHome, server: &IdentityServer, printed: &[&Ran]) {
    let secrets = server.secrets();
    assert!(!secrets.is_empty());
    for ran in printed {
        for secret in &secrets {
            assert!(!format!("{ran}").contains(secret), "{secret} in {ran}");
        }
    }
    let mut folders = vec![home.state_dir().root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for secret in &secrets {
                let found = bytes
                    .windows(secret.len())
                    .any(|at| at == secret.as_bytes());
                assert!(!found, "{secret} in {}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn a_sign_in_in_a_browser_is_stored_and_its_token_is_the_providers_key() {
    let server = IdentityServer::start();
    let provider = FakeProvider::scripted([Reply::text("one")]);
    let home = home(&server, &provider);
    let ran = browse(&home, &server).await.assert_code(0);
    assert!(
        ran.stdout.contains("signed in  fake, stored as oauth.fake"),
        "{ran}"
    );
    assert!(ran.stdout.contains("and is renewed before that"), "{ran}");

    let key = server
        .secrets()
        .into_iter()
        .find(|key| key.contains("access"));
    provider.expect_key(key.unwrap());
    let said = say(&home).await.assert_code(0);
    assert!(said.stdout.contains("one"), "{said}");
    provider.assert_clean();
    assert_discreet(&home, &server, &[&ran, &said]);

    let listed = home
        .command(OPENCLAW)
        .args(["credentials", "list", "--json"]);
    let listed = listed.run().await.assert_code(0);
    assert!(listed.stdout.contains("oauth.fake"), "{listed}");
    let entries = entries(&home, "secret").await;
    let told = entries
        .iter()
        .filter(|entry| entry.to_string().contains("oauth.fake"));
    assert_eq!(told.count(), 2, "stored, and read: {entries:?}");

    // What is removed is given back.
    let args = ["credentials", "remove", "oauth.fake", "--yes"];
    let removed = home.command(OPENCLAW).args(args).run().await.assert_code(0);
    assert_discreet(&home, &server, &[&removed, &listed]);
    let last = server.seen().pop().unwrap();
    assert_eq!(last.endpoint, Endpoint::Revoke);
}

#[tokio::test]
async fn a_sign_in_by_a_code_answers_with_one_document() {
    let server = IdentityServer::start();
    let provider = FakeProvider::scripted([]);
    let home = home(&server, &provider);
    let typed = async {
        server.asked(2).await;
        server.approve("WDJB-0001");
    };
    let (ran, ()) = tokio::join!(login(&home).args(["--device", "--json"]).run(), typed);
    let ran = ran.assert_code(0);
    let answer = ran.json();
    assert_eq!(answer["data"]["record"], "oauth.fake");
    assert_eq!(
        answer["data"]["scopes"],
        json!(["models", "offline_access"])
    );
    let invited: serde_json::Value =
        serde_json::from_str(ran.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(invited["userCode"], "WDJB-0001");
    assert_discreet(&home, &server, &[&ran]);
}

#[tokio::test]
async fn a_sign_in_that_does_not_come_about_stores_nothing_and_says_why() {
    let server = IdentityServer::start();
    let provider = FakeProvider::scripted([]);
    let home = home(&server, &provider);
    server.redirect(Redirect::Error("access_denied"));
    let declined = browse(&home, &server).await.assert_code(6);
    assert!(
        declined.stderr.contains("the sign-in was declined"),
        "{declined}"
    );

    server.redirect(Redirect::OtherIssuer);
    let mixed = browse(&home, &server).await.assert_code(69);
    assert!(
        mixed.stderr.contains("it comes from another issuer"),
        "{mixed}"
    );

    server.redirect(Redirect::Right);
    server.fail(Endpoint::Token, Fault::Error("invalid_client"));
    let refused = browse(&home, &server).await.assert_code(78);
    assert!(refused.stderr.contains("invalid_client"), "{refused}");
    assert!(refused.stderr.contains("compare `clientId`"), "{refused}");

    let unknown = home
        .command(OPENCLAW)
        .args(["configure", "--section", "auth", "--login", "nobody"])
        .run()
        .await
        .assert_code(78);
    assert!(unknown.stderr.contains("no `oauth.nobody`"), "{unknown}");
    assert!(
        !home
            .state_dir()
            .credentials()
            .join("oauth.fake.enc")
            .exists()
    );
    assert_discreet(&home, &server, &[&declined, &mixed, &refused]);
}

#[tokio::test]
async fn a_sign_in_is_renewed_before_it_is_used_and_the_user_is_told_when_it_is_over() {
    let server = IdentityServer::start();
    let provider = FakeProvider::scripted(["one", "two"].map(Reply::text));
    let home = home(&server, &provider);
    // Every one of these is about to run out.
    server.token_life(Some(Duration::from_secs(1)));
    sign_in(&home, &server).await;
    server.token_life(Some(Duration::from_mins(4)));
    let said = say(&home).await.assert_code(0);
    assert_eq!(server.seen().len(), 2, "{said}");
    let newest = server
        .secrets()
        .into_iter()
        .rfind(|key| key.contains("access"));
    let asked = provider.last_request();
    assert!(
        format!("{asked:?}").contains(&newest.unwrap()),
        "the renewed token is the key"
    );

    server.fail(Endpoint::Token, Fault::Status(503));
    server.token_life(Some(Duration::from_secs(1)));
    let said = say(&home).await.assert_code(0);
    assert!(
        said.stdout.contains("two"),
        "it is good for some minutes yet: {said}"
    );

    server.token_life(Some(Duration::ZERO));
    sign_in(&home, &server).await;
    server.fail(Endpoint::Token, Fault::Error("invalid_grant"));
    let refused = say(&home).await;
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(
        refused
            .stdout
            .contains("openclaw configure --section auth --login fake"),
        "{refused}"
    );
    assert_discreet(&home, &server, &[&said, &refused]);
}

#[tokio::test]
async fn a_running_gateway_takes_up_a_new_sign_in() {
    let server = IdentityServer::start();
    let provider = FakeProvider::scripted([Reply::text("one")]);
    let home = home(&server, &provider);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    sign_in(&home, &server).await;
    let key = server
        .secrets()
        .into_iter()
        .find(|key| key.contains("access"));
    provider.expect_key(key.unwrap());
    let mut asked = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..100 {
        asked.tick().await;
        let read = format!("{:?}", entries(&home, "secret").await);
        if read.contains("provider fake") {
            break;
        }
    }
    let say = json!({ "sessionKey": "agent:main:main", "content": "hello" });
    let answer = gateway.rpc("session.message", say).await.unwrap();
    assert_eq!(answer["content"], "one", "{}", gateway.stderr());
    provider.assert_clean();
    for secret in server.secrets() {
        assert!(!gateway.stderr().contains(&secret));
    }
}
