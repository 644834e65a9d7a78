"""What the tests of audits share: a record of a healthy node, to be varied."""

from __future__ import annotations

from typing import Any

__all__ = ["record", "transport", "version"]


def transport(status: str = "not_tried", **facts: Any) -> dict[str, Any]:
    """One transport of a record."""
    empty = dict.fromkeys(("phase", "code", "reason", "bytes_sent", "bytes_received"))
    return {"status": status, **empty, **facts}


def version(**facts: Any) -> dict[str, Any]:
    """The `version` of a current Core."""
    return {
        "protocol_version": 70016,
        "services": "0000000000000c09",
        "services_names": ["NETWORK", "WITNESS", "NETWORK_LIMITED", "P2P_V2"],
        "time_offset_s": 1,
        "addr_recv": "203.0.113.9:50123",
        "user_agent": "/Satoshi:28.1.0/",
        "start_height": 850_000,
        **facts,
    }


def record(**facts: Any) -> dict[str, Any]:
    """A record of schema version 1, as far as audits read it: a healthy node over v2."""
    return {
        "schema": 1,
        "target": "seed.example",
        "address": "192.0.2.7:8333",
        "network": "ipv4",
        "outcome": "ok",
        "phase": None,
        "code": None,
        "reason": None,
        "reject": None,
        "claims_v2": True,
        "speaks_v2": True,
        "transports": {"v1": transport(), "v2": transport("completed", bytes_received=2871)},
        "version": version(),
        "features": {"wtxidrelay": True, "sendaddrv2": True, "sendtxrcncl": False},
        "anomalies": [],
        "times_ms": {"connect": 20.0, "ping": 21.5},
        **facts,
    }
