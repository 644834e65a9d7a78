"""Seeds in zones that Knot signs, through a validating Unbound, over UDP and TLS."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bitcoin_handshake.audit.seeds.facts import SeedAudit
from bitcoin_handshake.audit.seeds.run import SeedOptions, audit_seeds
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.resolver.servers import Server
from bitcoin_handshake.survey import SurveyOptions
from tests.helpers import unavailable
from tests.integration.servers import find_binary
from tests.integration.test_networks import SCRIPTS, _script

pytestmark = [pytest.mark.node, pytest.mark.slow]

KNOT, UNBOUND, UNBOUND_TLS = "127.0.0.1:15353", "127.0.0.1:15354", "tls://127.0.0.1:15853"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Where the files of the script are."""

    folder: Path


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    for program in ("knotd", "keymgr", "kdig", "unbound"):
        find_binary(program, hint="apt-get install knot knot-dnsutils unbound")
    if shutil.which("openssl") is None:
        unavailable("openssl is not installed")
    folder = tmp_path_factory.mktemp("zones")
    command = ["bash", str(SCRIPTS / "signed-zone.sh"), str(folder / "net")]
    with _script(command, folder / "net" / "ready", folder / "log"):
        yield Zones(folder=folder / "net")


def _audit(seed: str, server: str, anchors: Path) -> SeedAudit:
    options = SeedOptions(
        survey=SurveyOptions(probe=ProbeOptions(chain=CHAINS[Chain.REGTEST])),
        servers=[Server.from_text(server)],
        anchors_file=str(anchors),
    )
    [audit] = asyncio.run(audit_seeds([seed], options))
    return audit


@pytest.mark.parametrize("server", [KNOT, UNBOUND, UNBOUND_TLS])
def test_a_signed_zone_is_valid(zones: Zones, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(zones.folder / "tls.pem"))
    audit = _audit("seed.good.test", server, zones.folder / "ds.good")
    assert (audit.signatures.state, audit.signatures.why) == (
        "valid", "chain to the trust anchor of good.test",
    )  # fmt: skip
    assert {answer.protocol for answer in audit.answered} == {"tls" if "tls" in server else "udp"}
    assert len(audit.special) == 26  # loopback addresses are not dialled


def test_another_key_is_bogus(zones: Zones) -> None:
    audit = _audit("seed.bad.test", KNOT, zones.folder / "ds.bad.wrong")
    assert (audit.signatures.state, audit.verdict) == ("bogus", "bad")
    # A validating server gives no answer at all for that zone.
    refused = _audit("seed.bad.test", UNBOUND, zones.folder / "ds.bad.wrong")
    assert (refused.verdict, set(refused.rcodes)) == ("dead", {"SERVFAIL"})


def test_a_zone_without_signatures(zones: Zones) -> None:
    assert _audit("seed.plain.test", KNOT, zones.folder / "ds.good").signatures.state == "none"


def test_a_zone_without_an_anchor_is_signed_only(zones: Zones) -> None:
    assert _audit("seed.good.test", KNOT, zones.folder / "ds.bad.wrong").signatures.state == "signed"
