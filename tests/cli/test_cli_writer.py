"""Writing in a thread: order, backlog, a slow reader, a reader that went away, a full disk."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import io
import os
import threading
import time
from collections.abc import Callable

import pytest

from bitcoin_handshake.cli import writer as writer_module
from bitcoin_handshake.cli.writer import BackgroundWriter, RecordSink, descriptor_writer, stream_writer
from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.records import ProbeResult
from tests.cli.samples import ok


def test_writes_everything_in_order_before_it_closes() -> None:
    written: list[str] = []
    writer = BackgroundWriter(written.append)
    for number in range(1000):
        writer.put(str(number))
    writer.close()
    assert written == [str(number) for number in range(1000)]
    assert writer.backlog == 0
    assert writer.error is None


def test_putting_does_not_wait_for_the_reader() -> None:
    gate = threading.Event()
    written: list[str] = []

    def write(text: str) -> None:
        gate.wait()
        written.append(text)

    writer = BackgroundWriter(write)
    for _ in range(100):
        writer.put("x" * 10)
    assert writer.backlog == 1000
    assert written == []
    gate.set()
    writer.close()
    assert len(written) == 100


def test_after_an_error_nothing_more_is_written() -> None:
    calls: list[str] = []

    def write(text: str) -> None:
        calls.append(text)
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = BackgroundWriter(write)
    writer.put("a")
    writer.put("b")
    writer.close()
    assert calls == ["a"]
    assert writer.error is not None
    assert writer.backlog == 0


def test_ticks_while_nothing_comes_and_finishes_once() -> None:
    ticked = threading.Event()
    finished: list[str] = []
    writer = BackgroundWriter(lambda text: None, tick=ticked.set, finish=lambda: finished.append("end"))
    assert ticked.wait(10)
    writer.close()
    assert finished == ["end"]


def _sink(
    writer: BackgroundWriter,
    render: Callable[[ProbeResult], str] = lambda result: "line\n",
    prologue: str = "",
) -> tuple[RecordSink, asyncio.Event]:
    failed = asyncio.Event()
    sink = RecordSink(render, name="out", prologue=prologue, on_failure=failed.set)
    sink.attach(writer)
    return sink, failed


@pytest.mark.asyncio
async def test_records_are_handed_on_in_batches_and_soon() -> None:
    written: list[str] = []
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def write(text: str) -> None:
        written.append(text)
        loop.call_soon_threadsafe(arrived.set)

    writer = BackgroundWriter(write)
    sink, _ = _sink(writer, prologue="head\n")
    began = time.monotonic()
    sink.write(ok())
    sink.write(ok())
    assert written == []
    await asyncio.wait_for(arrived.wait(), 10)
    assert time.monotonic() - began >= writer_module.FLUSH_S * 0.9
    assert written == ["head\nline\nline\n"]
    for _ in range(writer_module.FLUSH_COUNT):
        sink.write(ok())
    assert writer.backlog or len(written) == 2, "a full batch does not wait for the timer"
    sink.finish("end\n")
    writer.close()
    assert "".join(written) == "head\n" + "line\n" * (2 + writer_module.FLUSH_COUNT) + "end\n"


@pytest.mark.asyncio
async def test_a_run_without_records_still_has_its_prologue() -> None:
    written: list[str] = []
    writer = BackgroundWriter(written.append)
    sink, _ = _sink(writer, prologue="head\n")
    sink.finish()
    writer.close()
    assert written == ["head\n"]


@pytest.mark.asyncio
async def test_a_record_that_cannot_be_rendered_loses_no_other_and_ends_the_run() -> None:
    written: list[str] = []
    bug = ValueError("ours")

    def render(result: ProbeResult) -> str:
        if result.target == "bad":
            raise bug
        return f"{result.target}\n"

    writer = BackgroundWriter(written.append)
    sink, failed = _sink(writer, render)
    for target in ("a", "bad", "b"):
        result = ok()
        result.target = target
        sink.write(result)
    await asyncio.wait_for(failed.wait(), 10)
    with pytest.raises(ValueError, match="ours"):
        await sink.drain()
    sink.finish("end\n")
    writer.close()
    assert "".join(written) == "a\nb\nend\n"


@pytest.mark.asyncio
async def test_drain_waits_for_a_slow_reader_and_the_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MAX_BACKLOG", 1000)
    monkeypatch.setattr(writer_module, "LOW_BACKLOG", 500)
    gate = threading.Event()

    def write(text: str) -> None:
        gate.wait()

    writer = BackgroundWriter(write)
    sink, _ = _sink(writer, render=lambda result: "x" * 600)
    await sink.drain()
    sink.write(ok())
    sink.write(ok())
    sink.finish()
    draining = asyncio.create_task(sink.drain())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not draining.done()
    gate.set()
    await asyncio.wait_for(draining, 10)
    writer.close()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), BrokenPipeError, "Broken pipe"),
        (OSError(errno.ENOSPC, "No space left"), EnvironmentFailure, "cannot write out: No space left"),
    ],
)
@pytest.mark.asyncio
async def test_a_failure_is_told_at_once_and_raised(
    error: OSError, kind: type[Exception], words: str
) -> None:
    def write(text: str) -> None:
        raise error

    writer = BackgroundWriter(write)
    sink, failed = _sink(writer)
    sink.write(ok())
    await asyncio.wait_for(failed.wait(), 10)
    with pytest.raises(kind, match=words):
        await sink.drain()
    writer.close()
    with pytest.raises(kind, match=words):
        sink.raise_failure()


def test_a_descriptor_in_non_blocking_mode_gets_everything() -> None:
    reader, writer = os.pipe()
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    received: list[bytes] = []

    def read() -> None:
        while data := os.read(reader, 65536):
            received.append(data)

    thread = threading.Thread(target=read)
    thread.start()
    descriptor_writer(writer)("x" * 1_000_000)
    os.close(writer)
    thread.join()
    os.close(reader)
    assert sum(map(len, received)) == 1_000_000


def test_a_stream_in_memory() -> None:
    stream = io.StringIO()
    stream_writer(stream)("text")
    assert stream.getvalue() == "text"


def test_characters_that_an_encoding_does_not_have() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="ascii") as stream:
        stream_writer(stream)("é\n")
    with os.fdopen(reader, "rb") as end:
        assert end.read() == b"\\xe9\n"
