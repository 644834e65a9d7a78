"""The page of all messages is current, complete, and agrees with the table of v2 ids."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from bitcoin_handshake.messages import REGISTRY
from tests.helpers import CHECKOUT, own_vectors


@pytest.fixture(scope="module")
def make_messages() -> ModuleType:
    """The script that makes the page."""
    spec = spec_from_file_location("make_messages", CHECKOUT / "docs" / "make_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_message_is_on_the_page(make_messages: ModuleType) -> None:
    assert make_messages.MESSAGES.keys() == REGISTRY.keys()


def test_v2_ids_are_those_of_the_table(make_messages: ModuleType) -> None:
    table = json.loads(own_vectors("bip324_short_ids.json").read_text())
    assigned = {row["command"]: row["id"] for row in table["assigned"]}
    ours = {
        msg_type: about.v2_id
        for msg_type, about in make_messages.MESSAGES.items()
        if about.v2_id is not None and msg_type != "feature"  # BIP434's own, not in BIP324
    }
    assert ours == assigned
    assert make_messages.MESSAGES["feature"].v2_id in [
        row["id"] for row in table["draft"] if row["command"] == "feature"
    ]
