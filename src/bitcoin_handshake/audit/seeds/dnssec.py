"""Whether the answers of a seed are signed, and whether the signatures hold.

Owns the check: the signature of the answer by a key of its zone, the zone's key by a DS record of the
parent, and so on up to a trust anchor. dnspython verifies one signature at a time; the order is ours.

Sources: RFC 4035 section 5; the anchors are the DS records that IANA publishes for the root zone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from pathlib import Path

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zonefile
from dns.dnssectypes import DSDigest
from dns.rdtypes.ANY.DS import DS

from bitcoin_handshake.errors import EnvironmentFailure, InputError

__all__ = ["ROOT_ANCHORS", "Anchors", "Dnssec", "check_signatures", "read_anchors"]

Ask = Callable[[dns.name.Name, str], Awaitable[dns.message.Message]]
Anchors = Mapping[dns.name.Name, list[dns.rdata.Rdata]]
MAX_ANCHORS_LEN = 1_000_000
MAX_ZONES = 20
"""Zones between a name and the root at most."""

_ROOT_DS = (
    "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
)
ROOT_ANCHORS: Anchors = {
    dns.name.root: [dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DS, text) for text in _ROOT_DS]
}
"""Keys of the root zone: of 2017 and of 2024."""


class Dnssec(StrEnum):
    """State of an answer."""

    NONE = "none"  # no signature, and the parent zone promises none
    SIGNED = "signed"  # the signature holds, and no chain leads from it to a trust anchor
    VALID = "valid"  # the signature holds, and so does the chain to a trust anchor
    BOGUS = "bogus"  # a signature is missing, expired or wrong: validating resolvers give no answer
    UNKNOWN = "unknown"  # the questions were not answered


class _Bogus(Exception):
    """Why a signature does not hold."""


def read_anchors(path: Path) -> Anchors:
    """Read a file of trust anchors: DS or DNSKEY records, as in a zone file.

    Raises:
        EnvironmentFailure: It cannot be read.
        InputError: It holds something else.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_ANCHORS_LEN)
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from None
    try:
        rrsets = dns.zonefile.read_rrsets(text, default_ttl=0, rdclass=None)
    except dns.exception.DNSException as error:
        raise InputError(f"{path} holds no trust anchors (DS or DNSKEY records): {error}") from None
    anchors: dict[dns.name.Name, list[dns.rdata.Rdata]] = {}
    for rrset in rrsets:
        if rrset.rdtype not in (dns.rdatatype.DS, dns.rdatatype.DNSKEY):
            raise InputError(f"{path}: a trust anchor is a DS or DNSKEY record, not {rrset.rdtype.name}")
        anchors.setdefault(rrset.name, []).extend(rrset)
    if not anchors:
        raise InputError(f"{path} holds no trust anchors (DS or DNSKEY records)")
    return anchors


async def check_signatures(
    name: dns.name.Name, rdtype: str, ask: Ask, anchors: Anchors
) -> tuple[Dnssec, str]:
    """Check what a seed answers.

    Args:
        name: Absolute name that has records of that type.
        rdtype: `A` or `AAAA`.
        ask: Puts a question with the DO and CD bits; its errors pass through.
        anchors: The keys to trust.

    Returns:
        The state, and what it rests on in words.
    """
    answer = await ask(name, rdtype)
    records = _find(answer, dns.rdatatype.from_text(rdtype))
    if records is None:
        return Dnssec.UNKNOWN, "no records to check"
    signatures = _find(answer, dns.rdatatype.RRSIG, records)
    try:
        if signatures is None:
            return await _unsigned(name, ask, anchors)
        zone = signatures[0].signer
        if not records.name.is_subdomain(zone):
            raise _Bogus(f"signed by {_text(zone)}, to which the name does not belong")
        keys = await _keys_of(zone, ask)
        _verify(records, signatures, {zone: keys}, f"the {rdtype} records")
        return await _climb(zone, keys, ask, anchors)
    except _Bogus as error:
        return Dnssec.BOGUS, str(error)


async def _unsigned(name: dns.name.Name, ask: Ask, anchors: Anchors) -> tuple[Dnssec, str]:
    """Judge an answer without a signature: fine, unless its zone has to sign."""
    answer = await ask(name, "SOA")
    zones = [
        rrset.name
        for rrset in (*answer.answer, *answer.authority)
        if rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name)
    ]
    zone = zones[0] if zones else name.parent()
    if zone in anchors:
        raise _Bogus(f"no signature, and there is a trust anchor for {_text(zone)}")
    if zone != dns.name.root and _find(await ask(zone, "DS"), dns.rdatatype.DS) is not None:
        raise _Bogus(f"no signature, and the parent of {_text(zone)} has a DS record")
    return Dnssec.NONE, "no signature"


async def _climb(
    zone: dns.name.Name, keys: dns.rrset.RRset, ask: Ask, anchors: Anchors
) -> tuple[Dnssec, str]:
    """Go from a zone whose keys are known up to a trust anchor."""
    for _ in range(MAX_ZONES):
        if zone in anchors:
            if not any(_is_vouched(key, zone, anchor) for key in keys for anchor in anchors[zone]):
                raise _Bogus(f"no key of {_text(zone)} is the trust anchor")
            return Dnssec.VALID, f"chain to the trust anchor of {_text(zone)}"
        if zone == dns.name.root:
            return Dnssec.SIGNED, "no trust anchor for the root"
        answer = await ask(zone, "DS")
        promises = _find(answer, dns.rdatatype.DS)
        signatures = None if promises is None else _find(answer, dns.rdatatype.RRSIG, promises)
        if promises is None or signatures is None:
            return Dnssec.SIGNED, f"no DS record for {_text(zone)} in its parent"
        vouched = [key for key in keys if any(_is_vouched(key, zone, ds) for ds in promises)]
        if not vouched:
            raise _Bogus(f"no key of {_text(zone)} is that of the DS record")
        parent = signatures[0].signer
        if parent == zone or not zone.is_subdomain(parent):
            raise _Bogus(f"the DS record of {_text(zone)} is signed by {_text(parent)}")
        parent_keys = await _keys_of(parent, ask)
        _verify(promises, signatures, {parent: parent_keys}, f"the DS record of {_text(zone)}")
        zone, keys = parent, parent_keys
    raise _Bogus(f"over {MAX_ZONES} zones")


async def _keys_of(zone: dns.name.Name, ask: Ask) -> dns.rrset.RRset:
    answer = await ask(zone, "DNSKEY")
    keys = _find(answer, dns.rdatatype.DNSKEY)
    signatures = None if keys is None else _find(answer, dns.rdatatype.RRSIG, keys)
    if keys is None or signatures is None:
        raise _Bogus(f"{_text(zone)} shows no signed keys")
    _verify(keys, signatures, {zone: keys}, f"the keys of {_text(zone)}")
    return keys


def _verify(
    records: dns.rrset.RRset,
    signatures: dns.rrset.RRset,
    keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset],
    what: str,
) -> None:
    try:
        dns.dnssec.validate(records, signatures, keys)
    except (dns.exception.DNSException, ValueError) as error:
        raise _Bogus(f"{what}: {error}") from None


def _is_vouched(key: dns.rdata.Rdata, zone: dns.name.Name, anchor: dns.rdata.Rdata) -> bool:
    """Whether a key is the one that a DS or DNSKEY record names."""
    if not isinstance(anchor, DS):
        return bool(key == anchor)
    try:
        made = dns.dnssec.make_ds(zone, key, DSDigest(anchor.digest_type), validating=True)
    except (dns.exception.DNSException, ValueError):
        return False
    return bool(made == anchor)


def _find(
    answer: dns.message.Message, rdtype: dns.rdatatype.RdataType, signed: dns.rrset.RRset | None = None
) -> dns.rrset.RRset | None:
    """Return the records of a type in an answer; with `signed` the signatures of those records."""
    for rrset in answer.answer:
        if rrset.rdtype != rdtype:
            continue
        if signed is None or (rrset.covers == signed.rdtype and rrset.name == signed.name):
            return rrset
    return None


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True) if name != dns.name.root else "the root"
