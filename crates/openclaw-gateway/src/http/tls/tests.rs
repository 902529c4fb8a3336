//! Which pair is in force.

use std::fs;
use std::path::Path;

use openclaw_config::WhenMissing;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::*;

fn settings(dir: &TempDir) -> TlsSettings {
    TlsSettings {
        certificate: dir.path().join("deep/cert.pem"),
        key: dir.path().join("deep/key.pem"),
        authorities: None,
        missing: WhenMissing::Generate,
    }
}

fn write(settings: &TlsSettings, until: i32) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(&settings.certificate, certificate.pem()).unwrap();
    fs::write(&settings.key, key.serialize_pem()).unwrap();
}

#[test]
fn a_pair_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir);
    let first = Tls::open(&settings).unwrap().fingerprint();
    assert_eq!(Tls::open(&settings).unwrap().fingerprint(), first);
    let files = fs::read_dir(dir.path().join("deep")).unwrap().count();
    assert_eq!(files, 2, "no draft is left");
}

#[test]
fn a_good_change_is_taken_up_and_a_bad_one_is_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir);
    let tls = Tls::open(&settings).unwrap();
    let (first, now) = (tls.fingerprint(), Clock::system().now());
    assert!(!tls.look(), "nothing has changed");

    fs::write(&settings.key, "broken").unwrap();
    assert!(!tls.look());
    assert_eq!(tls.fingerprint(), first);
    assert!(tls.trouble(now).unwrap().contains("no private key"));

    write(&settings, 2022);
    assert!(!tls.look());
    assert_eq!(tls.fingerprint(), first);
    assert!(tls.trouble(now).unwrap().contains("has expired"));

    write(&settings, 2045);
    assert!(tls.look());
    assert_ne!(tls.fingerprint(), first);
    assert_eq!(tls.trouble(now), None);
    let later = "2046-01-01T00:00:00Z".parse().unwrap();
    assert!(tls.trouble(later).unwrap().contains("has expired"));

    fs::remove_file(&settings.key).unwrap();
    assert!(!tls.look());
    assert!(
        tls.trouble(now).is_some(),
        "and nothing is made in its place"
    );
    assert!(!settings.key.exists());
}

#[test]
fn the_chain_is_completed_as_far_as_it_helps() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&dir);
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    };
    let (root, root_key) = named("root");
    let root_itself = root.self_signed(&root_key).unwrap();
    let root = Issuer::new(root, root_key);
    let (middle, middle_key) = named("middle");
    let signed_middle = middle.signed_by(&middle_key, &root).unwrap();
    let (leaf, leaf_key) = named("leaf");
    let leaf = leaf
        .signed_by(&leaf_key, &Issuer::new(middle, middle_key))
        .unwrap();
    fs::create_dir(dir.path().join("deep")).unwrap();
    fs::write(&settings.certificate, leaf.pem()).unwrap();
    fs::write(&settings.key, leaf_key.serialize_pem()).unwrap();
    let authorities = dir.path().join("ca.pem");
    fs::write(&authorities, root_itself.pem() + &signed_middle.pem()).unwrap();
    let chain = |settings: &TlsSettings| {
        Tls::open(settings)
            .unwrap()
            .shown
            .0
            .read()
            .certified
            .cert
            .len()
    };
    assert_eq!(chain(&settings), 1);
    settings.authorities = Some(authorities);
    assert_eq!(chain(&settings), 2, "the root is not sent");
}

#[test]
fn what_is_no_plain_file_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&dir);
    drop(Tls::open(&settings).unwrap());
    settings.certificate = Path::new("/dev/zero").to_owned();
    assert!(matches!(
        Tls::open(&settings),
        Err(TlsError::Unreadable { .. })
    ));
}
