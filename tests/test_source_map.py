"""Every module has a unit test file of its name, and every unit test file its module."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import CHECKOUT, SOURCE

# Modules that hold nothing to test by themselves, with the reason.
WITHOUT_TESTS = {
    "__init__": "the public names; tests/test_exports.py",
    "__main__": "one call of cli.main; tests/cli/ runs it as a process",
}


def _test_name(module: Path) -> str:
    """`transport/v2.py` is tested in `test_transport_v2.py`, a package's `__init__` in the package's name."""
    parts = module.relative_to(SOURCE).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return "test_" + "_".join(parts)


def _is_bare_package(module: Path) -> bool:
    """Whether the file is a package's `__init__` that defines nothing (docstring, imports, `__all__`)."""
    text = module.read_text()
    return module.name == "__init__.py" and not any(
        line.startswith(("def ", "class ", "async def ", "@")) for line in text.splitlines()
    )


def _modules() -> dict[str, Path]:
    return {
        _test_name(module): module
        for module in SOURCE.rglob("*.py")
        if module.relative_to(SOURCE).with_suffix("").as_posix() not in WITHOUT_TESTS
    }


def _tests() -> set[str]:
    return {path.stem for path in (CHECKOUT / "tests").rglob("test_*.py")}


def test_every_module_has_its_test_file() -> None:
    missing = [
        module.relative_to(SOURCE).as_posix()
        for name, module in _modules().items()
        if name not in _tests() and not _is_bare_package(module)
    ]
    assert not missing, f"no tests/unit/test_... for {sorted(missing)}"


def test_every_unit_test_file_has_its_module() -> None:
    unit_tests = {path.stem for path in (CHECKOUT / "tests" / "unit").glob("test_*.py")}
    assert not sorted(unit_tests - _modules().keys())


def test_the_exceptions_are_still_there() -> None:
    assert [
        name for name in WITHOUT_TESTS if name != "__main__" and not (SOURCE / f"{name}.py").exists()
    ] == []
