"""The SAM bridge of a simulated network: an I2P router whose destinations are the nodes.

Owns the bridge, which speaks SAM 3.1, and the table of the ways in which it can fail. A fault is an answer
in place of the right one, to one of the four questions that a client asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bitcoin_handshake.codes import FailureCode
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.simulate.proxies import HANG, RESET, Front, reset_at_close

__all__ = ["SAM_BEHAVIOURS", "SamBehaviour", "SamFront", "sam_text"]

DESTINATION = "AAAA"
HELLO, SESSION, NAMING, STREAM = "HELLO VERSION", "SESSION CREATE", "NAMING LOOKUP", "STREAM CONNECT"
DROP_SESSION = "drop-session"


@dataclass(frozen=True, slots=True)
class SamBehaviour:
    """One way for a SAM bridge to behave.

    Attributes:
        name: What it is called on the command line.
        code: What every node behind it ends in; None where nodes are reached.
        description: One line about it.
        question: The first two words of the question that is answered wrongly; '' for none.
        answer: What is sent in place of the right answer, before the connection is closed; `HANG` for
            nothing, and it stays open; `RESET` for a reset.
    """

    name: str
    code: FailureCode | None
    description: str
    question: str = ""
    answer: bytes | str = b""


def _result(name: str, code: FailureCode, description: str, question: str, result: str) -> SamBehaviour:
    topic = {HELLO: "HELLO REPLY", SESSION: "SESSION STATUS", NAMING: "NAMING REPLY", STREAM: "STREAM STATUS"}
    return SamBehaviour(name, code, description, question, f"{topic[question]} RESULT={result}\n".encode())


_ALL = (
    SamBehaviour("i2p", None, "as an I2P router does"),
    SamBehaviour("drops-session", None, "ends the session when a stream ends", STREAM, DROP_SESSION),
    _result("no-version", FailureCode.SAM_NO_VERSION, "speaks another version of SAM", HELLO, "NOVERSION"),
    SamBehaviour(
        "web-server", FailureCode.PROXY_SPEAKS_HTTP, "speaks HTTP", HELLO, b"HTTP/1.0 400 Bad Request\r\n\r\n"
    ),
    SamBehaviour("mail-server", FailureCode.PROXY_NOT_SAM, "speaks SMTP", HELLO, b"220 mail ESMTP\r\n"),
    SamBehaviour("closes", FailureCode.PROXY_CLOSED, "closes after the greeting", HELLO),
    SamBehaviour("resets", FailureCode.PROXY_RESET, "resets after the greeting", HELLO, RESET),
    SamBehaviour("silent", FailureCode.PROXY_SILENT, "never answers", HELLO, HANG),
    SamBehaviour(
        "no-result",
        FailureCode.PROXY_BAD_REPLY,
        "answers without a result",
        HELLO,
        b"HELLO REPLY VERSION=3.1\n",
    ),
    SamBehaviour(
        "endless-line",
        FailureCode.PROXY_BAD_REPLY,
        "answers with a line of 64 KiB",
        HELLO,
        b"HELLO REPLY " + b"A" * 65536,
    ),
    _result("session-error", FailureCode.SAM_I2P_ERROR, "creates no session", SESSION, "I2P_ERROR"),
    _result(
        "duplicate-id", FailureCode.SAM_DUPLICATED_ID, "has a session of this name", SESSION, "DUPLICATED_ID"
    ),
    _result(
        "duplicate-dest",
        FailureCode.SAM_DUPLICATED_DEST,
        "has a session with this destination",
        SESSION,
        "DUPLICATED_DEST",
    ),
    SamBehaviour("session-closes", FailureCode.PROXY_CLOSED, "closes instead of creating a session", SESSION),
    SamBehaviour("session-silent", FailureCode.PROXY_SILENT, "never creates a session", SESSION, HANG),
    _result("unknown-name", FailureCode.SAM_KEY_NOT_FOUND, "does not find the name", NAMING, "KEY_NOT_FOUND"),
    _result("bad-name", FailureCode.SAM_INVALID_KEY, "takes the name for invalid", NAMING, "INVALID_KEY"),
    SamBehaviour(
        "no-destination",
        FailureCode.PROXY_BAD_REPLY,
        "finds the name and names no destination",
        NAMING,
        b"NAMING REPLY RESULT=OK NAME=x\n",
    ),
    _result("cant-reach", FailureCode.SAM_CANT_REACH_PEER, "reaches no node", STREAM, "CANT_REACH_PEER"),
    _result("no-peer", FailureCode.SAM_PEER_NOT_FOUND, "does not know the node", STREAM, "PEER_NOT_FOUND"),
    _result(
        "no-leaseset",
        FailureCode.SAM_LEASESET_NOT_FOUND,
        "finds no way to the node",
        STREAM,
        "LEASESET_NOT_FOUND",
    ),
    _result("times-out", FailureCode.SAM_TIMEOUT, "gives up on the node", STREAM, "TIMEOUT"),
    _result("lost-session", FailureCode.SAM_INVALID_ID, "forgets every session", STREAM, "INVALID_ID"),
    _result("router-error", FailureCode.SAM_I2P_ERROR, "fails and says no more", STREAM, "I2P_ERROR"),
    _result(
        "unknown-result", FailureCode.SAM_UNKNOWN_RESULT, "a result that nobody defines", STREAM, "SURPRISE"
    ),
    SamBehaviour("stream-closes", FailureCode.PROXY_CLOSED, "closes instead of connecting", STREAM),
    SamBehaviour("stream-silent", FailureCode.PROXY_TIMEOUT, "never reaches the node", STREAM, HANG),
)
SAM_BEHAVIOURS: Mapping[str, SamBehaviour] = MappingProxyType({each.name: each for each in _ALL})


def sam_text() -> str:
    """Write the table for a terminal."""
    lines = [f"  {each.name:<14} {each.code or 'healthy':<22} {each.description}" for each in _ALL]
    return "Behaviours of the SAM bridge (--sam-behaviour):\n" + "\n".join(lines) + "\n"


class SamFront(Front):
    """A SAM bridge.

    Args:
        nodes, circuit_s: See `Front`.
        behaviour: How it behaves.

    Attributes:
        sessions: The connections that keep the sessions that exist, by name.
        created: How many sessions were created.
    """

    def __init__(
        self,
        nodes: Mapping[str, NetAddr | None],
        *,
        circuit_s: float = 0.0,
        behaviour: SamBehaviour = _ALL[0],
    ) -> None:
        super().__init__(nodes, circuit_s=circuit_s)
        self._behaviour = behaviour
        self.sessions: dict[str, asyncio.StreamWriter] = {}
        self.created = 0

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = ""
        host = ""
        try:
            while line := (await reader.readline()).decode("ascii", "replace"):
                question = " ".join(line.split()[:2])
                pairs = dict(pair.split("=", 1) for pair in line.split()[2:] if "=" in pair)
                if question == self._behaviour.question and self._behaviour.answer != DROP_SESSION:
                    await self._misbehave(reader, writer)
                    return
                if question == HELLO:
                    answer = "HELLO REPLY RESULT=OK VERSION=3.1"
                elif question == SESSION:
                    own = pairs["ID"]
                    self.sessions[own] = writer
                    self.created += 1
                    await asyncio.sleep(self.circuit_s)
                    answer = "SESSION STATUS RESULT=OK DESTINATION=" + DESTINATION
                elif question == NAMING:
                    host = pairs["NAME"]
                    found = f"OK NAME={host} VALUE={DESTINATION}" if host in self.nodes else "KEY_NOT_FOUND"
                    answer = f"NAMING REPLY RESULT={found}"
                elif question == STREAM and pairs.get("ID") in self.sessions:
                    node = self.nodes.get(host)
                    if node is not None:
                        await self.relay(reader, writer, node, b"STREAM STATUS RESULT=OK\n")
                        if self._behaviour.answer == DROP_SESSION:
                            _close(self.sessions.get(pairs["ID"]))
                        return
                    answer = "STREAM STATUS RESULT=CANT_REACH_PEER"
                elif question == STREAM:
                    answer = "STREAM STATUS RESULT=INVALID_ID"
                else:
                    return
                writer.write(answer.encode() + b"\n")
        finally:
            self.sessions.pop(own, None)

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = self._behaviour.answer
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        elif answer == HANG:
            await reader.read()
        elif answer == RESET:
            reset_at_close(writer)


def _close(session: asyncio.StreamWriter | None) -> None:
    """End a session, unless its owner was first."""
    if session is not None:
        session.close()
