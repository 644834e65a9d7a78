"""Which questions a seed is asked."""

from __future__ import annotations

import pytest

from bitcoin_handshake.audit.seeds.questions import parse_filters, questions_for
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.resolver.servers import Server

SERVERS = [Server.from_text("9.9.9.9"), Server.from_text("tls://1.1.1.1")]


def test_every_seed_filter_type_and_server() -> None:
    asked = questions_for(["seed.bitcoin.sipa.be", "seed.example"], SERVERS)
    assert len(asked) == (5 + 2) * 2 * 2
    names = list(dict.fromkeys(question.name for question in asked))
    assert names == [
        "seed.bitcoin.sipa.be",
        *(f"{label}.seed.bitcoin.sipa.be" for label in ("x1", "x5", "x9", "xd")),
        "seed.example",
        "x9.seed.example",
    ]


def test_filters_of_the_callers_choice() -> None:
    masks = parse_filters("x9, X809,-,xc08,x9")
    assert masks == (0x9, 0x809, 0, 0xC08)
    asked = questions_for(["seed.example"], SERVERS[:1], masks=masks, rdtypes=["A"])
    assert [question.label for question in asked] == ["x9", "x809", "-", "xc08"]


@pytest.mark.parametrize("text", ["", "x", "x0", "xg", "x9,,x1", "x10000000000000000", "x1_0", "9 9"])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(InputError, match="is not a filter"):
        parse_filters(text)


def test_too_many_filters() -> None:
    with pytest.raises(InputError, match="at most 32"):
        parse_filters(",".join(f"x{mask:x}" for mask in range(1, 34)))
