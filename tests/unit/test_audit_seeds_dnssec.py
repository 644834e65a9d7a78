"""DNSSEC: zones signed in the test, and everything that can be wrong with a signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.dnssec
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dns.dnssectypes import Algorithm

from bitcoin_handshake.audit.seeds.dnssec import ROOT_ANCHORS, Anchors, Dnssec, check_signatures, read_anchors
from bitcoin_handshake.errors import EnvironmentFailure, InputError

ROOT, TEST, ZONE = (dns.name.from_text(text) for text in (".", "test.", "good.test."))
SEED = dns.name.from_text("seed.good.test.")
NOW = datetime.now(UTC)
A = dns.rdatatype.A


@dataclass
class World:
    """Three zones, each signed with a key of its own; answers by name and type."""

    keys: dict[dns.name.Name, Ed25519PrivateKey] = field(
        default_factory=lambda: {name: Ed25519PrivateKey.generate() for name in (ROOT, TEST, ZONE)}
    )
    answers: dict[tuple[dns.name.Name, str], list[dns.rrset.RRset]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for zone in (ROOT, TEST, ZONE):
            self.put(zone, dns.rrset.from_rdata(zone, 60, self.dnskey(zone)))
        for zone in (TEST, ZONE):
            self.put(zone.parent(), dns.rrset.from_rdata(zone, 60, self.ds(zone)))
        self.put(ZONE, dns.rrset.from_text(SEED, 60, "IN", "A", "1.1.1.1", "2.2.2.2"))
        self.put(ZONE, dns.rrset.from_text(ZONE, 60, "IN", "SOA", "ns.good.test. a.good.test. 1 2 3 4 5"))

    def dnskey(self, zone: dns.name.Name) -> dns.rdtypes.ANY.DNSKEY.DNSKEY:
        return dns.dnssec.make_dnskey(self.keys[zone].public_key(), Algorithm.ED25519, 257)

    def ds(self, zone: dns.name.Name) -> dns.rdtypes.ANY.DS.DS:
        return dns.dnssec.make_ds(zone, self.dnskey(zone), "SHA256")

    def put(self, signer: dns.name.Name, rrset: dns.rrset.RRset, *, days: int = 7) -> None:
        begin = NOW - timedelta(days=30)
        signature = dns.dnssec.sign(
            rrset,
            self.keys[signer],
            signer,
            self.dnskey(signer),
            inception=begin,
            expiration=NOW + timedelta(days=days),
        )
        signed = dns.rrset.from_rdata(rrset.name, 60, signature)
        self.answers[rrset.name, rrset.rdtype.name] = [rrset, signed]

    async def ask(self, name: dns.name.Name, rdtype: str) -> dns.message.Message:
        response = dns.message.make_response(dns.message.make_query(name, rdtype))
        response.answer = list(self.answers.get((name, rdtype), []))
        if rdtype == "SOA" and not response.answer:
            response.authority = list(self.answers.get((ZONE, "SOA"), []))
        return response

    def check(self, anchors: Anchors | None = None) -> tuple[Dnssec, str]:
        trusted: Anchors = {ROOT: [self.ds(ROOT)]} if anchors is None else anchors
        return asyncio.run(check_signatures(SEED, "A", self.ask, trusted))


def test_a_chain_to_the_root_is_valid() -> None:
    assert World().check() == (Dnssec.VALID, "chain to the trust anchor of the root")


def test_an_anchor_may_be_a_key_of_the_zone() -> None:
    world = World()
    assert world.check({ZONE: [world.dnskey(ZONE)]}) == (
        Dnssec.VALID,
        "chain to the trust anchor of good.test",
    )


def test_without_a_promise_of_the_parent_it_is_signed_only() -> None:
    world = World()
    del world.answers[ZONE, "DS"]
    assert world.check() == (Dnssec.SIGNED, "no DS record for good.test in its parent")
    assert World().check({})[0] is Dnssec.SIGNED


def _unsigned(world: World) -> None:
    world.answers[SEED, "A"].pop()


def test_an_unsigned_zone() -> None:
    world = World()
    _unsigned(world)
    del world.answers[ZONE, "DS"]
    assert world.check() == (Dnssec.NONE, "no signature")


def _other_data(world: World) -> None:
    world.answers[SEED, "A"][0] = dns.rrset.from_text(SEED, 60, "IN", "A", "3.3.3.3")


def _expired(world: World) -> None:
    world.put(ZONE, world.answers[SEED, "A"][0], days=-1)


def _other_key(world: World) -> None:
    world.keys[ZONE] = Ed25519PrivateKey.generate()
    world.put(ZONE, dns.rrset.from_rdata(ZONE, 60, world.dnskey(ZONE)))
    world.put(ZONE, world.answers[SEED, "A"][0])


def _ds_by_nobody(world: World) -> None:
    world.answers[ZONE, "DS"][0] = dns.rrset.from_rdata(ZONE, 60, world.ds(TEST))


def _no_keys(world: World) -> None:
    del world.answers[ZONE, "DNSKEY"]


def _keys_unsigned(world: World) -> None:
    world.answers[ZONE, "DNSKEY"].pop()


def _foreign_signer(world: World) -> None:
    other = dns.name.from_text("other.")
    world.keys[other] = world.keys[ZONE]
    [rrset, _] = world.answers[SEED, "A"]
    world.put(ZONE, rrset)
    [_, signature] = world.answers[SEED, "A"]
    forged = signature[0].replace(signer=other)
    world.answers[SEED, "A"] = [rrset, dns.rrset.from_rdata(SEED, 60, forged)]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_unsigned, "no signature, and the parent of good.test has a DS record"),
        (_other_data, "the A records"),
        (_expired, "the A records"),
        (_other_key, "no key of good.test is that of the DS record"),
        (_ds_by_nobody, "no key of good.test is that of the DS record"),
        (_no_keys, "good.test shows no signed keys"),
        (_keys_unsigned, "good.test shows no signed keys"),
        (_foreign_signer, "signed by other, to which the name does not belong"),
    ],
)
def test_what_is_bogus(spoil: Callable[[World], None], why: str) -> None:
    world = World()
    spoil(world)
    state, reason = world.check()
    assert state is Dnssec.BOGUS
    assert reason.startswith(why)


def test_another_anchor_is_bogus() -> None:
    state, why = World().check(ROOT_ANCHORS)
    assert (state, why) == (Dnssec.BOGUS, "no key of the root is the trust anchor")
    world = World()
    _unsigned(world)
    assert world.check({ZONE: [world.dnskey(ZONE)]})[0] is Dnssec.BOGUS


def test_no_records_are_nothing_to_check() -> None:
    world = World()
    del world.answers[SEED, "A"]
    assert world.check() == (Dnssec.UNKNOWN, "no records to check")


def test_files_of_anchors(tmp_path: Path) -> None:
    world = World()
    path = tmp_path / "anchors"
    path.write_text(f"good.test. IN DS {world.ds(ZONE)}\n. 60 IN DNSKEY {world.dnskey(ROOT)}\n")
    anchors = read_anchors(path)
    assert set(anchors) == {ZONE, ROOT}
    assert world.check(anchors)[0] is Dnssec.VALID


@pytest.mark.parametrize("text", ["", "good.test. IN A 1.1.1.1\n", "good.test. IN DS x\n", "\0\n"])
def test_files_without_anchors(tmp_path: Path, text: str) -> None:
    path = tmp_path / "anchors"
    path.write_text(text)
    with pytest.raises(InputError, match="trust anchor"):
        read_anchors(path)
    with pytest.raises(EnvironmentFailure, match="cannot read"):
        read_anchors(tmp_path / "none")
