"""Opening a store, and every way in which that can fail.

Owns the connection settings, the check of what kind of file it is, the migrations, and the lock that keeps
a second run out. A failure is an `EnvironmentFailure` with one line that says what to do (exit code 4).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import IO

from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA, SCHEMA_VERSION

__all__ = ["StoreLock", "default_path", "open_for_reading", "open_for_writing", "store_failure"]

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for another program that writes into the file."""


def default_path(chain: str) -> Path:
    """Return where the store of a chain is kept: in the user's data directory (XDG)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "bitcoin-handshake" / f"{chain}.sqlite"


def store_failure(path: Path, error: sqlite3.Error | OSError) -> EnvironmentFailure:
    """Say what went wrong with a store in one line."""
    text = str(error)
    if isinstance(error, OSError):
        return EnvironmentFailure(f"cannot open the store {path}: {error.strerror or error}")
    if "not a database" in text or "malformed" in text:
        return EnvironmentFailure(f"{path} is not a store: {text}; name another file with --db")
    if "disk is full" in text or "disk I/O" in text:
        return EnvironmentFailure(
            f"cannot write the store {path}: {text}; what is in it is kept: make room, then --resume"
        )
    if "readonly" in text:
        return EnvironmentFailure(f"cannot write the store {path}: the file or its folder is read-only")
    if "locked" in text:
        return EnvironmentFailure(f"cannot write the store {path}: another program is writing into it")
    return EnvironmentFailure(f"cannot use the store {path}: {text}")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise store_failure(path, error) from error


def open_for_writing(path: Path, chain: ChainParams) -> sqlite3.Connection:
    """Open a store, and make it where there is none.

    Raises:
        EnvironmentFailure: It cannot be opened or written, is no store, or is newer than this program.
        InputError: It is about another chain.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(database, path, chain)
        except BaseException:
            database.close()
            raise
    return database


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a store that is there.

    Raises:
        EnvironmentFailure: It is not there, is no store, or is newer than this program.
    """
    if not path.is_file():
        raise EnvironmentFailure(f"there is no store {path}: crawl first, or name it with --db")
    with _explained(path):
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        try:
            version = _check(database, path)
            if version < SCHEMA_VERSION:
                raise EnvironmentFailure(
                    f"{path} has schema {version}, older than {SCHEMA_VERSION}: crawl with it to convert it"
                )
        except BaseException:
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection, path: Path, chain: ChainParams) -> None:
    version = _check(database, path, may_be_empty=True)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA cache_size = -8000")
    database.execute("PRAGMA journal_size_limit = 67108864")
    if not version:
        _create(database, chain)
    while 0 < version < SCHEMA_VERSION:
        _run(database, MIGRATIONS[version], version + 1)
        version += 1
    magic = chain.magic.hex()
    ((there, name),) = database.execute("SELECT magic, chain FROM store")
    if there != magic:
        raise InputError(
            f"{path} is a store of {name}, not of {chain.chain.value}: name another file with --db"
        )


def _check(database: sqlite3.Connection, path: Path, *, may_be_empty: bool = False) -> int:
    """Return the schema version; 0 for an empty file."""
    ((version,),) = database.execute("PRAGMA user_version")
    ((application,),) = database.execute("PRAGMA application_id")
    ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master")
    if may_be_empty and not version and not application and not tables:
        return 0
    if application != APPLICATION_ID:
        raise EnvironmentFailure(f"{path} is a database of another program; name another file with --db")
    if version > SCHEMA_VERSION:
        raise EnvironmentFailure(
            f"{path} has schema {version}, and this version knows up to {SCHEMA_VERSION}: use a newer version"
        )
    return int(version)


def _create(database: sqlite3.Connection, chain: ChainParams) -> None:
    _run(database, SCHEMA, SCHEMA_VERSION, f"PRAGMA application_id = {APPLICATION_ID};")
    database.execute(
        "INSERT INTO store VALUES (1, ?, ?, ?)", (chain.chain.value, chain.magic.hex(), int(time() * 1000))
    )


def _run(database: sqlite3.Connection, statements: str, version: int, more: str = "") -> None:
    """Run statements and set the version in one transaction."""
    try:
        database.executescript(f"BEGIN IMMEDIATE;{statements}{more}PRAGMA user_version = {version};COMMIT;")
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


class StoreLock:
    """Keeps a second run out of a store, for as long as this process lives.

    A lock of the system on a file beside the store, which holds the process id: it is gone with the
    process, however that ends.

    Raises:
        EnvironmentFailure: Another process holds it.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            what = "a directory" if path.is_dir() else "a device, pipe or socket"
            raise EnvironmentFailure(f"{path} is {what}, not a store: name a file with --db")
        lock_path = path.with_name(f"{path.name}-lock")
        self._file: IO[str] | None = None
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = lock_path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise EnvironmentFailure(
                f"another run writes into {path}: process {owner}; wait for it, or choose another --db"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
            self._file = None
