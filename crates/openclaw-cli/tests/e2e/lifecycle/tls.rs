//! TLS at the gateway's own door.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openclaw_testkit::{GatewayProcess, TestHome};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ask, bearer};
use crate::OPENCLAW;

/// Where a home keeps its pair when nothing is said.
fn own_pair(home: &TestHome) -> (PathBuf, PathBuf) {
    let folder = home.state_dir().root().join("gateway/tls");
    (
        folder.join("gateway-cert.pem"),
        folder.join("gateway-key.pem"),
    )
}

fn enable(home: &TestHome, more: &serde_json::Value) {
    let mut tls = json!({ "enabled": true });
    tls.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    home.write_config(&json!({ "gateway": { "tls": tls } }).to_string());
}

/// Writes a pair that is good until a year.
fn write_pair(certificate: &Path, key: &Path, until: i32) {
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    fs::create_dir_all(certificate.parent().unwrap()).unwrap();
    fs::write(certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
    fs::write(key, pair.serialize_pem()).unwrap();
}

/// Agrees on TLS with a gateway that shows this very certificate.
pub(super) async fn connect(
    gateway: &GatewayProcess,
    certificate: &Path,
    protocols: &[&[u8]],
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificate).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(gateway.addr()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[tokio::test]
async fn a_pair_is_made_and_the_command_line_knows_it() {
    let home = TestHome::new();
    enable(&home, &json!({}));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (certificate, key) = own_pair(&home);
    for file in [&certificate, &key] {
        let mode = fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    let host = ("host", "localhost");
    let stream = connect(&gateway, &certificate, &[b"http/1.1"])
        .await
        .unwrap();
    assert_eq!(ask(stream, "/health", &[host]).await.0, 200);
    let status = home
        .command(OPENCLAW)
        .args(["status", "--json"])
        .run()
        .await
        .json();
    assert_eq!(status["gateway"]["reachable"], true, "{status}");
    assert!(
        status["gateway"]["url"]
            .as_str()
            .unwrap()
            .starts_with("wss://"),
        "{status}"
    );
    let link = home
        .command(OPENCLAW)
        .args(["dashboard"])
        .run()
        .await
        .assert_code(0);
    assert!(link.stdout.starts_with("https://127.0.0.1:"), "{link}");
    let second = home
        .command(OPENCLAW)
        .args(["gateway", "run", "--port", "0"])
        .run()
        .await;
    assert!(second.assert_code(69).stderr.contains("https://127.0.0.1:"));
    // In the clear nothing is answered.
    let plain = TcpStream::connect(gateway.addr()).await.unwrap();
    let mut plain = plain;
    tokio::io::AsyncWriteExt::write_all(
        &mut plain,
        b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    )
    .await
    .unwrap();
    let mut answer = Vec::new();
    drop(tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn pages_of_the_gateway_itself_come_over_https() {
    let home = TestHome::new();
    enable(&home, &json!({}));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (certificate, _) = own_pair(&home);
    let port = gateway.addr().port();
    let (secure, plain) = (
        format!("https://localhost:{port}"),
        format!("http://localhost:{port}"),
    );
    let (host, bearer) = (format!("localhost:{port}"), bearer(&gateway));
    for (origin, status) in [(secure, 200), (plain, 403)] {
        let stream = connect(&gateway, &certificate, &[]).await.unwrap();
        let headers = [
            ("host", &*host),
            ("authorization", &*bearer),
            ("origin", &*origin),
        ];
        assert_eq!(ask(stream, "/status", &headers).await.0, status, "{origin}");
    }
}

#[tokio::test]
async fn a_renewed_pair_is_shown_to_new_connections_and_a_broken_one_is_not() {
    let home = TestHome::new();
    home.lift_limits();
    let (certificate, key) = (home.path().join("c.pem"), home.path().join("k.pem"));
    write_pair(&certificate, &key, 2040);
    let paths = json!({ "certPath": "~/c.pem", "keyPath": "~/k.pem", "autoGenerate": false });
    enable(&home, &paths);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let before = home.path().join("before.pem");
    fs::copy(&certificate, &before).unwrap();
    let open = connect(&gateway, &before, &[]).await.unwrap();

    let (next, next_key) = (home.path().join("n.pem"), home.path().join("nk.pem"));
    write_pair(&next, &next_key, 2041);
    // The certificate is renewed before its key: for a moment they do not go together.
    fs::rename(&next, &certificate).unwrap();
    until(&gateway, "is refused; the old one stays").await;
    assert!(connect(&gateway, &before, &[]).await.is_ok());
    fs::rename(&next_key, &key).unwrap();
    let mut tried = tokio::time::interval(Duration::from_millis(50));
    while connect(&gateway, &certificate, &[]).await.is_err() {
        tried.tick().await;
    }
    assert!(connect(&gateway, &before, &[]).await.is_err());
    let host = ("host", "localhost");
    assert_eq!(
        ask(open, "/health", &[host]).await.0,
        200,
        "it is still open"
    );
    let status = home
        .command(OPENCLAW)
        .args(["status", "--json"])
        .run()
        .await
        .json();
    assert_eq!(status["gateway"]["reachable"], true, "{status}");
}

async fn until(gateway: &GatewayProcess, said: &str) {
    let mut looked = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..400 {
        looked.tick().await;
        if gateway.stderr().contains(said) {
            return;
        }
    }
    panic!("it does not say `{said}`\n{}", gateway.stderr());
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_named_at_the_start() {
    let home = TestHome::new();
    let (certificate, key) = (home.path().join("c.pem"), home.path().join("k.pem"));
    let paths = json!({ "certPath": "~/c.pem", "keyPath": "~/k.pem" });
    let refused = async |why: &str| {
        let args = ["gateway", "run", "--port", "0"];
        let ran = home
            .command(OPENCLAW)
            .args(args)
            .run()
            .await
            .assert_code(78);
        assert!(ran.stderr.contains(why), "{why}: {ran}");
        assert!(ran.stdout.is_empty(), "{ran}");
    };
    enable(
        &home,
        &json!({ "certPath": "~/c.pem", "keyPath": "~/k.pem", "autoGenerate": false }),
    );
    refused("there is no certificate at").await;
    enable(&home, &paths);
    write_pair(&certificate, &key, 2040);
    fs::remove_file(&key).unwrap();
    refused("is missing, and").await;
    assert!(!key.exists(), "half a pair is left alone");
    fs::create_dir(&key).unwrap();
    refused("is a directory").await;
    fs::remove_dir(&key).unwrap();
    fs::write(&key, "no key").unwrap();
    refused("has no private key in PEM").await;
    fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    refused("does not go with the certificate").await;
    write_pair(&certificate, &key, 2021);
    refused("has expired: it was good until 2021-01-01").await;
    fs::write(
        &certificate,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    refused("is no X.509 certificate").await;
}
