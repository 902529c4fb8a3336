//! TLS over the loopback interface: whose certificates are believed, and which HTTP is spoken.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use openclaw_core::Kind;
use openclaw_http::{Ca, HttpClient, HttpError, Network, NetworkError, PostJson, Retry};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{short, text};

/// The variable by which a test tells its own process, started again, where to ask.
const ASK: &str = "OPENCLAW_TEST_ASK";

/// A server whose certificate an authority of its own has signed.
struct TlsServer {
    url: String,
    /// The authority's certificate.
    ca: String,
}

impl TlsServer {
    async fn start() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &Issuer::new(ca, ca_key))
            .unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor(certificate.der().clone(), &key);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not believe us hangs up.
                if let Ok(stream) = acceptor.accept(stream).await {
                    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                    tokio::spawn(answer(stream));
                }
            }
        });
        Self {
            url: format!("https://localhost:{port}/v1"),
            ca: ca_pem,
        }
    }

    fn ca_file(&self, folder: &TempDir) -> PathBuf {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, &self.ca).unwrap();
        path
    }
}

pub(crate) fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    // HTTP/1.1 comes first, so that it is the client that asks for more.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks HTTP/2 and nothing else.
async fn answer(stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let version = format!("{:?}", request.version());
        let head = http::Response::new(());
        let mut body = respond.send_response(head, false).unwrap();
        body.send_data(Bytes::from(version), true).unwrap();
    }
}

async fn ask(url: &str, network: Network) -> Result<String, HttpError> {
    let request = PostJson::new(url, &json!({})).unwrap().retry(Retry::NEVER);
    let client = HttpClient::with_network(short(), network);
    let body = client.post_json(request, &CancellationToken::new()).await?;
    text(body).await
}

fn believing(ca: Ca) -> Network {
    Network {
        ca: vec![ca],
        ..Network::default()
    }
}

#[tokio::test]
async fn an_authority_in_the_settings_is_believed_and_http_2_is_spoken() {
    let server = TlsServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    for ca in [
        Ca::Pem(server.ca.clone()),
        Ca::File(server.ca_file(&folder)),
    ] {
        let said = ask(&server.url, believing(ca)).await.unwrap();
        assert_eq!(said, "HTTP/2.0");
    }
}

#[tokio::test]
async fn an_authority_that_nobody_named_is_refused_with_what_to_do() {
    let server = TlsServer::start().await;
    let other = TlsServer::start().await;
    for network in [Network::default(), believing(Ca::Pem(other.ca))] {
        let error = ask(&server.url, network).await.unwrap_err();
        assert!(matches!(error, HttpError::Certificate { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!("the certificate of {} is not trusted", server.url)
        );
        assert!(error.hint().unwrap().contains("NODE_EXTRA_CA_CERTS"));
        assert!(!error.is_temporary());
    }
}

#[tokio::test]
async fn a_file_of_authorities_that_is_missing_stops_the_request_and_is_named() {
    let server = TlsServer::start().await;
    let missing = Ca::File("/nowhere/ca.pem".into());
    let error = ask(&server.url, believing(missing)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(
        matches!(&error, HttpError::Network(what) if matches!(**what, NetworkError::Unreadable { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

/// The test below starts this one in processes of its own and says where to ask; nobody else does.
#[tokio::test]
async fn asks_with_the_default_settings_where_it_is_told_to() {
    let Ok(url) = std::env::var(ASK) else {
        return;
    };
    assert_eq!(ask(&url, Network::default()).await.unwrap(), "HTTP/2.0");
}

#[tokio::test]
async fn the_environment_s_authorities_are_believed() {
    let server = TlsServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = server.ca_file(&folder);
    for (variable, named, is_believed) in [
        ("SSL_CERT_FILE", ca.as_path(), true),
        ("SSL_CERT_DIR", folder.path(), true),
        ("NODE_EXTRA_CA_CERTS", ca.as_path(), true),
        ("NO_SUCH_VARIABLE", ca.as_path(), false),
    ] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args([
                "--exact",
                "tls::asks_with_the_default_settings_where_it_is_told_to",
            ])
            .env(ASK, &server.url)
            .env(variable, named);
        let done = tokio::task::spawn_blocking(move || again.output().unwrap());
        let done = done.await.unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(said.contains("running 1 test"), "{said}");
        assert_eq!(done.status.success(), is_believed, "{variable}: {said}");
    }
}
