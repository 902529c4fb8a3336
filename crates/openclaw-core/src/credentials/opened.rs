//! An unlocked store: its data key, and what the header said when it was last read.
//!
//! # How a change becomes whole
//!
//! 1. Each record that changes is written beside its file (`NAME.enc+next`), down to the disk.
//! 2. The header with the new manifest is written beside the old one and renamed over it. **This is
//!    the change**: before it the manifest names the old versions, after it the new ones.
//! 3. What is beside a record's file takes its place.
//!
//! Whoever dies in between leaves files beside others. The next one looks at each: what is the version
//! that the manifest names takes its place, the rest is thrown away ([`Opened::recover`]). A new
//! password and the upgrade of the first form are the same three steps with every record at once.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::folder::{Folder, HEADER, Leftover, beside};
use super::header::{Entry, Header, Lid, MAX_HEADER_SIZE, Manifest, Removed, damaged};
use super::kdf::Kdf;
use super::legacy::{self, Salt};
use super::name::Name;
use super::record::{Content, DataKey, MAX_RECORD_SIZE};
use super::{
    CredentialError, HeaderDamage, MAX_RECORDS, Password, Record, RecordDamage, RecordKind,
    RecordState,
};
use crate::sealing::SealingKey;

/// An unlocked store.
#[derive(Debug)]
pub(super) struct Opened {
    lid: Lid,
    data: DataKey,
    manifest: Manifest,
    /// The header's bytes when it was last read or written.
    seen: Vec<u8>,
}

/// A record that is to be written.
pub(super) struct Fresh {
    pub(super) name: Name,
    pub(super) kind: RecordKind,
    pub(super) updated: Timestamp,
    pub(super) secret: Zeroizing<Vec<u8>>,
}

/// What lies where the header belongs.
enum Found {
    Nothing,
    Salt(Salt),
    Header(Header, Vec<u8>),
}

impl Opened {
    /// Unlocks what is in the folder; makes a store where there is none, and upgrades the first form.
    pub(super) fn open(
        folder: &Folder,
        password: Password<'_>,
        kdf: Kdf,
    ) -> Result<Self, CredentialError> {
        if let Found::Header(header, seen) = look(folder)? {
            return Self::unlock(folder, header, seen, password);
        }
        let _lock = folder.lock()?;
        // Another process may have made it while this one waited.
        let records = match look(folder)? {
            Found::Header(header, seen) => return Self::unlock(folder, header, seen, password),
            Found::Nothing => {
                let files = folder.record_files()?;
                if files.iter().any(|file| Name::parse_file(file).is_ok()) {
                    let path = folder.header();
                    return Err(CredentialError::HeaderMissing { path });
                }
                Vec::new()
            }
            Found::Salt(salt) => legacy::read(folder, &salt, password)?,
        };
        Self::begin(Lid::make(password, kdf, 0)?, Manifest::default()).written(folder, records)
    }

    /// Catches up with what other handles and processes have changed.
    pub(super) fn refresh(&mut self, folder: &Folder) -> Result<(), CredentialError> {
        let (header, seen) = match look(folder)? {
            Found::Header(_, seen) if seen == self.seen => return Ok(()),
            Found::Header(header, seen) => (header, seen),
            Found::Salt(_) => return Err(damaged(folder, HeaderDamage::Salt)),
            Found::Nothing => {
                let path = folder.header();
                return Err(CredentialError::HeaderMissing { path });
            }
        };
        if header.lid.key_id != self.data.id {
            let path = folder.path().to_owned();
            return Err(CredentialError::PasswordChanged { path });
        }
        let manifest = header.manifest(&self.data.key, folder)?;
        if manifest.changes < self.manifest.changes {
            return Err(damaged(folder, HeaderDamage::Earlier));
        }
        (self.manifest, self.seen) = (manifest, seen);
        Ok(())
    }

    /// Tells whether somebody died in the middle of a change, or is in the middle of one.
    pub(super) fn is_unfinished(&self, folder: &Folder) -> Result<bool, CredentialError> {
        let removed = self.manifest.removed.as_ref();
        Ok(!folder.leftovers()?.is_empty()
            || removed.is_some_and(|removed| folder.is_taken(&removed.name.file())))
    }

    /// Finishes what the manifest says was done, and throws away what it does not know; whoever calls
    /// this holds the lock.
    pub(super) fn recover(&self, folder: &Folder) -> Result<(), CredentialError> {
        if !self.is_unfinished(folder)? {
            return Ok(());
        }
        for leftover in folder.leftovers()? {
            let Leftover::Record(name) = leftover else {
                folder.remove(&beside(HEADER))?;
                continue;
            };
            let file = name.file();
            let bytes = folder.read(&beside(&file), MAX_RECORD_SIZE)?;
            let found = bytes.and_then(|bytes| self.data.open(&name, &bytes));
            let entry = self.manifest.records.get(&name);
            if found.is_some_and(|found| entry.is_some_and(|entry| entry.names(&found))) {
                folder.replace(&file)?;
            } else {
                folder.remove(&beside(&file))?;
            }
        }
        if let Some(Removed { name, version }) = &self.manifest.removed {
            let file = name.file();
            let bytes = folder.read(&file, MAX_RECORD_SIZE).ok().flatten();
            let found = bytes.and_then(|bytes| self.data.open(name, &bytes));
            if found.is_some_and(|found| found.version == *version) {
                folder.remove(&file)?;
            }
        }
        folder.sync()
    }

    /// Returns a record's secret.
    pub(super) fn secret(
        &self,
        folder: &Folder,
        name: &Name,
    ) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
        let entry = self.manifest.records.get(name);
        let entry = entry.ok_or_else(|| CredentialError::NoSuchRecord(name.to_string()))?;
        let content = self.check(folder, name, entry);
        let content = content.map_err(|damage| record_error(name, damage))?;
        Ok(content.secret)
    }

    /// Returns every record, and files that look like one and are none.
    pub(super) fn list(&self, folder: &Folder) -> Result<Vec<Record>, CredentialError> {
        let mut list: Vec<_> = self
            .manifest
            .records
            .iter()
            .map(|(name, entry)| Record {
                name: name.to_string(),
                kind: Some(entry.kind),
                updated: Some(entry.updated),
                state: match self.check(folder, name, entry) {
                    Ok(_) => RecordState::Ok,
                    Err(damage) => RecordState::Damaged(damage),
                },
            })
            .collect();
        let names = folder.record_files()?.into_iter();
        let strays = names.filter_map(|file| Name::parse_file(&file).ok());
        list.extend(
            strays
                .filter(|name| !self.manifest.records.contains_key(name))
                .map(|name| Record {
                    name: name.to_string(),
                    kind: None,
                    updated: None,
                    state: RecordState::Damaged(RecordDamage::Unlisted),
                }),
        );
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    /// Puts a record, unless what it would replace is not what was last put there.
    pub(super) fn put(&mut self, folder: &Folder, fresh: Fresh) -> Result<(), CredentialError> {
        match self.manifest.records.get(&fresh.name) {
            Some(entry) => match self.check(folder, &fresh.name, entry) {
                Ok(_) | Err(RecordDamage::Missing) => {}
                Err(damage) => return Err(record_error(&fresh.name, damage)),
            },
            None if folder.is_taken(&fresh.name.file()) => {
                let path = folder.record(&fresh.name);
                return Err(CredentialError::Occupied { path });
            }
            None if self.manifest.records.len() >= MAX_RECORDS => {
                return Err(CredentialError::Full);
            }
            None => {}
        }
        self.write(folder, vec![fresh])
    }

    /// Removes a record, whatever has become of its file; returns whether it was there.
    pub(super) fn remove(&mut self, folder: &Folder, name: &Name) -> Result<bool, CredentialError> {
        let mut next = self.manifest.following();
        let Some(entry) = next.records.remove(name) else {
            return Ok(false);
        };
        next.removed = Some(Removed {
            name: name.clone(),
            version: entry.version,
        });
        self.commit(folder, next)?;
        folder.remove(&name.file())?;
        folder.sync()?;
        Ok(true)
    }

    /// Writes every record anew, under a new data key and a new password.
    pub(super) fn rotate(
        &mut self,
        folder: &Folder,
        password: Password<'_>,
        kdf: Kdf,
    ) -> Result<(), CredentialError> {
        let mut records = Vec::new();
        for (name, entry) in &self.manifest.records {
            records.push(Fresh {
                name: name.clone(),
                kind: entry.kind,
                updated: entry.updated,
                secret: self.secret(folder, name)?,
            });
        }
        let lid = Lid::make(password, kdf, self.lid.generation.saturating_add(1))?;
        *self = Self::begin(lid, self.manifest.clone()).written(folder, records)?;
        Ok(())
    }

    fn unlock(
        folder: &Folder,
        header: Header,
        seen: Vec<u8>,
        password: Password<'_>,
    ) -> Result<Self, CredentialError> {
        let key = header.lid.unlock(password, folder)?;
        let manifest = header.manifest(&key, folder)?;
        Ok(Self {
            seen,
            ..Self::begin((header.lid, key), manifest)
        })
    }

    /// Returns a store of which nothing has been written yet.
    fn begin((lid, key): (Lid, SealingKey), manifest: Manifest) -> Self {
        Self {
            data: DataKey {
                id: lid.key_id,
                key,
            },
            lid,
            manifest,
            seen: Vec::new(),
        }
    }

    fn written(mut self, folder: &Folder, fresh: Vec<Fresh>) -> Result<Self, CredentialError> {
        self.write(folder, fresh)?;
        Ok(self)
    }

    /// Writes records in one change, as it is described above.
    fn write(&mut self, folder: &Folder, fresh: Vec<Fresh>) -> Result<(), CredentialError> {
        let mut next = self.manifest.following();
        let mut files = Vec::new();
        for record in fresh {
            let label = (record.kind, next.changes);
            let bytes = self.data.seal(&record.name, label, &record.secret)?;
            let file = record.name.file();
            folder.write_beside(&file, &bytes)?;
            files.push(file);
            let entry = Entry {
                kind: record.kind,
                version: next.changes,
                updated: record.updated,
            };
            next.records.insert(record.name, entry);
        }
        self.commit(folder, next)?;
        for file in files {
            folder.replace(&file)?;
        }
        folder.sync()
    }

    /// Puts another manifest in force.
    fn commit(&mut self, folder: &Folder, manifest: Manifest) -> Result<(), CredentialError> {
        let header = self.lid.with_manifest(&self.data.key, &manifest)?;
        folder.write_beside(HEADER, &header)?;
        // The records beside theirs have to be there before a header that names them is.
        folder.sync()?;
        folder.replace(HEADER)?;
        folder.sync()?;
        (self.manifest, self.seen) = (manifest, header);
        Ok(())
    }

    /// Returns what is in a record's file, if it is what was last put there.
    fn check(&self, folder: &Folder, name: &Name, entry: &Entry) -> Result<Content, RecordDamage> {
        let file = match folder.read(&name.file(), MAX_RECORD_SIZE) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(RecordDamage::Missing),
            Err(CredentialError::Io { source, .. }) => {
                return Err(RecordDamage::Unreadable(source.kind()));
            }
            Err(_) => return Err(RecordDamage::Changed),
        };
        let Some(content) = self.data.open(name, &file) else {
            let mut others = self.manifest.records.keys();
            let owner = others.find(|other| self.data.open(other, &file).is_some());
            return Err(owner.map_or(RecordDamage::Changed, |owner| {
                RecordDamage::Copied(owner.to_string())
            }));
        };
        if !entry.names(&content) {
            return Err(RecordDamage::Version {
                found: content.version,
                expected: entry.version,
            });
        }
        Ok(content)
    }
}

impl Manifest {
    /// Returns what the next change starts with.
    fn following(&self) -> Self {
        Self {
            changes: self.changes.saturating_add(1),
            records: self.records.clone(),
            removed: None,
        }
    }
}

impl Entry {
    /// Tells whether this is the content that the record should have.
    fn names(&self, content: &Content) -> bool {
        (self.kind, self.version) == (content.kind, content.version)
    }
}

fn look(folder: &Folder) -> Result<Found, CredentialError> {
    let Some(bytes) = folder.read(HEADER, MAX_HEADER_SIZE)? else {
        return Ok(Found::Nothing);
    };
    if let Some(salt) = Salt::parse(&bytes) {
        return Ok(Found::Salt(salt));
    }
    Ok(Found::Header(Header::parse(&bytes, folder)?, bytes))
}

fn record_error(name: &Name, damage: RecordDamage) -> CredentialError {
    CredentialError::Record {
        name: name.to_string(),
        damage,
    }
}
