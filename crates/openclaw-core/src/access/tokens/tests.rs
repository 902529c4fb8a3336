//! What a grant allows, for how long, and what ends it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::access::{Principal, Scope, Scopes};

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
    clock: Clock,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        // Real time, because the end of a connection is timed by the machine's clock.
        let clock = Clock::fixed(Timestamp::now());
        Self {
            _dir: dir,
            path,
            clock,
        }
    }

    fn open(&self) -> Result<Tokens, TokenFileError> {
        let key = SealingKey::from_bytes(&[7; 32]);
        Tokens::open(&self.path, key, self.clock.clone())
    }

    fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }
}

fn reader(name: &str) -> NewGrant {
    NewGrant {
        name: name.to_owned(),
        grantee: Grantee::Client,
        scopes: Scopes::from_iter([Scope::Read]),
    }
}

#[test]
fn an_access_token_is_good_for_an_hour_and_for_its_scopes_only() {
    let place = Place::new();
    let tokens = place.open().unwrap();
    let issued = tokens.grant(reader("backup")).unwrap();
    let verified = tokens.verify(issued.access.expose_secret()).unwrap();
    assert_eq!(
        verified.admitted.principal(),
        &Principal::Issued(issued.id.clone())
    );
    assert!(verified.admitted.may(Scope::Read) && !verified.admitted.may(Scope::Write));
    assert!(!verified.ended.is_over());

    place.pass(ACCESS_LIFE.checked_sub(Duration::from_millis(1)).unwrap());
    assert!(tokens.verify(issued.access.expose_secret()).is_ok());
    place.pass(Duration::from_millis(1));
    let err = tokens.verify(issued.access.expose_secret()).unwrap_err();
    assert!(matches!(err, TokenError::RunOut), "{err}");
    for wrong in ["", "oc_at_", issued.refresh.expose_secret()] {
        let err = tokens.verify(wrong).unwrap_err();
        assert!(matches!(err, TokenError::Unknown), "{err}");
    }
}

#[test]
fn a_refresh_token_gives_the_next_pair_once_and_used_again_ends_the_grant() {
    let place = Place::new();
    let tokens = place.open().unwrap();
    let first = tokens.grant(reader("app")).unwrap();
    let second = tokens
        .refresh(first.refresh.expose_secret(), Grantee::Client)
        .unwrap();
    assert_eq!((&second.id, second.scopes), (&first.id, first.scopes));
    for pair in [&first, &second] {
        assert!(tokens.verify(pair.access.expose_secret()).is_ok());
    }
    let verified = tokens.verify(second.access.expose_secret()).unwrap();

    let err = tokens
        .refresh(first.refresh.expose_secret(), Grantee::Client)
        .unwrap_err();
    assert!(
        matches!(&err, TokenError::Reused(id) if *id == first.id),
        "{err}"
    );
    assert!(
        verified.ended.is_over(),
        "who holds the stolen pair is told"
    );
    for pair in [&first, &second] {
        assert!(tokens.verify(pair.access.expose_secret()).is_err());
        assert!(
            tokens
                .refresh(pair.refresh.expose_secret(), Grantee::Client)
                .is_err()
        );
    }
    assert_eq!(tokens.list(), []);
    assert_eq!(place.open().unwrap().list(), [], "the end is on disk, too");
}

#[test]
fn two_tabs_of_a_browser_may_be_equally_quick_but_not_for_long() {
    let place = Place::new();
    let tokens = place.open().unwrap();
    let new = NewGrant {
        grantee: Grantee::Browser,
        ..reader("laptop")
    };
    let first = tokens.grant(new).unwrap();
    let again = || tokens.refresh(first.refresh.expose_secret(), Grantee::Browser);
    let second = again().unwrap();
    let err = again().unwrap_err();
    assert!(matches!(err, TokenError::Quicker), "{err}");
    assert!(tokens.verify(second.access.expose_secret()).is_ok());
    place.pass(Duration::from_secs(6));
    let err = again().unwrap_err();
    assert!(matches!(err, TokenError::Reused(_)), "{err}");
    assert!(tokens.verify(second.access.expose_secret()).is_err());
}

#[test]
fn a_grant_that_is_not_refreshed_runs_out_and_makes_room() {
    let place = Place::new();
    let tokens = place.open().unwrap();
    let issued = tokens.grant(reader("old")).unwrap();
    place.pass(REFRESH_LIFE);
    assert_eq!(tokens.list(), []);
    let err = tokens
        .refresh(issued.refresh.expose_secret(), Grantee::Client)
        .unwrap_err();
    assert!(matches!(err, TokenError::RunOut), "{err}");
    tokens.grant(reader("new")).unwrap();
    assert_eq!(tokens.list().len(), 1);
}

#[tokio::test]
async fn a_revoked_grant_is_told_to_whoever_waits() {
    let place = Place::new();
    let tokens = place.open().unwrap();
    let (gone, kept) = (
        tokens.grant(reader("a")).unwrap(),
        tokens.grant(reader("b")).unwrap(),
    );
    let ended = tokens.verify(gone.access.expose_secret()).unwrap().ended;
    assert!(!ended.is_over());
    assert!(tokens.revoke(&gone.id).unwrap());
    ended.wait().await;
    assert!(!tokens.revoke(&gone.id).unwrap(), "it is gone already");
    assert!(tokens.verify(gone.access.expose_secret()).is_err());
    let kept = tokens.verify(kept.access.expose_secret()).unwrap();
    assert!(!kept.ended.is_over(), "nobody else is meant");
}

#[test]
fn a_restart_keeps_every_grant_and_the_file_has_no_token() {
    let place = Place::new();
    let issued = place.open().unwrap().grant(reader("phone")).unwrap();
    let bytes = fs::read(&place.path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for needle in [
        "phone",
        "operator",
        &grant::sha256(issued.access.expose_secret()),
    ] {
        assert!(!text.contains(needle), "{needle} can be read in the file");
    }
    let tokens = place.open().unwrap();
    assert!(tokens.verify(issued.access.expose_secret()).is_ok());
    assert!(
        tokens
            .refresh(issued.refresh.expose_secret(), Grantee::Client)
            .is_ok()
    );
}

#[test]
fn a_changed_file_or_another_key_opens_nothing_and_stays_as_it_is() {
    let place = Place::new();
    place.open().unwrap().grant(reader("x")).unwrap();
    let whole = fs::read(&place.path).unwrap();
    for n in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[n] ^= 1;
        fs::write(&place.path, &flipped).unwrap();
        assert!(
            matches!(place.open(), Err(TokenFileError::Damaged { .. })),
            "byte {n}"
        );
        assert_eq!(fs::read(&place.path).unwrap(), flipped);
        fs::write(&place.path, &whole[..n]).unwrap();
        assert!(
            matches!(place.open(), Err(TokenFileError::Damaged { .. })),
            "cut at {n}"
        );
    }
    fs::write(&place.path, &whole).unwrap();
    let other = SealingKey::from_bytes(&[8; 32]);
    let err = Tokens::open(&place.path, other, place.clock.clone()).unwrap_err();
    assert_eq!(err.kind(), Kind::Config);
}

#[cfg(unix)]
#[test]
fn the_file_is_the_owners_alone_and_no_draft_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let tokens = place.open().unwrap();
    for name in ["a", "b"] {
        tokens.grant(reader(name)).unwrap();
    }
    assert_eq!(
        fs::metadata(&place.path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let folder = place.path.parent().unwrap();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn there_is_an_end_to_how_many_grants_are_kept() {
    let book = &mut Book::default();
    let now = Timestamp::now();
    for _ in 0..GRANTS {
        book.grant(reader("x"), now).unwrap();
    }
    let err = book.grant(reader("x"), now).unwrap_err();
    assert!(matches!(err, TokenError::Full) && err.kind() == Kind::Limited);
}
