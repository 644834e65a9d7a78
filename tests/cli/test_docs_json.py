"""docs/json.md says what the schema says."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.output.csv_rows import COLUMNS
from tests.helpers import CHECKOUT

PAGE = CHECKOUT / "docs" / "json.md"
SCHEMA = json.loads(files("bitcoin_handshake").joinpath("schema/record.schema.json").read_text())
BEGIN, END = "<!-- keys -->\n", "<!-- end of keys -->\n"


def _rows(schema: dict[str, Any], prefix: str = "") -> list[str]:
    rows: list[str] = []
    properties = schema["properties"]
    assert isinstance(properties, dict)
    for name, value in properties.items():
        path = f"{prefix}{name}"
        rows.append(f"| `{path}` | {_kind(value)} | {value['description'].replace('|', '/')} |\n")
        for separator, inner in _objects_in(value):
            rows += _rows(inner, f"{path}{separator}")
    return rows


def _objects_in(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Find the object or the list of objects that a value may be."""
    forms = [schema, *schema.get("anyOf", [])]
    objects = [(".", form) for form in forms] + [("[].", form.get("items", {})) for form in forms]
    return [(separator, form) for separator, form in objects if "properties" in form]


def _kind(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return " ".join(f"`{json.dumps(value)}`" if value is None else f"`{value}`" for value in values)
    if "anyOf" in schema:
        return "values, false or null"
    kinds = schema["type"]
    return kinds if isinstance(kinds, str) else " or ".join(map(str, kinds))


def test_the_page_has_every_key_with_its_description() -> None:
    """Write the table anew with BH_WRITE_GOLDEN=1."""
    table = "| key | type or values | meaning |\n|---|---|---|\n" + "".join(_rows(SCHEMA))
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("BH_WRITE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}")
        written = table
    assert written == table


def test_the_example_follows_the_schema() -> None:
    example = PAGE.read_text().split("```json\n")[1].split("```")[0]
    Draft202012Validator(SCHEMA).validate(json.loads(example))


def test_the_page_names_every_exit_code_and_csv_column() -> None:
    text = PAGE.read_text()
    assert all(f"| {code.value} |" in text for code in ExitCode)
    assert all(column.partition("_")[0] in text for column in COLUMNS)
