"""Arguments, files and standard input as batches of targets."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bitcoin_handshake.cli import sources as sources_module
from bitcoin_handshake.cli.sources import BATCH, BLOCKS_AHEAD, Sources
from bitcoin_handshake.errors import BadTarget, EnvironmentFailure, InputError
from bitcoin_handshake.targets import Target


async def _collect(sources: Sources) -> list[str]:
    found: list[str] = []
    async for batch in sources.batches():
        assert 0 < len(batch) <= BATCH
        found += [item.text if isinstance(item, Target) else f"bad:{item.text}" for item in batch]
    return found


def _texts(arguments: Sequence[str]) -> list[str]:
    sources = Sources(arguments)
    try:
        found = asyncio.run(_collect(sources))
        assert sources.count == len(found)
        assert sources.is_exhausted
        return found
    finally:
        sources.close()


def _stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_arguments_come_first_then_streams_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"# list\n1.1.1.1\r\n\n  b.example # why\nbad target\n")
    two.write_bytes(b"2.2.2.2")
    _stdin(monkeypatch, b"3.3.3.3\n")
    assert _texts([f"@{one}", "a.example", "-", f"@{two}", "9.9.9.9"]) == [
        "a.example", "9.9.9.9", "1.1.1.1", "b.example", "bad:bad target", "3.3.3.3", "2.2.2.2",
    ]  # fmt: skip


def test_nothing_in_a_stream_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(monkeypatch, b"\n# nothing\n\n")
    assert _texts(["-"]) == []


def test_long_streams_come_in_small_batches(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_text("".join(f"10.0.{n // 250}.{n % 250}\n" for n in range(20_000)))
    assert len(_texts([f"@{path}"])) == 20_000


def test_the_first_batch_comes_before_the_last_line_is_written() -> None:
    reader, writer = os.pipe()
    sources = Sources([f"@/dev/fd/{reader}"])

    async def run() -> None:
        batches = aiter(sources.batches())
        os.write(writer, b"1.1.1.1\n2.2.2.2\n3.3")
        first = await asyncio.wait_for(anext(batches), 10)
        assert [item.text for item in first] == ["1.1.1.1", "2.2.2.2"]
        os.write(writer, b".3.3\n")
        assert [item.text for item in await asyncio.wait_for(anext(batches), 10)] == ["3.3.3.3"]
        os.close(writer)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(batches), 10)

    try:
        asyncio.run(run())
    finally:
        sources.close()
        os.close(reader)


def test_a_run_that_stops_early_leaves_no_reader_waiting(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_text("1.1.1.1\n" * 200_000)
    sources = Sources([f"@{path}"])

    async def run() -> None:
        batches = sources.batches()
        async for _ in batches:
            break
        await batches.aclose()  # type: ignore[attr-defined]  # it is an async generator

    asyncio.run(run())
    sources.close()
    assert sources.count == BATCH
    assert not sources.is_exhausted


def test_a_reader_stays_a_few_blocks_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "endless"
    path.touch()
    blocks = 0

    def endless(stream: object) -> Iterator[list[str]]:
        nonlocal blocks
        while True:
            blocks += 1
            yield ["1.1.1.1"]

    monkeypatch.setattr(sources_module, "iter_lines", endless)
    sources = Sources([f"@{path}"])

    async def run() -> None:
        batches = sources.batches()
        await anext(batches)
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert blocks <= BLOCKS_AHEAD + 2
        await batches.aclose()  # type: ignore[attr-defined]  # it is an async generator

    asyncio.run(run())
    sources.close()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["a..b"], BadTarget),
        (["@"], BadTarget),
        (["-", "-"], InputError),
        (["@/no/such"], EnvironmentFailure),
    ],
)
def test_refuses_what_cannot_be_opened(arguments: list[str], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Sources(arguments)


def test_refuses_a_name_with_a_null() -> None:
    with pytest.raises(EnvironmentFailure, match="null"):
        Sources(["@a\0b"])


def test_refuses_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(EnvironmentFailure, match="standard input is closed"):
        Sources(["-"])


def test_an_error_while_reading_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.RawIOBase):
        def readinto(self, buffer: object) -> int:
            raise OSError(5, "Input/output error")

        def readable(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Broken())))
    with pytest.raises(EnvironmentFailure, match="cannot read standard input: Input/output error"):
        _texts(["-"])
    monkeypatch.undo()


def test_knows_its_own_files(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("1.1.1.1\n")
    sources = Sources([f"@{path}"])
    with open(path, "rb") as same, open(os.devnull, "rb") as other:
        assert sources.is_file(same.fileno())
        assert not sources.is_file(other.fileno())
    sources.close()
