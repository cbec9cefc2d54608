"""The index file: one SQLite database, written once and never changed.

Law: a change of what stands in it, or of how texts are folded, cut or embedded, gets a new
`FORMAT`; an index of another format is not read, it is built anew.
"""

from __future__ import annotations

FORMAT = 1
APPLICATION = 0x74756E65  # "tune", SQLite's `application_id`

SCHEMA = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL
);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES documents (id),
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    script TEXT NOT NULL,
    embedding BLOB
);
CREATE INDEX chunks_of ON chunks (document);
CREATE VIRTUAL TABLE words USING fts5 (
    title, text, codes,
    content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '5'
);
"""
# How much a word in the headings, in the text, and a whole code count.
WEIGHTS = (2.0, 1.0, 3.0)
