"""What the checkout may hold, and what `make clean` leaves of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import CHECKOUT

CHECK = CHECKOUT / ".ci" / "check_files.py"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty git repository with our Makefile and .gitignore."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, timeout=60, check=True)
    for name in ("Makefile", ".gitignore"):
        shutil.copy(CHECKOUT / name, tmp_path)
    return tmp_path


def _check(repository: Path) -> str:
    subprocess.run(["git", "add", "--all"], cwd=repository, timeout=60, check=True)
    done = subprocess.run(
        [sys.executable, CHECK], cwd=repository, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode != 0) is bool(done.stderr)
    return done.stderr


def test_tracked_binaries_and_large_files_are_refused(repository: Path) -> None:
    assert _check(repository) == ""
    (repository / "tool.whl").write_bytes(b"PK\0")
    (repository / "big.txt").write_bytes(b"x" * 1_000_001)
    data = repository / "tests" / "vectors"
    data.mkdir(parents=True)
    (data / "stream.bin").write_bytes(bytes(1_000_001))
    assert _check(repository) == "big.txt: over 1,000,000 bytes\ntool.whl: binary\n"


def test_make_clean_leaves_nothing_that_was_made_here(repository: Path) -> None:
    made = [
        ".venv/bin", ".venv-3.12/bin", ".servers/bin", ".fuzz", "build", "dist", "src/a.egg-info", "htmlcov",
        "src/a/__pycache__", ".ci/__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache",
        ".import_linter_cache",
    ]  # fmt: skip
    for name in made:
        (repository / name).mkdir(parents=True)
        (repository / name / "file").touch()
    (repository / ".coverage").touch()
    (repository / ".coverage.1").touch()
    subprocess.run(["make", "--silent", "clean"], cwd=repository, env=_own_make(), timeout=60, check=True)
    left = subprocess.run(
        ["git", "status", "--porcelain", "--ignored"],
        cwd=repository, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert left.stdout == "?? .gitignore\n?? Makefile\n"


def _own_make() -> dict[str, str]:
    """The environment without what a `make` that runs the tests hands on, VENV for one."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "VENV"
    }


@pytest.mark.parametrize("version", ["3.12", ""])
def test_another_python_makes_the_environment_anew(repository: Path, version: str) -> None:
    """The stamp goes where the environment's Python is not the one asked for, and stays otherwise."""
    asked = repository / "asked-python"
    asked.write_text(f"#!/bin/sh\necho {version or '3.11'}\n")
    theirs = repository / ".venv" / "bin" / "python"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("#!/bin/sh\necho 3.11\n")
    for each in (asked, theirs):
        each.chmod(0o755)
    stamp = repository / ".venv" / ".installed"
    stamp.touch()
    command = ["make", "--silent", "help", f"PYTHON={asked}"]
    subprocess.run(command, cwd=repository, env=_own_make(), capture_output=True, timeout=60, check=True)
    assert stamp.exists() is not bool(version)
