//! Records that are not as they were written, and files that are nobody's.

use std::io;

use super::{Home, PASSWORD, damage, get, open, put};
use crate::credentials::{CredentialError, MAX_SECRET_SIZE, RecordDamage, RecordKind, RecordState};
use crate::secrets::ApiKey;

const FILE: &str = "anthropic.enc";

/// Checks that a damaged record is neither read nor written over, and that the other one is fine.
fn assert_kept(home: &Home, expected: &RecordDamage, what: &str) {
    assert_eq!(damage(&home.store, "anthropic"), *expected, "{what}");
    let before = home.read(FILE);
    let refused = home.store.put("anthropic", &ApiKey::new("new".to_owned()));
    assert!(
        matches!(refused, Err(CredentialError::Record { .. })),
        "{what}"
    );
    assert_eq!(home.read(FILE), before);
    assert_eq!(get(&home.store, "openai"), "sk-oai-one");
}

#[test]
fn a_flip_of_any_byte_and_every_cut_is_a_damaged_record() {
    let home = Home::new();
    let whole = home.read(FILE);
    for at in 0..whole.len() {
        for mask in [1, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[at] ^= mask;
            home.write(FILE, &flipped);
            assert_kept(&home, &RecordDamage::Changed, &format!("byte {at}"));
        }
        home.write(FILE, &whole[..at]);
        assert_kept(&home, &RecordDamage::Changed, &format!("{at} bytes"));
    }
    home.write(FILE, &[&whole[..], b"\n"].concat());
    assert_kept(&home, &RecordDamage::Changed, "a byte more");
    home.write(FILE, &vec![0; 2 * MAX_SECRET_SIZE]);
    assert_kept(&home, &RecordDamage::Changed, "far too long");
    let mut store = open(&home.path(), PASSWORD).unwrap();
    let refused = store.rotate("other");
    assert!(
        matches!(refused, Err(CredentialError::Record { .. })),
        "{refused:?}"
    );
    home.write(FILE, &whole);
    assert_eq!(
        get(&open(&home.path(), PASSWORD).unwrap(), "anthropic"),
        "sk-ant-one"
    );
}

#[test]
fn records_that_were_swapped_name_each_other() {
    let home = Home::new();
    let (one, two) = (home.read(FILE), home.read("openai.enc"));
    home.write(FILE, &two);
    home.write("openai.enc", &one);
    assert_eq!(
        damage(&home.store, "anthropic"),
        RecordDamage::Copied("openai".to_owned())
    );
    assert_eq!(
        damage(&home.store, "openai"),
        RecordDamage::Copied("anthropic".to_owned())
    );
}

#[test]
fn a_copy_under_another_name_is_no_record() {
    let home = Home::new();
    home.write("copy.enc", &home.read(FILE));
    assert!(matches!(
        home.store.get("copy"),
        Err(CredentialError::NoSuchRecord(_))
    ));
    let listed = home.store.list().unwrap();
    let copy = listed.iter().find(|record| record.name == "copy").unwrap();
    assert_eq!(copy.state, RecordState::Damaged(RecordDamage::Unlisted));
    let before = home.read("copy.enc");
    let refused = home.store.put("copy", &ApiKey::new("x".to_owned()));
    assert!(matches!(refused, Err(CredentialError::Occupied { .. })));
    assert!(!home.store.remove("copy").unwrap());
    assert_eq!(home.read("copy.enc"), before);
}

#[test]
fn a_record_that_was_put_back_to_an_earlier_version_is_found_out() {
    let home = Home::new();
    let first = home.read(FILE);
    put(&home.store, "anthropic", "sk-ant-two");
    home.write(FILE, &first);
    let expected = RecordDamage::Version {
        found: 2,
        expected: 4,
    };
    assert_kept(&home, &expected, "an earlier version");
    // Beside the file it counts no more than in it.
    home.write("anthropic.enc+next", &first);
    let store = open(&home.path(), PASSWORD).unwrap();
    assert_eq!(damage(&store, "anthropic"), expected);
    assert!(!home.file("anthropic.enc+next").exists());
}

#[test]
fn a_record_of_an_earlier_password_is_damaged() {
    let mut home = Home::new();
    let first = home.read(FILE);
    home.store.rotate("other").unwrap();
    home.write(FILE, &first);
    assert_kept(&home, &RecordDamage::Changed, "an earlier password");
}

#[test]
fn a_record_that_was_taken_away_is_missing_and_can_be_put_again() {
    let home = Home::new();
    std::fs::remove_file(home.file(FILE)).unwrap();
    assert_eq!(damage(&home.store, "anthropic"), RecordDamage::Missing);
    put(&home.store, "anthropic", "sk-ant-two");
    assert_eq!(get(&home.store, "anthropic"), "sk-ant-two");
}

#[test]
fn a_damaged_record_can_be_removed_and_put_again() {
    let home = Home::new();
    home.write(FILE, b"rubbish");
    assert!(home.store.remove("anthropic").unwrap());
    assert!(!home.file(FILE).exists());
    put(&home.store, "anthropic", "sk-ant-two");
    assert_eq!(get(&home.store, "anthropic"), "sk-ant-two");
}

#[test]
fn a_removed_record_that_was_put_back_stays_removed() {
    let home = Home::new();
    let first = home.read(FILE);
    assert!(home.store.remove("anthropic").unwrap());
    assert!(!home.store.remove("anthropic").unwrap());
    home.write(FILE, &first);
    assert!(matches!(
        home.store.get("anthropic"),
        Err(CredentialError::NoSuchRecord(_))
    ));
    put(&home.store, "openai", "sk-oai-two");
    assert!(!home.file(FILE).exists());
}

#[test]
fn a_folder_or_a_link_in_place_of_a_record_is_reported_and_kept() {
    let home = Home::new();
    let elsewhere = home.file("elsewhere");
    std::fs::rename(home.file(FILE), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, home.file(FILE)).unwrap();
    assert_eq!(
        damage(&home.store, "anthropic"),
        RecordDamage::Unreadable(io::ErrorKind::Other)
    );
    std::fs::remove_file(home.file(FILE)).unwrap();
    std::fs::create_dir(home.file(FILE)).unwrap();
    assert_eq!(
        damage(&home.store, "anthropic"),
        RecordDamage::Unreadable(io::ErrorKind::Other)
    );
    std::fs::create_dir(home.file("new.enc")).unwrap();
    let refused = home.store.put("new", &ApiKey::new("x".to_owned()));
    assert!(matches!(refused, Err(CredentialError::Occupied { .. })));
    assert_eq!(get(&home.store, "openai"), "sk-oai-one");
}

#[test]
fn names_and_sizes_have_bounds() {
    let home = Home::new();
    let secret = || ApiKey::new("s".to_owned());
    let longest = "a".repeat(64);
    for name in [
        "a",
        "0",
        "a.enc",
        "master",
        "a..b",
        "a-_.",
        longest.as_str(),
    ] {
        put(&home.store, name, name);
        assert_eq!(get(&home.store, name), name);
    }
    let too_long = "a".repeat(65);
    for name in [
        "",
        ".",
        "..",
        ".a",
        "-a",
        "_a",
        "A",
        "aB",
        "a/b",
        "a\\b",
        "../a",
        "a b",
        "a\0",
        "a+next",
        "é",
        "a\n",
        too_long.as_str(),
    ] {
        let refused = [
            home.store.put(name, &secret()).err(),
            home.store.get(name).err(),
            home.store.remove(name).err(),
        ];
        for err in refused {
            assert!(matches!(err, Some(CredentialError::Name(_))), "{name:?}");
        }
    }
    let largest = "x".repeat(MAX_SECRET_SIZE);
    put(&home.store, "large", &largest);
    assert_eq!(get(&home.store, "large"), largest);
    let refused = home.store.put("large", &ApiKey::new(largest.clone() + "x"));
    let size = MAX_SECRET_SIZE + 1;
    assert!(matches!(refused, Err(CredentialError::TooLong { size: found }) if found == size));
    assert_eq!(get(&home.store, "large"), largest);
    put(&home.store, "empty", "");
    assert_eq!(get(&home.store, "empty"), "");
}

#[test]
fn the_list_says_what_there_is() {
    let home = Home::new();
    let sign_in = ApiKey::new(r#"{"refresh":"r"}"#.to_owned());
    home.store
        .put_as("codex", RecordKind::OAuth, &sign_in)
        .unwrap();
    let list = home.store.list().unwrap();
    let listed: Vec<_> = list
        .iter()
        .map(|record| (record.name.as_str(), record.kind, &record.state))
        .collect();
    let ok = &RecordState::Ok;
    assert_eq!(
        listed,
        [
            ("anthropic", Some(RecordKind::Key), ok),
            ("codex", Some(RecordKind::OAuth), ok),
            ("openai", Some(RecordKind::Key), ok),
        ]
    );
    assert!(list.iter().all(|record| record.updated.is_some()));
}
