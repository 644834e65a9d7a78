"""A conversation that runs a script: steps of `conversation.steps`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import assert_never

from bitcoin_handshake.conversation.base import NOTHING, Messages
from bitcoin_handshake.conversation.steps import Delay, Inbox, Pause, Say, Send, Step
from bitcoin_handshake.errors import AnomalyCode, LocalProtocolError, PeerError, PeerTimeout, Phase
from bitcoin_handshake.records import Features
from bitcoin_handshake.transport.base import ReceivedMessage

__all__ = ["Script", "ScriptResult", "Scripted"]

_Steps = Generator[Step, None, object]
Script = Callable[[Inbox], Generator[Step, None, object]]
"""Makes a script, whose return value is the result."""


@dataclass(slots=True)
class ScriptResult:
    """How a script ended.

    Attributes:
        value: What the script returned; None where it did not come to its end.
        is_complete: Whether it returned.
        error: Why it did not, where the peer or the time ended it.
    """

    value: object = None
    is_complete: bool = False
    error: PeerError | None = None


class Scripted:
    """Run a script after the handshake, and close the connection when it ends.

    Args:
        script: Makes the generator; called when the handshake completes.
        limit_s: Seconds from the end of the handshake after which it is a timeout.
    """

    __slots__ = (
        "_inbox",
        "_script",
        "_started_at",
        "_steps",
        "_until",
        "_wake_at",
        "finished",
        "limit_s",
        "progress",
        "result",
    )

    phase = Phase.VERACK
    anomalies: tuple[AnomalyCode, ...] = ()

    def __init__(self, script: Script, *, limit_s: float) -> None:
        self.limit_s = limit_s
        self.finished = False
        self.progress = 0
        self.result = ScriptResult()
        self._inbox = Inbox()
        self._script = script
        self._steps: _Steps | None = None
        self._started_at = 0.0
        self._until = 0.0
        self._wake_at: float | None = None

    @property
    def deadline(self) -> float | None:
        """When the next step is due, or the time is over."""
        if self.finished:
            return None
        return self._until if self._wake_at is None else min(self._wake_at, self._until)

    @property
    def error(self) -> PeerError | None:
        """Why it failed, or None."""
        return self.result.error

    @property
    def buffered(self) -> int:
        """Bytes of the messages that the script has not read."""
        return sum(message.size for message in self._inbox.inbox if message.payload is not None)

    def start(self, features: Features, *, common_version: int, now: float) -> Messages:
        """Run the script up to its first wait."""
        self._started_at = now
        self._until = now + self.limit_s
        self._steps = self._script(self._inbox)
        return self._advance(now)

    def receive(self, message: ReceivedMessage, *, now: float) -> Messages:
        """Hand a message to the script."""
        self.progress += 1
        self._inbox.add(message)
        return NOTHING if self._wake_at is not None else self._advance(now)

    def handle_timeout(self, *, now: float) -> Messages:
        """Go on after a delay, or end: the time is over."""
        if now >= self._until:
            waited_s = round(now - self._started_at, 3)
            self.close(PeerTimeout(phase=self.phase, waited_s=waited_s, bytes_received=0))
        elif self._wake_at is not None and now >= self._wake_at:
            self._wake_at = None
            return self._advance(now)
        return NOTHING

    def close(self, error: PeerError | None) -> None:
        """End the script where it stands."""
        if not self.finished:
            self.result.error = error
            self._end()

    def _advance(self, now: float) -> Messages:
        """Run the script to its next wait.

        Raises:
            LocalProtocolError: It yields a step that only simulated peers can make.
        """
        steps = self._steps
        assert steps is not None
        messages: list[tuple[str, bytes]] = []
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                self.result.value = stop.value
                self.result.is_complete = True
                self._end()
                return messages
            match step:
                case Say(msg_type=msg_type, payload=payload):
                    messages.append((msg_type, payload))
                case Delay(seconds=seconds):
                    self._wake_at = now + seconds
                    return messages
                case Pause.WAIT:
                    return messages
                case Pause.CLOSE:
                    self._end()
                    return messages
                case Send() | Pause.RESET:
                    raise LocalProtocolError(f"{step} is for simulated peers only")
                case _ as never:
                    assert_never(never)

    def _end(self) -> None:
        self.finished = True
        self._wake_at = None
        if self._steps is not None:
            self._steps.close()
