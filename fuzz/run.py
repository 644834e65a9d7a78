"""Run the fuzz targets for a bounded time: under atheris where it is installed, else under Hypothesis.

A target is a file `fuzz/fuzz_NAME.py` with `one_input(data: bytes) -> None`, which lets documented
exceptions pass and raises anything else. `fuzz/corpus/NAME/`, where it exists, holds inputs to
begin with, one a file.

    python -m fuzz.run [--seconds N] [--engine atheris|hypothesis] [NAME ...]

Exit codes: 0 nothing found; 1 a target failed (its input is printed); 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

OneInput = Callable[[bytes], None]

FOLDER = Path(__file__).resolve().parent
ARTIFACTS = FOLDER.parent / ".fuzz"
MAX_INPUT_BYTES = 8192
EXAMPLES_PER_ROUND = 250


def find_targets() -> dict[str, Path]:
    """Name every target of the folder, without the `fuzz_` of its file name."""
    return {path.stem.removeprefix("fuzz_"): path for path in sorted(FOLDER.glob("fuzz_*.py"))}


def load(path: Path, around_import: AbstractContextManager[object]) -> OneInput:
    """Import a target's file and give its `one_input`."""
    with around_import:
        one_input: OneInput = importlib.import_module(f"fuzz.{path.stem}").one_input
    return one_input


def corpus(name: str) -> Iterator[bytes]:
    """Read the inputs that the target begins with."""
    for path in sorted((FOLDER / "corpus" / name).glob("*")):
        yield path.read_bytes()


def inputs(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Any bytes; where there are inputs to begin with, also those with a piece replaced.

    Few random bytes get beyond the first fields of a message.
    """
    fresh = st.binary(max_size=MAX_INPUT_BYTES)
    if not seeds:
        return fresh
    longest = max(map(len, seeds))

    def changed(data: bytes, at: int, removed: int, inserted: bytes) -> bytes:
        return data[:at] + inserted + data[at + removed :]

    piece = (st.integers(0, longest), st.integers(0, 9), st.binary(max_size=9))
    return fresh | st.builds(changed, st.sampled_from(seeds), *piece)


def run_hypothesis(name: str, path: Path, seconds: float) -> bool:
    """Feed the corpus, then seeded inputs in rounds until the time is over; true where nothing was found.

    Rounds are numbered from 0 and seeded by their number, so a failure comes again.
    """
    one_input = load(path, nullcontext())
    seeds = list(corpus(name))
    for data in seeds:
        one_input(data)
    stop = time.monotonic() + seconds
    rounds = 0
    while rounds == 0 or time.monotonic() < stop:
        check = seed(rounds)(
            settings(
                max_examples=EXAMPLES_PER_ROUND,
                database=None,
                deadline=None,
                phases=[Phase.generate, Phase.target, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )(given(inputs(seeds))(one_input))
        )
        try:
            check()
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            print(f"fuzz {name}: FAILED in round {rounds} (hypothesis)", flush=True)
            return False
        rounds += 1
    print(f"fuzz {name}: nothing found in {rounds * EXAMPLES_PER_ROUND} inputs (hypothesis)", flush=True)
    return True


def run_atheris_here(name: str, path: Path, seconds: float) -> None:
    """Fuzz one target in this process; libFuzzer ends the process itself."""
    import atheris

    one_input = load(path, atheris.instrument_imports(include=["bitcoin_handshake"]))
    ARTIFACTS.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-artifact_prefix={ARTIFACTS / name}-",
        "-seed=1",
        "-timeout=10",
        "-verbosity=0",
    ]
    seeds = FOLDER / "corpus" / name
    if seeds.is_dir():
        work = ARTIFACTS / "corpus" / name  # libFuzzer writes what it finds into the first folder
        work.mkdir(parents=True, exist_ok=True)
        options += [str(work), str(seeds)]
    # The target's own branches count as coverage too: without them an early return looks like a dead end.
    atheris.Setup([sys.argv[0], *options], atheris.instrument_func(one_input))
    atheris.Fuzz()


def run_atheris(name: str, seconds: float) -> bool:
    """Fuzz one target in a process of its own; true where nothing was found."""
    command = [sys.executable, "-m", "fuzz.run", "--atheris-child", "--seconds", str(seconds), name]
    found = subprocess.run(command, cwd=FOLDER.parent, check=False, timeout=seconds + 120).returncode != 0
    result = "FAILED" if found else f"nothing found in {seconds:g} s"
    print(f"fuzz {name}: {result} (atheris)", flush=True)
    return not found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the targets named, or all of them."""
    targets = find_targets()
    default_engine = "atheris" if importlib.util.find_spec("atheris") else "hypothesis"
    parser = argparse.ArgumentParser(description="Run the fuzz targets.")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each target (default 10)")
    parser.add_argument("--engine", choices=["atheris", "hypothesis"], default=default_engine)
    parser.add_argument("--atheris-child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(targets)}; default all")
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in targets]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}")
    names: list[str] = options.names or list(targets)
    if options.atheris_child:
        run_atheris_here(names[0], targets[names[0]], options.seconds)
    clean = [
        run_atheris(name, options.seconds)
        if options.engine == "atheris"
        else run_hypothesis(name, targets[name], options.seconds)
        for name in names
    ]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
