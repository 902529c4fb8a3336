-- What the first version of the schema looked like, with a short conversation.
PRAGMA journal_mode = WAL;
CREATE TABLE sessions (
    id          INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL UNIQUE,
    head        INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    ended       INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,
    fence       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sessions_updated ON sessions (updated_ms DESC, id DESC);
CREATE TABLE events (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id  INTEGER NOT NULL REFERENCES sessions (id),
    seq         INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    cause       INTEGER,
    run_id      TEXT,
    step        INTEGER,
    call_id     TEXT,
    kind        TEXT    NOT NULL,
    data        TEXT    NOT NULL,
    payload     TEXT,
    raw         TEXT,
    hash        BLOB,                       -- reserved for the chain of hashes
    UNIQUE (session_id, seq)
) STRICT;
INSERT INTO sessions VALUES (1, 'agent:main:main', 2, 1000, 2000, 0, NULL, 3);
INSERT INTO events (session_id, seq, time_ms, kind, data) VALUES
    (1, 1, 1000, 'SessionStarted', '{"channel":"cli","peer_id":"local"}'),
    (1, 2, 2000, 'MessageReceived', '{"content":"hi","attachments":[]}');
PRAGMA application_id = 0x4f435253;
PRAGMA user_version = 1;
