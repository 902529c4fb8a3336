//! Reads what `strace` recorded of one process into operations on files.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::STORE;
use super::disk::{Image, files_named};
use crate::durability::chance::Chance;
use crate::durability::ledger::Ledger;

/// What `strace` is asked for: all threads, all calls that change files, all bytes in hex.
pub(super) const OPTIONS: [&str; 7] = [
    "-f",
    "-qq",
    "-xx",
    "--string-limit=16777216",
    "--signal=none",
    "-e",
    "trace=open,openat,creat,close,dup,dup2,dup3,lseek,write,pwrite64,writev,pwritev,pwritev2,\
     ftruncate,truncate,fallocate,copy_file_range,sendfile,splice,fsync,fdatasync,sync_file_range,\
     rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mkdir,mkdirat,rmdir",
];

/// A file, under whatever name.
pub(super) type File = usize;

/// What is changed on the disk.
#[derive(Debug)]
pub(super) enum Change {
    /// Bytes of a file.
    Bytes {
        file: File,
        at: usize,
        bytes: Vec<u8>,
    },
    /// The length of a file.
    Length { file: File, length: usize },
    /// All earlier changes of a file's bytes and length are on the disk when this is done.
    Sync(File),
    /// What a name stands for; nothing after it was removed.
    Name {
        name: PathBuf,
        stands_for: Option<Entry>,
    },
    /// All earlier changes of names in a folder are on the disk when this is done.
    SyncNames(PathBuf),
    /// Events were acknowledged.
    Acknowledged(Vec<String>),
}

/// What a name can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Folder,
    File(File),
}

/// A change, and when it happened; moments are lines of the record.
#[derive(Debug)]
pub(super) struct Operation {
    /// The process had asked for it.
    pub(super) begun: usize,
    /// The process had been told that it was done.
    pub(super) done: usize,
    pub(super) change: Change,
}

/// Everything that one process did to the files below one folder.
#[derive(Debug)]
pub(super) struct Recording {
    /// The files that lay there before; the numbers of files begin with them, in their order.
    pub(super) before: Image,
    pub(super) operations: Vec<Operation>,
    lines: usize,
    moments: OnceCell<[Vec<usize>; 3]>,
}

impl Recording {
    /// Reads the record of a process that found these files below `root`; names are relative to
    /// it from here on.
    pub(super) fn read(record: &str, root: &Path, before: Image) -> Self {
        let mut reader = Reader {
            root,
            open: HashMap::new(),
            names: before.entries().collect(),
            files: before.files.len(),
            operations: Vec::new(),
        };
        // A call that another thread interrupts has two lines, joined by the thread's number.
        let mut interrupted: HashMap<&str, (usize, &str)> = HashMap::new();
        let mut lines = 0;
        for (number, line) in record.lines().enumerate() {
            lines = number + 1;
            let (thread, text) = line.split_once(' ').unwrap();
            let text = text.trim_start();
            if text.starts_with("+++") || text.starts_with("---") {
            } else if let Some(begin) = text.strip_suffix(" <unfinished ...>") {
                interrupted.insert(thread, (number, begin));
            } else if let Some(resumed) = text.strip_prefix("<... ") {
                let (begun, begin) = interrupted.remove(thread).unwrap();
                let (_, end) = resumed.split_once(" resumed>").unwrap();
                reader.call(begun, number, &format!("{begin}{end}"));
            } else {
                reader.call(number, number, text);
            }
        }
        let mut operations = reader.operations;
        operations.sort_by_key(|operation| operation.begun);
        Self {
            before,
            operations,
            lines,
            moments: OnceCell::new(),
        }
    }

    /// Returns what had been acknowledged when the power went at `moment`.
    ///
    /// An acknowledgement counts from when it is begun: the reader may have it before the writer
    /// knows.
    pub(super) fn acknowledged(&self, moment: usize) -> Ledger {
        let mut ledger = Ledger::default();
        for operation in self.operations.iter().filter(|done| done.begun < moment) {
            if let Change::Acknowledged(lines) = &operation.change {
                for line in lines {
                    ledger.enter(line);
                }
            }
        }
        ledger
    }

    /// Returns how many operations on files there were.
    pub(super) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// Chooses a moment at which the power goes.
    ///
    /// A third of them follow an acknowledgement at once, a third lie where the write-ahead log is
    /// brought into the database or files come and go, and the rest anywhere.
    pub(super) fn moment(&self, chance: &mut Chance) -> usize {
        let moments = self.moments.get_or_init(|| self.kinds_of_moments());
        let kind = chance.pick(moments);
        *chance.pick(kind)
    }

    fn kinds_of_moments(&self) -> [Vec<usize>; 3] {
        let database = files_named(self, |name| name == Path::new(STORE));
        let (mut acknowledged, mut delicate) = (Vec::new(), Vec::new());
        for operation in &self.operations {
            match &operation.change {
                Change::Acknowledged(_) => acknowledged.push(operation.begun + 1),
                Change::Bytes { file, .. } | Change::Length { file, .. } | Change::Sync(file)
                    if !database.contains(file) => {}
                _ => delicate.extend([operation.begun, operation.begun + 1, operation.done + 1]),
            }
        }
        [acknowledged, delicate, (0..=self.lines).collect()]
    }
}

/// What a file descriptor refers to.
struct Open {
    name: PathBuf,
    entry: Entry,
    position: usize,
    appends: bool,
}

struct Reader<'a> {
    root: &'a Path,
    open: HashMap<u32, Open>,
    names: BTreeMap<PathBuf, Entry>,
    files: File,
    operations: Vec<Operation>,
}

/// One call as it stands in the record.
struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: usize,
    begun: usize,
    done: usize,
}

impl Call<'_> {
    fn argument(&self, n: usize) -> &str {
        self.arguments[n]
    }

    fn number(&self, n: usize) -> usize {
        self.argument(n).parse().unwrap()
    }

    fn descriptor(&self) -> Option<u32> {
        self.arguments.first()?.parse().ok()
    }
}

impl Reader<'_> {
    fn call(&mut self, begun: usize, done: usize, text: &str) {
        let (name, rest) = text.split_once('(').unwrap();
        let (arguments, result) = rest.rsplit_once(" = ").unwrap();
        let arguments = arguments.trim_end().strip_suffix(')').unwrap();
        // A failed call changes nothing, and a process that ends while it waits is not answered.
        let Some(result) = result.split(' ').next().and_then(|word| word.parse().ok()) else {
            return;
        };
        // Strings are in hex, so that no comma is part of one.
        let arguments = arguments.split(", ").collect();
        let call = Call {
            name,
            arguments,
            result,
            begun,
            done,
        };
        self.apply(&call);
    }

    fn apply(&mut self, call: &Call<'_>) {
        match call.name {
            "open" => self.opened(call, call.argument(0), call.argument(1)),
            "openat" => self.opened(call, call.argument(1), call.argument(2)),
            "close" => drop(self.open.remove(&call.descriptor().unwrap())),
            "mkdir" => self.named(call, call.argument(0), Some(Entry::Folder)),
            "mkdirat" => self.named(call, call.argument(1), Some(Entry::Folder)),
            "unlink" | "rmdir" => self.named(call, call.argument(0), None),
            "unlinkat" => self.named(call, call.argument(1), None),
            "rename" => self.renamed(call, call.argument(0), call.argument(1)),
            "renameat" | "renameat2" => self.renamed(call, call.argument(1), call.argument(3)),
            "write" if call.argument(0) == "1" => {
                let text = String::from_utf8(bytes(call.argument(1))).unwrap();
                let lines: Vec<_> = text
                    .lines()
                    .filter(|line| line.starts_with("ack "))
                    .map(str::to_owned)
                    .collect();
                if !lines.is_empty() {
                    self.record(call, Change::Acknowledged(lines));
                }
            }
            _ => self.on_descriptor(call),
        }
    }

    /// Records a call on an open file, unless the file lies elsewhere.
    fn on_descriptor(&mut self, call: &Call<'_>) {
        let Some(open) = call.descriptor().and_then(|fd| self.open.get_mut(&fd)) else {
            let elsewhere = call
                .arguments
                .iter()
                .all(|argument| path(argument, self.root).is_none());
            assert!(elsewhere, "`{}` on our files is not known here", call.name);
            return;
        };
        let change = match (call.name, open.entry) {
            ("lseek", _) => {
                open.position = call.result;
                return;
            }
            ("pwrite64", Entry::File(file)) => written(file, call.number(3), call),
            ("write", Entry::File(file)) if !open.appends => {
                let at = open.position;
                open.position += call.result;
                written(file, at, call)
            }
            ("ftruncate", Entry::File(file)) => Change::Length {
                file,
                length: call.number(1),
            },
            ("fsync" | "fdatasync", Entry::File(file)) => Change::Sync(file),
            ("fsync" | "fdatasync", Entry::Folder) => Change::SyncNames(open.name.clone()),
            (name, entry) => panic!("`{name}` on {entry:?} is not known here"),
        };
        self.record(call, change);
    }

    fn opened(&mut self, call: &Call<'_>, name: &str, flags: &str) {
        let Some(name) = path(name, self.root) else {
            return;
        };
        let entry = match self.names.get(&name) {
            Some(entry) => *entry,
            None if name == Path::new("") => Entry::Folder,
            None => {
                assert!(flags.contains("O_CREAT"), "`{}` is new", name.display());
                let file = self.files;
                self.files += 1;
                self.name(call, name.clone(), Some(Entry::File(file)));
                Entry::File(file)
            }
        };
        if let (true, Entry::File(file)) = (flags.contains("O_TRUNC"), entry) {
            self.record(call, Change::Length { file, length: 0 });
        }
        let open = Open {
            name,
            entry,
            position: 0,
            appends: flags.contains("O_APPEND"),
        };
        self.open.insert(u32::try_from(call.result).unwrap(), open);
    }

    fn named(&mut self, call: &Call<'_>, name: &str, stands_for: Option<Entry>) {
        if let Some(name) = path(name, self.root) {
            self.name(call, name, stands_for);
        }
    }

    fn renamed(&mut self, call: &Call<'_>, from: &str, to: &str) {
        let (from, to) = (path(from, self.root), path(to, self.root));
        let Some((from, to)) = from.zip(to) else {
            return;
        };
        let entry = self.names.get(&from).copied();
        self.name(call, to, entry);
        self.name(call, from, None);
    }

    fn name(&mut self, call: &Call<'_>, name: PathBuf, stands_for: Option<Entry>) {
        match stands_for {
            Some(entry) => self.names.insert(name.clone(), entry),
            None => self.names.remove(&name),
        };
        self.record(call, Change::Name { name, stands_for });
    }

    fn record(&mut self, call: &Call<'_>, change: Change) {
        self.operations.push(Operation {
            begun: call.begun,
            done: call.done,
            change,
        });
    }
}

fn written(file: File, at: usize, call: &Call<'_>) -> Change {
    let mut bytes = bytes(call.argument(1));
    // The system may take less than it was given.
    bytes.truncate(call.result);
    assert_eq!(bytes.len(), call.result, "the record was cut");
    Change::Bytes { file, at, bytes }
}

/// Returns the path that an argument names, relative to the root and if it lies there.
fn path(argument: &str, root: &Path) -> Option<PathBuf> {
    if !argument.starts_with('"') {
        return None;
    }
    let path = PathBuf::from(String::from_utf8(bytes(argument)).ok()?);
    path.strip_prefix(root).ok().map(Path::to_owned)
}

/// Reads a string of the record: `"\x61\x62"`.
fn bytes(argument: &str) -> Vec<u8> {
    let quoted = argument.strip_prefix('"');
    // A string that strace has cut ends in dots.
    let digits = quoted.and_then(|rest| rest.strip_suffix('"')).unwrap();
    let (escaped, _) = digits.as_bytes().as_chunks();
    escaped
        .iter()
        .map(|[_, _, high, low]| (digit(*high) << 4) | digit(*low))
        .collect()
}

fn digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("{digit} is no digit"),
    }
}
