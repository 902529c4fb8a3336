//! Pairing, tokens and signatures of devices, on a file of their own.

use ed25519_dalek::SigningKey;
use tempfile::TempDir;

use super::*;
use crate::access::{Principal, Scope};

fn newcomer(seed: u8, rights: &[Right]) -> Newcomer {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
    let text = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        key.as_bytes(),
    );
    Newcomer {
        key: DeviceKey::read(&text).unwrap(),
        says: DeviceSays {
            client_id: "openclaw-tui".to_owned(),
            display_name: Some("a\u{1b}[31mname".to_owned()),
            ..DeviceSays::default()
        },
        rights: rights.iter().copied().collect(),
        from: None,
    }
}

#[test]
fn a_device_is_let_in_by_whoever_may_give_that_much() {
    let devices = Devices::nowhere(Clock::system());
    let request = devices.request(newcomer(1, &[Right::Write])).unwrap();
    assert_eq!(request.says.display_name.as_deref(), Some("a[31mname"));
    let again = devices.request(newcomer(1, &[Right::Write])).unwrap();
    assert_eq!(
        again.request_id, request.request_id,
        "it asks for nothing new"
    );

    let reader = Rights::from_iter([Right::Read, Right::Pairing]);
    let too_much = devices.approve(&request.request_id, "reader", reader);
    assert!(matches!(too_much, Err(DeviceError::TooMuch)));
    let admin = Rights::from_iter([Right::Admin]);
    let device = devices
        .approve(&request.request_id, "owner", admin)
        .unwrap();
    assert_eq!(device.approved_by, "owner");
    let gone = devices.approve(&request.request_id, "owner", admin);
    assert!(matches!(gone, Err(DeviceError::NoRequest(_))));
}

#[test]
fn a_token_is_good_for_its_device_until_it_is_taken_back() {
    let devices = Devices::nowhere(Clock::system());
    let (one, other) = (newcomer(1, &[Right::Write]), newcomer(2, &[Right::Read]));
    let id = devices.pair(one, "owner").unwrap().device_id;
    let stranger = devices.pair(other, "owner").unwrap().device_id;
    let token = devices.give_token(id.as_str(), None).unwrap();
    let (verified, rights) = devices.verify(&id, token.expose_secret()).unwrap();
    assert_eq!(
        verified.admitted.principal(),
        &Principal::Device(id.clone())
    );
    assert!(verified.admitted.may(Scope::Write) && !verified.admitted.may(Scope::Admin));
    assert_eq!(rights, Rights::from_iter([Right::Write]));
    assert!(devices.verify(&stranger, token.expose_secret()).is_err());

    let next = devices.give_token(id.as_str(), None).unwrap();
    assert!(verified.ended.is_over(), "its connections end with it");
    assert!(devices.verify(&id, token.expose_secret()).is_err());
    assert!(devices.verify(&id, next.expose_secret()).is_ok());
    assert!(devices.revoke_token(id.as_str()).unwrap());
    assert!(devices.verify(&id, next.expose_secret()).is_err());
    let more = devices.give_token(id.as_str(), Some(Rights::from_iter([Right::Admin])));
    assert!(matches!(more, Err(DeviceError::TooMuch)));
}

#[test]
fn what_was_decided_outlives_the_gateway() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("devices.json");
    let devices = Devices::open(&path, Clock::system()).unwrap();
    let id = devices
        .pair(newcomer(1, &[Right::Read]), "owner")
        .unwrap()
        .device_id;
    let token = devices.give_token(id.as_str(), None).unwrap();
    let request = devices.request(newcomer(2, &[Right::Read])).unwrap();
    drop(devices);

    let written = std::fs::read_to_string(&path).unwrap();
    assert!(!written.contains(token.expose_secret()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let devices = Devices::open(&path, Clock::system()).unwrap();
    assert!(devices.verify(&id, token.expose_secret()).is_ok());
    assert_eq!(devices.list().0, [request]);
    let until = devices.until_removed(&id).unwrap();
    devices.remove(id.as_str()).unwrap();
    assert!(until.is_over());
    assert!(matches!(
        devices.remove(id.as_str()),
        Err(DeviceError::NoDevice(_))
    ));

    std::fs::write(&path, "{").unwrap();
    let damaged = Devices::open(&path, Clock::system()).unwrap_err();
    assert!(damaged.to_string().contains("damaged"), "{damaged}");
}

#[test]
fn a_request_runs_out_and_strangers_do_not_fill_the_list() {
    let start: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let clock = Clock::fixed(start);
    let devices = Devices::nowhere(clock.clone());
    let first = devices.request(newcomer(1, &[Right::Read])).unwrap();
    for seed in 2..=33 {
        devices.request(newcomer(seed, &[Right::Read])).unwrap();
    }
    let (pending, _) = devices.list();
    assert_eq!(pending.len(), PENDING);
    assert!(!pending.contains(&first), "the oldest went");
    clock.set(start + PENDING_LIFE);
    assert_eq!(devices.list().0, []);
}
