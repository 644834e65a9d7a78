"""What tests of every room share: vectors, a clock that is set by hand, cutting bytes into pieces."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCE = CHECKOUT / "src" / "bitcoin_handshake"


def unavailable(what: str) -> NoReturn:
    """End the test because something that it needs is not on this machine.

    A skip on a bare checkout; a failure in CI, which has to install everything.
    """
    if os.environ.get("CI"):
        pytest.fail(f"{what}: CI has to provide it")
    pytest.skip(what)


def shared_vectors(name: str) -> Path:
    """Locate an official test vector file, by its name in `shared/protocol/vectors/`.

    `shared/` stands beside the checkout; BITCOIN_HANDSHAKE_SHARED names another place. Where the
    file is absent the test is skipped, and fails in CI.
    """
    shared = Path(os.environ.get("BITCOIN_HANDSHAKE_SHARED") or CHECKOUT.parent / "shared")
    path = shared / "protocol" / "vectors" / name
    if not path.is_file():
        unavailable(
            f"no test vectors {name} (set BITCOIN_HANDSHAKE_SHARED to the folder that holds protocol/)"
        )
    return path


def own_vectors(name: str) -> Path:
    """Locate a file of `tests/vectors/`: sessions captured and tables computed for this project."""
    return CHECKOUT / "tests" / "vectors" / name


class FakeClock:
    """A clock that stands still until it is advanced.

    Attributes:
        now: Monotonic seconds.
        time_unix: Seconds since the Unix epoch; advances with `now`.
    """

    def __init__(self, now: float = 1000.0, time_unix: float = 1_700_000_000.0) -> None:
        self.now = now
        self.time_unix = time_unix

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        """Let time pass, and give the new `now`."""
        self.now += seconds
        self.time_unix += seconds
        return self.now


def chunked(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut bytes at the offsets given, in any order; offsets outside are taken modulo the length.

    The pieces are never empty, and joined they are `data`.
    """
    if not data:
        return []
    offsets = sorted({cut % len(data) for cut in cuts} - {0})
    return [data[start:stop] for start, stop in zip([0, *offsets], [*offsets, len(data)], strict=True)]
