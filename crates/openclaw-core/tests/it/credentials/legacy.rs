//! Stores in the first form: a bare salt, and records that are nothing but sealed.

use std::fs;
use std::path::Path;

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use openclaw_core::credentials::{CredentialError, CredentialStore, RecordDamage, RecordState};

use super::{PASSWORD, files, folder_in, key, secret};

/// The text of a salt, and what it stands for.
const SALT: (&str, [u8; 16]) = ("BwcHBwcHBwcHBwcHBwcHBw", [7; 16]);

/// Seals as the published description of the first form says, with no code of the store.
struct FirstForm(Aes256Gcm);

impl FirstForm {
    fn new() -> Self {
        let params = Params::new(65_536, 3, 4, Some(32)).unwrap();
        let mut key = [0; 32];
        let mut memory = vec![Block::default(); params.block_count()];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(PASSWORD.as_bytes(), &SALT.1, &mut key, &mut memory)
            .unwrap();
        Self(Aes256Gcm::new_from_slice(&key).unwrap())
    }

    fn write(&self, file: &Path, secret: &[u8]) {
        let nonce = [u8::try_from(secret.len()).unwrap(); 12];
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), secret).unwrap();
        fs::write(file, [&nonce[..], &sealed].concat()).unwrap();
    }

    fn store(&self, path: &Path, salt: &[u8]) {
        fs::create_dir(path).unwrap();
        fs::write(path.join("master.salt"), salt).unwrap();
        self.write(&path.join("anthropic.enc"), b"sk-ant-api03-legacy");
        self.write(&path.join("openai.enc"), b"sk-oai");
    }
}

#[test]
fn a_store_in_the_first_form_is_read_and_upgraded() {
    let first = FirstForm::new();
    for salt in [
        SALT.0.as_bytes(),
        format!("{}==\n", SALT.0).as_bytes(),
        &SALT.1,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = folder_in(&dir);
        first.store(&path, salt);
        assert!(CredentialStore::exists(&path));
        let before = files(&path);
        let refused = CredentialStore::open(&path, "wrong");
        assert!(matches!(
            refused,
            Err(CredentialError::WrongPassword { .. })
        ));
        for (file, bytes) in &before {
            assert_eq!(&fs::read(file).unwrap(), bytes);
        }
        let store = CredentialStore::open(&path, PASSWORD).unwrap();
        assert_eq!(secret(&store, "anthropic"), "sk-ant-api03-legacy");
        assert_eq!(secret(&store, "openai"), "sk-oai");
        let after = files(&path);
        assert!(before.iter().all(|(file, bytes)| after[file] != *bytes));
        // A record of the first form says nothing of itself, and is none of this one.
        fs::write(path.join("openai.enc"), &before[&path.join("openai.enc")]).unwrap();
        let list = store.list().unwrap();
        assert_eq!(list[1].state, RecordState::Damaged(RecordDamage::Changed));
        let store = CredentialStore::open(&path, PASSWORD).unwrap();
        assert_eq!(secret(&store, "anthropic"), "sk-ant-api03-legacy");
    }
}

#[test]
fn a_first_form_with_a_damaged_record_is_left_as_it_is() {
    let first = FirstForm::new();
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    first.store(&path, SALT.0.as_bytes());
    let mut record = fs::read(path.join("openai.enc")).unwrap();
    record[14] ^= 1;
    fs::write(path.join("openai.enc"), record).unwrap();
    let before = files(&path);
    let refused = CredentialStore::open(&path, PASSWORD);
    assert!(matches!(
        refused,
        Err(CredentialError::Record { name, damage: RecordDamage::Changed }) if name == "openai"
    ));
    for (file, bytes) in before {
        assert_eq!(fs::read(file).unwrap(), bytes);
    }
}

#[test]
fn a_first_form_with_a_name_that_is_none_is_left_as_it_is() {
    let first = FirstForm::new();
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    first.store(&path, SALT.0.as_bytes());
    first.write(&path.join("OpenAI.enc"), b"sk-upper");
    let refused = CredentialStore::open(&path, PASSWORD);
    assert!(matches!(refused, Err(CredentialError::Name(name)) if name == "OpenAI"));
    for name in ["anthropic.enc", "openai.enc"] {
        fs::remove_file(path.join(name)).unwrap();
    }
    let refused = CredentialStore::open(&path, "wrong");
    assert!(matches!(
        refused,
        Err(CredentialError::WrongPassword { .. })
    ));
    assert_eq!(
        fs::read(path.join("master.salt")).unwrap(),
        SALT.0.as_bytes()
    );
}

#[test]
fn a_first_form_without_records_takes_the_password_that_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    fs::create_dir(&path).unwrap();
    fs::write(path.join("master.salt"), SALT.0).unwrap();
    let store = CredentialStore::open(&path, PASSWORD).unwrap();
    store.put("anthropic", &key("sk-ant")).unwrap();
    let refused = CredentialStore::open(&path, "wrong");
    assert!(matches!(
        refused,
        Err(CredentialError::WrongPassword { .. })
    ));
}
