"""What one record says about one address, in the types that the rules need.

Owns `AddressFacts` and its construction from a record of schema version 1 (`docs/json.md`), so that
the rules judge a record from a file or another machine like one of this run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bitcoin_handshake.errors import InputError

__all__ = ["AddressFacts", "TransportFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportFacts:
    """The result of one transport.

    Attributes:
        status: `completed`, `refused` or `not_tried`.
        phase, code, reason: Where and why it stopped; None when it completed.
        bytes_received: Bytes from the peer; None when no connection was made.
    """

    status: str
    phase: str | None = None
    code: str | None = None
    reason: str | None = None
    bytes_received: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """One address of a node; the attributes have the names and units of the record.

    Attributes:
        services: The service bits of the peer's `version`; None when no `version` came.
        sendcmpct, feefilter: Whether the peer announced them; None when that is not known.
    """

    target: str
    address: str | None
    network: str | None
    outcome: str
    phase: str | None
    code: str | None
    reason: str | None
    reject: str | None
    v1: TransportFacts
    v2: TransportFacts
    claims_v2: bool | None
    speaks_v2: bool | None
    protocol_version: int | None
    services: int | None
    services_names: tuple[str, ...]
    user_agent: str | None
    start_height: int | None
    time_offset_s: int | None
    addr_recv: str | None
    anomalies: tuple[str, ...]
    features: Mapping[str, object]
    connect_ms: float | None
    ping_ms: float | None

    @property
    def name(self) -> str:
        """What the findings call it: the address, or the target when there is none."""
        return self.address or self.target

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> AddressFacts:
        """Read a record of schema version 1.

        Raises:
            InputError: It is not such a record.
        """
        try:
            if record["schema"] != 1:
                raise InputError(f"schema version {record['schema']!r} of a record is not known here")
            version = record["version"] or {}
            services = version.get("services")
            reject = record["reject"]
            return cls(
                **{key: record[key] for key in ("target", "address", "network", "outcome", "phase")},
                **{key: record[key] for key in ("code", "reason", "claims_v2", "speaks_v2")},
                reject=None if reject is None else f"{reject['message']}: {reject['reason']}",
                v1=_transport(record["transports"]["v1"]),
                v2=_transport(record["transports"]["v2"]),
                protocol_version=version.get("protocol_version"),
                services=None if services is None else int(services, 16),
                services_names=tuple(version.get("services_names", ())),
                user_agent=version.get("user_agent"),
                start_height=version.get("start_height"),
                time_offset_s=version.get("time_offset_s"),
                addr_recv=version.get("addr_recv"),
                anomalies=tuple(record["anomalies"]),
                features=record["features"],
                connect_ms=record["times_ms"]["connect"],
                ping_ms=record["times_ms"]["ping"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"this is not a record of schema version 1: {error!r}") from None


def _transport(facts: Mapping[str, Any]) -> TransportFacts:
    return TransportFacts(**{name: facts[name] for name in TransportFacts.__dataclass_fields__})
