//! Where the master password comes from, and a store that is opened once.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use openclaw_core::Kind;
use openclaw_core::state_dir::Overrides;
use tempfile::TempDir;

use super::*;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn vault(&self, env: &[(&str, &Path)]) -> Vault {
        let overrides = Overrides {
            state_dir: Some(self.0.path().join("state")),
            profile: None,
        };
        let env: Env = env
            .iter()
            .map(|(name, value)| (*name, value.as_os_str().to_owned()))
            .collect();
        Vault::new(&StateDir::locate(&env, &overrides).unwrap(), env)
    }
}

const FILE: &str = "OPENCLAW_CREDENTIALS_PASSWORD_FILE";
const PLAIN: &str = "OPENCLAW_CREDENTIALS_PASSWORD";
const SYSTEMD: &str = "CREDENTIALS_DIRECTORY";

fn found(vault: &Vault) -> (PasswordSource, String) {
    let found = vault.password().unwrap().unwrap();
    (found.source, found.secret.expose_secret().to_owned())
}

#[test]
fn the_first_place_that_is_set_up_has_the_password() {
    let place = Place::new();
    let file = place.file("password", "in the file\n", 0o600);
    let systemd = place.file(SYSTEMD_NAME, "from systemd", 0o440);
    let folder = place.0.path();
    let plain = Path::new("from the environment");
    let all = [(FILE, &*file), (SYSTEMD, folder), (PLAIN, plain)];
    let of = |env: &[(&str, &Path)]| found(&place.vault(env));
    assert_eq!(
        of(&all),
        (PasswordSource::File(file.clone()), "in the file".to_owned())
    );
    assert_eq!(
        of(&all[1..]),
        (PasswordSource::Systemd(systemd), "from systemd".to_owned())
    );
    assert_eq!(
        of(&all[2..]),
        (
            PasswordSource::Environment,
            "from the environment".to_owned()
        )
    );
    assert!(place.vault(&[]).password().unwrap().is_none());
    // systemd gave the service other credentials.
    let empty = tempfile::tempdir().unwrap();
    let env = [(SYSTEMD, empty.path()), (PLAIN, plain)];
    assert_eq!(of(&env).0, PasswordSource::Environment);
}

#[test]
fn one_line_end_is_dropped_and_nothing_else() {
    let place = Place::new();
    for (text, password) in [
        ("a b \n", "a b "),
        ("a\r\n", "a"),
        ("a\n\n", "a\n"),
        ("a", "a"),
    ] {
        let file = place.file("password", text, 0o400);
        assert_eq!(found(&place.vault(&[(FILE, &file)])).1, password);
    }
}

#[test]
fn a_place_that_does_not_work_is_named_and_the_next_one_is_not_asked() {
    let place = Place::new();
    let good = place.file("good", "x", 0o600);
    let link = place.0.path().join("link");
    symlink(&good, &link).unwrap();
    let pipe = place.0.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    for (file, why) in [
        (place.file("group", "secret", 0o640), "read by others"),
        (place.file("others", "secret", 0o604), "read by others"),
        (place.file("empty", "\n", 0o600), "is empty"),
        (place.file("long", &"s".repeat(5000), 0o600), "4096"),
        (link, "symbolic link"),
        (pipe, "not a regular file"),
        (place.0.path().to_owned(), "not a regular file"),
        (place.0.path().join("missing"), "missing"),
    ] {
        let vault = place.vault(&[(FILE, &file), (PLAIN, Path::new("other"))]);
        let err = vault.password().unwrap_err();
        let text = err.to_string();
        assert!(text.contains(why), "{text}");
        assert!(text.contains(&file.display().to_string()), "{text}");
        assert!(!text.contains("sss") && !text.contains("secret`"), "{text}");
        assert_eq!(err.kind(), Kind::Config);
        assert!(err.hint().is_some());
    }
}

#[test]
fn a_home_without_a_store_asks_for_nothing_and_makes_nothing() {
    let place = Place::new();
    // This password could not be read.
    let vault = place.vault(&[(FILE, Path::new("/nowhere"))]);
    assert!(vault.get("anthropic").unwrap().is_none());
    assert!(vault.store().unwrap().is_none());
    assert!(!vault.exists() && !vault.path().exists());
}

#[test]
fn a_store_is_opened_once_and_again_after_its_password_was_exchanged() {
    let place = Place::new();
    let file = place.file("password", "first", 0o600);
    let vault = place.vault(&[(FILE, &file)]);
    let password = vault.password().unwrap().unwrap();
    let store = vault.unlock(&password).unwrap();
    store
        .put("openai", &ApiKey::new("sk-1".to_owned()))
        .unwrap();
    assert!(Arc::ptr_eq(&store, &vault.store().unwrap().unwrap()));

    let mut elsewhere = CredentialStore::open(vault.path(), "first").unwrap();
    elsewhere.rotate("second").unwrap();
    let err = vault.get("openai").unwrap_err();
    assert!(
        matches!(
            err,
            VaultError::WrongPassword {
                place: PasswordSource::File(_),
                ..
            }
        ),
        "{err}"
    );
    assert_eq!(err.kind(), Kind::Unauthenticated);

    place.file("password", "second", 0o600);
    let key = vault.get("openai").unwrap().unwrap();
    assert_eq!(key.expose_secret(), "sk-1");
    assert!(vault.get("anthropic").unwrap().is_none());
    assert!(vault.get("No Name").unwrap().is_none());
}

#[test]
fn a_store_without_its_header_or_password_is_not_taken_for_none() {
    let place = Place::new();
    let plain = [(PLAIN, Path::new("x"))];
    let vault = place.vault(&plain);
    let store = vault.unlock(&vault.password().unwrap().unwrap()).unwrap();
    store
        .put("openai", &ApiKey::new("sk-1".to_owned()))
        .unwrap();
    let locked = place.vault(&[]).get("openai").unwrap_err();
    assert!(matches!(locked, VaultError::Locked { .. }), "{locked}");

    fs::remove_file(vault.path().join("master.salt")).unwrap();
    let err = place.vault(&plain).get("openai").unwrap_err();
    assert!(matches!(err, VaultError::Store { .. }), "{err}");
    assert!(err.hint().unwrap().contains("master.salt"));
}
