"""The answer to getaddr."""

from __future__ import annotations

from bitcoin_handshake.messages.addresses import Addr, AddrV2
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.simulate.gossip import MAX_AGE_S, address_answer
from tests.simulated import node_facts

NOW = 1_700_000_000
NETWORK = [NetAddr.from_text(f"127.1.0.{n}", 18444) for n in range(1, 9)] + [NetAddr.from_text("::1", 18444)]


def test_names_every_other_node_and_not_itself() -> None:
    facts = node_facts(neighbours=NETWORK)
    for is_v2 in (True, False):
        answer = address_answer(facts, is_v2=is_v2)
        assert answer is not None
        msg_type, payload = answer
        assert msg_type == ("addrv2" if is_v2 else "addr")
        entries = (AddrV2 if is_v2 else Addr).deserialize(payload).entries()
        assert {entry.netaddr for entry in entries} == set(NETWORK) - {facts.netaddr}
        assert all(NOW - MAX_AGE_S < entry.time <= NOW for entry in entries)


def test_sends_a_thousand_at_most() -> None:
    many = [NetAddr.from_text(f"127.2.{n // 250}.{n % 250}", 18444) for n in range(3000)]
    answer = address_answer(node_facts(neighbours=many), is_v2=True)
    assert answer is not None
    assert AddrV2.deserialize(answer[1]).count == 1000


def test_is_silent_where_there_is_nobody_else() -> None:
    assert address_answer(node_facts(), is_v2=True) is None
    facts = node_facts()
    assert address_answer(node_facts(neighbours=[facts.netaddr]), is_v2=False) is None


def test_repeats_with_the_seed() -> None:
    first = address_answer(node_facts(neighbours=NETWORK, seed=3), is_v2=True)
    assert first == address_answer(node_facts(neighbours=NETWORK, seed=3), is_v2=True)
    assert first != address_answer(node_facts(neighbours=NETWORK, seed=4), is_v2=True)
