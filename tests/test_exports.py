"""What is public: each module's `__all__`, and the library's own names."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import types

import pytest

import bitcoin_handshake
from tests.helpers import SOURCE

ROOT = bitcoin_handshake.__name__


def _module_names() -> list[str]:
    found = (module.name for module in pkgutil.walk_packages([str(SOURCE)], prefix=f"{ROOT}."))
    return [name for name in found if not name.endswith("__main__")]


@pytest.mark.parametrize("name", _module_names())
def test_every_name_in_all_exists_and_is_listed_once(name: str) -> None:
    module = importlib.import_module(name)
    if hasattr(module, "__path__") and not hasattr(module, "__all__"):
        return  # a package that only holds modules
    public = module.__all__
    assert len(public) == len(set(public))
    assert [attribute for attribute in public if not hasattr(module, attribute)] == []


@pytest.mark.parametrize("name", _module_names())
def test_no_module_exports_what_another_defines_but_packages(name: str) -> None:
    """A class or function has one home; only a package may pass on the names of its own modules."""
    module = importlib.import_module(name)
    strangers = [
        attribute
        for attribute in getattr(module, "__all__", ())
        if isinstance(value := getattr(module, attribute), type | types.FunctionType)
        and value.__module__ != name
        and not value.__module__.startswith(f"{name}.")
    ]
    assert not strangers


def test_the_library_exports_public_names_of_its_modules() -> None:
    homes = {name: set(getattr(importlib.import_module(name), "__all__", ())) for name in _module_names()}
    for public in set(getattr(bitcoin_handshake, "__all__", ())) - {"__version__"}:
        value = getattr(bitcoin_handshake, public)
        assert any(
            public in names and getattr(importlib.import_module(home), public) is value
            for home, names in homes.items()
        ), f"{public} is not in the __all__ of any module"


def test_no_public_name_is_also_a_module() -> None:
    """Importing such a module would put it in the name's place: `from bitcoin_handshake import name` then
    gives the one or the other, depending on what was imported before.
    """
    modules = {name.removeprefix(f"{ROOT}.") for name in _module_names()}
    assert not set(getattr(bitcoin_handshake, "__all__", ())) & modules


def test_dir_of_the_library_lists_what_it_exports() -> None:
    assert set(getattr(bitcoin_handshake, "__all__", ())) <= set(dir(bitcoin_handshake))


def test_every_module_says_what_it_owns() -> None:
    silent = [
        path.name for path in SOURCE.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent
