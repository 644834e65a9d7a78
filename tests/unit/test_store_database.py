"""Opening a store, and every way in which that fails with one clear line."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.store.database import (
    StoreLock,
    default_path,
    open_for_reading,
    open_for_writing,
    store_failure,
)

REGTEST = CHAINS[Chain.REGTEST]
OPENERS: tuple[Callable[[Path], sqlite3.Connection], ...] = (
    lambda path: open_for_writing(path, REGTEST),
    open_for_reading,
)


def assert_one_line(error: BaseException, *words: str) -> None:
    text = str(error)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_a_store_is_made_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.sqlite"
    open_for_writing(path, REGTEST).close()
    open_for_writing(path, REGTEST).close()
    database = open_for_reading(path)
    assert database.execute("SELECT chain, magic FROM store").fetchall() == [("regtest", "fabfb5da")]
    with pytest.raises(sqlite3.OperationalError):
        database.execute("DELETE FROM store")
    database.close()


def test_the_default_is_in_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path("mainnet") == tmp_path / "bitcoin-handshake" / "mainnet.sqlite"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path("signet") == tmp_path / ".local/share/bitcoin-handshake/signet.sqlite"


def test_another_chain(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    open_for_writing(path, REGTEST).close()
    with pytest.raises(InputError) as caught:
        open_for_writing(path, CHAINS[Chain.MAINNET])
    assert_one_line(caught.value, str(path), "regtest", "mainnet", "--db")


def test_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_text("hello " * 500)
    for opened in OPENERS:
        with pytest.raises(EnvironmentFailure) as caught:
            opened(path)
        assert_one_line(caught.value, str(path), "not a database")
    assert path.read_text() == "hello " * 500


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(EnvironmentFailure) as caught:
        open_for_writing(path, REGTEST)
    assert_one_line(caught.value, str(path), "another program")


def test_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = open_for_writing(path, REGTEST)
    database.execute("PRAGMA user_version = 99")
    database.close()
    for opened in OPENERS:
        with pytest.raises(EnvironmentFailure) as caught:
            opened(path)
        assert_one_line(caught.value, str(path), "schema 99", "newer version")


def test_no_file_to_read(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        open_for_reading(tmp_path / "absent.sqlite")
    assert_one_line(caught.value, "absent.sqlite", "--db")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailure) as caught:
        open_for_writing(tmp_path / "file" / "a.sqlite", REGTEST)
    assert_one_line(caught.value, "file")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("attempt to write a readonly database", "read-only"),
        ("database or disk is full", "make room"),
        ("database is locked", "another program"),
        ("no such table: x", "no such table"),
    ],
)
def test_what_sqlite_says_becomes_advice(text: str, words: str) -> None:
    assert_one_line(store_failure(Path("a"), sqlite3.OperationalError(text)), words)


def test_a_second_run_names_the_process_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    lock = StoreLock(path)
    code = (
        "import sys; from pathlib import Path; from bitcoin_handshake.store.database import StoreLock\n"
        "try: StoreLock(Path(sys.argv[1]))\n"
        "except Exception as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert f"process {os.getpid()}" in said.stdout
    lock.release()
    lock.release()
    again = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert again.stdout == ""
