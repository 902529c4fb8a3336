//! A header that is not as it was written.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::super::header::{MAX_HEADER_SIZE, VERSION};
use super::{Home, PASSWORD, get, open, put};
use crate::credentials::{CredentialError, HeaderDamage};

const HEADER: &str = "master.salt";
/// Where the checksum is, and what comes after it.
const CHECKSUM: std::ops::Range<usize> = 18..50;
const MEMORY: usize = 50;
const PASSES: usize = 54;
const LANES: usize = 58;

/// Makes the checksum fit again, as somebody would who means harm.
fn mended(mut header: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::new()
        .chain_update(&header[..CHECKSUM.start])
        .chain_update(&header[CHECKSUM.end..]);
    let hash: [u8; 32] = hash.finalize().into();
    header[CHECKSUM].copy_from_slice(&hash);
    header
}

fn with_number(header: &[u8], at: usize, number: u32) -> Vec<u8> {
    let mut header = header.to_vec();
    header[at..at + 4].copy_from_slice(&number.to_be_bytes());
    mended(header)
}

fn assert_damaged(home: &Home, what: &str) {
    for password in [PASSWORD, "wrong"] {
        let refused = open(&home.path(), password);
        let damaged = matches!(refused, Err(CredentialError::Header { .. }));
        assert!(damaged, "{what}: {refused:?}");
    }
}

#[test]
fn a_flip_of_any_byte_is_a_damaged_header_and_no_wrong_password() {
    let home = Home::new();
    let whole = home.read(HEADER);
    for at in 0..whole.len() {
        for mask in [1, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[at] ^= mask;
            home.write(HEADER, &flipped);
            assert_damaged(&home, &format!("byte {at}"));
            // A handle that is open notices too, and does not write over it.
            let refused = home.store.put("anthropic", &crate::ApiKey::new("x".into()));
            assert!(matches!(refused, Err(CredentialError::Header { .. })));
            assert_eq!(home.read(HEADER), flipped);
        }
    }
    home.write(HEADER, &whole);
    assert_eq!(
        get(&open(&home.path(), PASSWORD).unwrap(), "openai"),
        "sk-oai-one"
    );
}

#[test]
fn a_header_that_was_cut_or_has_more_is_damaged() {
    let home = Home::new();
    let whole = home.read(HEADER);
    for len in 0..whole.len() {
        home.write(HEADER, &whole[..len]);
        assert_damaged(&home, &format!("{len} bytes"));
    }
    home.write(HEADER, &[&whole[..], b"\n"].concat());
    assert_damaged(&home, "a byte more");
    home.write(HEADER, &vec![0; 4 * MAX_HEADER_SIZE]);
    assert_damaged(&home, "far too long");
}

#[test]
fn nothing_opens_when_a_byte_was_changed_and_the_checksum_fits() {
    let home = Home::new();
    let whole = home.read(HEADER);
    // All fields in plain, the sealed data key, and the beginning and end of the manifest.
    let kept = whole.len();
    for at in (16..18)
        .chain(50..kept)
        .filter(|at| *at < 170 || *at % 16 == 0)
    {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        home.write(HEADER, &mended(flipped));
        let refused = open(&home.path(), PASSWORD);
        let known = matches!(
            refused,
            Err(CredentialError::WrongPassword { .. }
                | CredentialError::Header { .. }
                | CredentialError::Kdf { .. }
                | CredentialError::Newer { .. })
        );
        assert!(known, "byte {at}: {refused:?}");
    }
}

#[test]
fn hostile_work_is_refused_at_once() {
    let home = Home::new();
    let whole = home.read(HEADER);
    for (at, number) in [
        (MEMORY, 4 * 1024 * 1024),
        (MEMORY, u32::MAX),
        (MEMORY, 0),
        (MEMORY, 8 * 1024 - 1),
        (PASSES, u32::MAX),
        (PASSES, 0),
        (PASSES, 257),
        (LANES, u32::MAX),
        (LANES, 0),
        (LANES, 17),
    ] {
        home.write(HEADER, &with_number(&whole, at, number));
        let begun = Instant::now();
        let refused = open(&home.path(), PASSWORD);
        assert!(begun.elapsed() < Duration::from_millis(50));
        let hostile = matches!(refused, Err(CredentialError::Kdf { .. }));
        assert!(hostile, "{number} at {at}: {refused:?}");
    }
}

#[test]
fn a_header_of_a_later_version_is_told_from_a_damaged_one() {
    let home = Home::new();
    let mut later = home.read(HEADER);
    later[16..18].copy_from_slice(&(VERSION + 1).to_be_bytes());
    let later = mended([&later[..], b"and more"].concat());
    home.write(HEADER, &later);
    let refused = open(&home.path(), PASSWORD);
    let newer = matches!(
        refused,
        Err(CredentialError::Newer {
            found: 2,
            known: 1,
            ..
        })
    );
    assert!(newer, "{refused:?}");
    assert_eq!(home.read(HEADER), later);
}

#[test]
fn a_wrong_password_opens_and_changes_nothing() {
    let home = Home::new();
    let whole = home.read(HEADER);
    // What a killed process left is not for somebody to tidy who does not know the password.
    home.write("openai.enc+next", b"half");
    for wrong in ["correct hors", "Correct horse", "correct horse ", "\u{0}"] {
        let refused = open(&home.path(), wrong);
        let wrong = matches!(refused, Err(CredentialError::WrongPassword { .. }));
        assert!(wrong, "{refused:?}");
    }
    assert!(matches!(
        open(&home.path(), ""),
        Err(CredentialError::EmptyPassword)
    ));
    assert_eq!(home.read(HEADER), whole);
    assert_eq!(home.read("openai.enc+next"), b"half");
}

#[test]
fn a_missing_header_is_not_made_again_beside_records() {
    let home = Home::new();
    std::fs::remove_file(home.file(HEADER)).unwrap();
    for refused in [
        open(&home.path(), PASSWORD).err(),
        home.store.get("openai").err(),
    ] {
        assert!(matches!(
            refused,
            Some(CredentialError::HeaderMissing { .. })
        ));
    }
    assert!(!home.file(HEADER).exists());
}

#[test]
fn a_bare_salt_in_place_of_the_header_upgrades_nothing() {
    let home = Home::new();
    for salt in [&b"8PHy8/T19vf4+fr7/P3+/w"[..], &[0xf7; 16]] {
        home.write(HEADER, salt);
        let salt = CredentialError::Header {
            path: home.file(HEADER),
            damage: HeaderDamage::Salt,
        };
        for refused in [
            open(&home.path(), PASSWORD).err(),
            home.store.get("openai").err(),
        ] {
            assert_eq!(refused.unwrap().to_string(), salt.to_string());
        }
    }
}

#[test]
fn an_earlier_header_is_noticed_by_whoever_saw_a_later_one() {
    let home = Home::new();
    let earlier = home.read(HEADER);
    let record = home.read("openai.enc");
    put(&home.store, "openai", "sk-oai-two");
    home.write(HEADER, &earlier);
    home.write("openai.enc", &record);
    let damage = HeaderDamage::Earlier;
    let Err(CredentialError::Header { damage: found, .. }) = home.store.get("openai") else {
        panic!("it was put back");
    };
    assert_eq!(found, damage);
    // From inside of the folder alone it is the store as it once was.
    assert_eq!(
        get(&open(&home.path(), PASSWORD).unwrap(), "openai"),
        "sk-oai-one"
    );
}

#[test]
fn parts_of_two_headers_do_not_make_one() {
    let (home, other) = (Home::new(), Home::new());
    let (ours, theirs) = (home.read(HEADER), other.read(HEADER));
    // The data key of one and the manifest of the other.
    let lid = 50 + 12 + 16 + 16 + 8 + 60;
    home.write(HEADER, &mended([&ours[..lid], &theirs[lid..]].concat()));
    let refused = open(&home.path(), PASSWORD);
    assert!(matches!(
        refused,
        Err(CredentialError::Header {
            damage: HeaderDamage::Manifest,
            ..
        })
    ));
}
