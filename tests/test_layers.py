"""The import rules that `make check` enforces are those of the plan, and cover every module.

`lint-imports` itself runs in `make check` only.
"""

from __future__ import annotations

import tomllib
from itertools import takewhile
from typing import Any

from tests.helpers import CHECKOUT, SOURCE


def _contracts() -> dict[str, dict[str, Any]]:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    return {contract["type"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


def _layers() -> list[list[str]]:
    """The layers from top to bottom, each with its modules."""
    layers: list[str] = _contracts()["layers"]["layers"]
    return [[name.strip(" ()") for name in layer.split("|")] for layer in layers]


def _present() -> set[str]:
    return {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def test_every_module_has_a_room() -> None:
    rooms = {name for layer in _layers() for name in layer}
    assert _present() - rooms == {"__init__"} | ({"__main__"} & _present())


def test_the_engine_knows_nothing_of_bitcoin() -> None:
    """What is on its line does not import it, nor it that; what is above, it cannot import."""
    upwards = list(reversed(_layers()))
    below = {name for layer in takewhile(lambda layer: "engine" not in layer, upwards) for name in layer}
    assert below <= {"codes", "defaults", "errors", "protocol", "wire", "asmap", "chain", "netaddr"}


def test_every_folder_with_code_is_a_package() -> None:
    """A folder without `__init__.py` is invisible to import-linter."""
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_the_pure_core_is_everything_up_to_session_but_the_engine() -> None:
    upwards = [name for layer in reversed(_layers()) for name in layer]
    above = next(layer for layer in _layers() if "policy" in layer)
    core = set(takewhile(lambda name: name not in above, upwards)) - {"engine"}
    assert "session" in core
    listed = {name.removeprefix("bitcoin_handshake.") for name in _contracts()["forbidden"]["source_modules"]}
    pure_parts = {"crawl.backoff", "crawl.frontier", "crawl.gossip", "crawl.groups"}
    assert listed == core & _present() | pure_parts, "bring source_modules in pyproject.toml up to date"
