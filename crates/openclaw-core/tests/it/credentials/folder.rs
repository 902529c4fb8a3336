//! What lies in the folder, and who may read it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use openclaw_core::credentials::{CredentialStore, RecordKind};

use super::process::Job;
use super::{PASSWORD, files, folder_in, key, secret};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn files_are_for_the_owner_only_whatever_the_mask_is() {
    for mask in [0, 0o777] {
        let dir = tempfile::tempdir().unwrap();
        let job = Job {
            path: folder_in(&dir),
            name: "n".to_owned(),
            puts: 2,
            mask: Some(mask),
        };
        assert!(job.start().wait().unwrap().success(), "mask {mask:o}");
        assert_eq!(mode(&job.path), 0o700, "mask {mask:o}");
        let files = files(&job.path);
        assert_eq!(files.len(), 5, "{files:?}");
        for file in files.keys() {
            assert_eq!(mode(file), 0o600, "{} under {mask:o}", file.display());
        }
    }
}

#[test]
fn a_folder_that_others_may_enter_is_closed_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    drop(CredentialStore::open(&path, PASSWORD).unwrap());
    assert_eq!(mode(&path), 0o700);
}

#[test]
fn what_is_not_ours_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let foreign = [
        "oauth.json",
        "whatsapp/default/creds.json",
        "telegram-pairing.json",
        "telegram-allowFrom.json",
        "UPPER.enc",
        ".hidden.enc",
        "a b.enc+next",
        "notes+next",
        "master.salt.bak",
        "anthropic.enc.tmp",
    ];
    for file in foreign {
        let file = path.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, file.to_str().unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let before = files(&path);
    let mut store = CredentialStore::open(&path, PASSWORD).unwrap();
    store.put("anthropic", &key("sk-ant")).unwrap();
    store.put("anthropic", &key("sk-ant-two")).unwrap();
    store.put("openai", &key("sk-oai")).unwrap();
    store.remove("openai").unwrap();
    store.rotate("another").unwrap();
    drop(CredentialStore::open(&path, "another").unwrap());
    assert_eq!(store.list().unwrap().len(), 1);
    let after = files(&path);
    for (file, bytes) in before {
        assert_eq!(after.get(&file), Some(&bytes), "{}", file.display());
        assert_eq!(mode(&file), 0o644);
    }
}

#[test]
fn what_a_killed_process_left_is_cleaned_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let store = CredentialStore::open(&path, PASSWORD).unwrap();
    store.put("anthropic", &key("sk-ant")).unwrap();
    for file in ["anthropic.enc+next", "other.enc+next", "master.salt+next"] {
        fs::write(path.join(file), "half").unwrap();
    }
    drop(CredentialStore::open(&path, PASSWORD).unwrap());
    let left: Vec<_> = files(&path).into_keys().collect();
    let ours = ["anthropic.enc", "master.lock", "master.salt"].map(|name| path.join(name));
    assert_eq!(left, ours);
    assert_eq!(secret(&store, "anthropic"), "sk-ant");
}

#[test]
fn no_secret_is_in_the_folder_in_any_form() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let canary = "canary-4b1f0c7d9e";
    let password = "password-canary-77ab";
    let mut store = CredentialStore::open(&path, password).unwrap();
    store.put("a", &key(canary)).unwrap();
    store
        .put_as(
            "b",
            RecordKind::OAuth,
            &key(&format!("{{\"t\":\"{canary}\"}}")),
        )
        .unwrap();
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap();
    let hex = |text: &str| {
        let digits = text.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(digit).collect()
    };
    let forms = |text: &str| -> Vec<String> {
        let reversed = text.chars().rev().collect();
        let mut forms = vec![text.to_owned(), hex(text), reversed];
        // Base64 of a text depends on where in the groups of three it begins.
        for start in 0..3 {
            forms.push(STANDARD_NO_PAD.encode(&text.as_bytes()[start..start + 12]));
            forms.push(URL_SAFE_NO_PAD.encode(&text.as_bytes()[start..start + 12]));
        }
        forms
    };
    let assert_nowhere = || {
        for (file, bytes) in files(dir.path()) {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for form in [forms(canary), forms(password), forms("password two 12ab")].concat() {
                assert!(!text.contains(&form.to_lowercase()), "{}", file.display());
            }
        }
    };
    assert_nowhere();
    store.rotate("password two 12ab").unwrap();
    store.put("a", &key(canary)).unwrap();
    assert_nowhere();
    assert_eq!(secret(&store, "a"), canary);
}

#[test]
fn the_same_secret_is_written_differently_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let store = CredentialStore::open(&path, PASSWORD).unwrap();
    let written = [(); 2].map(|()| {
        store.put("a", &key("the same")).unwrap();
        let file = fs::read(path.join("a.enc")).unwrap();
        // Nonce, ciphertext and tag.
        file[43..].to_vec()
    });
    assert_ne!(written[0][..12], written[1][..12]);
    assert_ne!(written[0][12..], written[1][12..]);
}
