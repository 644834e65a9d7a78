"""Shakes hands with Bitcoin nodes and says truthfully what each of them did.

The names of the library are resolved when they are first used, so that importing the package
costs nothing but itself.
"""

from __future__ import annotations

from importlib import import_module
from logging import NullHandler, getLogger
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bitcoin_handshake.api import probe, probe_many
    from bitcoin_handshake.chain import Chain, ChainParams, custom_chain, signet_chain
    from bitcoin_handshake.errors import (
        AnomalyCode,
        BitcoinHandshakeError,
        EnvironmentFailure,
        FailureCode,
        InputError,
        Phase,
        ResolveFailed,
    )
    from bitcoin_handshake.handshake import Handshake, LocalVersion
    from bitcoin_handshake.measured import TransportMode
    from bitcoin_handshake.messages import Message, V1Address, Version
    from bitcoin_handshake.netaddr import NetAddr, Network
    from bitcoin_handshake.prober import ProbeOptions
    from bitcoin_handshake.protocol import MsgType, ServiceFlags
    from bitcoin_handshake.records import Outcome, ProbeResult, ResultSink
    from bitcoin_handshake.resolver import Resolution, resolve
    from bitcoin_handshake.session import Session
    from bitcoin_handshake.summary import Summary
    from bitcoin_handshake.survey import Survey, SurveyOptions
    from bitcoin_handshake.targets import Target, parse_target
    from bitcoin_handshake.transcript.sink import TranscriptSink
    from bitcoin_handshake.transcript.writer import TranscriptFiles
    from bitcoin_handshake.transport.v1 import V1Transport

__version__ = "0.1.0"

# A library prints nothing by itself: whoever wants its log adds a handler.
getLogger(__name__).addHandler(NullHandler())

__all__ = [
    "AnomalyCode",
    "BitcoinHandshakeError",
    "Chain",
    "ChainParams",
    "EnvironmentFailure",
    "FailureCode",
    "Handshake",
    "InputError",
    "LocalVersion",
    "Message",
    "MsgType",
    "NetAddr",
    "Network",
    "Outcome",
    "Phase",
    "ProbeOptions",
    "ProbeResult",
    "Resolution",
    "ResolveFailed",
    "ResultSink",
    "ServiceFlags",
    "Session",
    "Summary",
    "Survey",
    "SurveyOptions",
    "Target",
    "TranscriptFiles",
    "TranscriptSink",
    "TransportMode",
    "V1Address",
    "V1Transport",
    "Version",
    "__version__",
    "custom_chain",
    "parse_target",
    "probe",
    "probe_many",
    "resolve",
    "signet_chain",
]

_HOMES = {
    "api": ("probe", "probe_many"),
    "chain": ("Chain", "ChainParams", "custom_chain", "signet_chain"),
    "errors": (
        "AnomalyCode",
        "BitcoinHandshakeError",
        "EnvironmentFailure",
        "FailureCode",
        "InputError",
        "Phase",
        "ResolveFailed",
    ),
    "handshake": ("Handshake", "LocalVersion"),
    "measured": ("TransportMode",),
    "messages": ("Message", "V1Address", "Version"),
    "netaddr": ("NetAddr", "Network"),
    "prober": ("ProbeOptions",),
    "protocol": ("MsgType", "ServiceFlags"),
    "records": ("Outcome", "ProbeResult", "ResultSink"),
    "resolver": ("Resolution", "resolve"),
    "session": ("Session",),
    "summary": ("Summary",),
    "survey": ("Survey", "SurveyOptions"),
    "targets": ("Target", "parse_target"),
    "transcript.sink": ("TranscriptSink",),
    "transcript.writer": ("TranscriptFiles",),
    "transport.v1": ("V1Transport",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name's module when the name is first asked for (PEP 562)."""
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
