"""The package of the output formats; its modules have tests of their own."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from bitcoin_handshake.cli.output.json_lines import json_line
from bitcoin_handshake.errors import AnomalyCode, FailureCode, Phase
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.records import SCHEMA_VERSION, Outcome, ProbeResult
from tests.cli.samples import SAMPLES, results

SCHEMA = json.loads(files("bitcoin_handshake").joinpath("schema/record.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _objects(schema: object) -> list[dict[str, object]]:
    if isinstance(schema, list):
        return [found for item in schema for found in _objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if "properties" in schema else []
    return own + [found for item in schema.values() for found in _objects(item)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == SCHEMA_VERSION


def test_every_key_is_required_and_described_and_no_other_allowed() -> None:
    objects = _objects(SCHEMA)
    assert len(objects) >= 7
    for schema in objects:
        properties = schema["properties"]
        assert isinstance(properties, dict)
        assert schema["required"] == list(properties)
        assert schema["additionalProperties"] is False
        assert all(value["description"].endswith((".", "above")) for value in properties.values())


def test_the_schema_knows_every_value_of_ours() -> None:
    properties = SCHEMA["properties"]
    assert set(properties["outcome"]["enum"]) == set(Outcome)
    assert set(properties["phase"]["enum"]) == {None, *Phase}
    assert set(properties["network"]["enum"]) == {None, *Network}
    code = Draft202012Validator(properties["code"])
    assert all(code.is_valid(str(value)) for value in FailureCode)
    anomalies = Draft202012Validator(properties["anomalies"])
    assert anomalies.is_valid([str(value) for value in AnomalyCode])


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_follow_the_schema(name: str) -> None:
    record = json.loads(json_line(SAMPLES[name]))
    VALIDATOR.validate(record)
    assert list(record) == SCHEMA["required"]


@given(results)
def test_every_record_follows_the_schema(result: ProbeResult) -> None:
    VALIDATOR.validate(json.loads(json_line(result)))


@pytest.mark.parametrize("key", SCHEMA["required"])
def test_the_schema_misses_a_key_that_is_missing(key: str) -> None:
    record = json.loads(json_line(SAMPLES["ok"]))
    del record[key]
    assert not VALIDATOR.is_valid(record)
    assert not VALIDATOR.is_valid(json.loads(json_line(SAMPLES["ok"])) | {"more": 1})
