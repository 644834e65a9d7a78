"""Every failure code has advice and the phases in which it occurs."""

from __future__ import annotations

from bitcoin_handshake import errors
from bitcoin_handshake.codes import FailureCode, Phase
from bitcoin_handshake.errors import BitcoinHandshakeError, proxies
from bitcoin_handshake.guidance import GUIDANCE
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS


def test_every_failure_code_has_guidance() -> None:
    assert list(GUIDANCE) == list(FailureCode)


def test_advice_is_whole_sentences() -> None:
    assert [code for code, guidance in GUIDANCE.items() if not guidance.advice.endswith(".")] == []
    assert [code for code, guidance in GUIDANCE.items() if "  " in guidance.advice] == []


def test_the_phase_of_a_class_is_among_those_of_its_code() -> None:
    classes = [
        value
        for module in (errors, proxies)
        for name in module.__all__
        if isinstance(value := getattr(module, name), type) and issubclass(value, BitcoinHandshakeError)
    ]
    wrong = {
        cls.__name__
        for cls in classes
        if not cls.__subclasses__()
        and isinstance(phase := getattr(cls, "phase", None), Phase)
        and isinstance(code := getattr(cls, "code", None), FailureCode)
        and phase not in GUIDANCE[code].phases
    }
    assert wrong == set()


def test_the_phases_that_behaviours_end_in_are_listed() -> None:
    missing = {
        (expected.code, expected.phase)
        for behaviour in BEHAVIOURS.values()
        for expected in map(behaviour.expected_in, TransportMode)
        if expected.code
        and expected.phase
        and expected.phase not in GUIDANCE[FailureCode(expected.code)].phases
    }
    assert missing == set()
