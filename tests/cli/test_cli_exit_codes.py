"""The table of exit codes: documented numbers."""

from __future__ import annotations

from bitcoin_handshake.cli.exit_codes import ExitCode


def test_numbers_are_those_of_the_documentation() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "NONE_COMPLETED": 1,
        "USAGE": 2,
        "NOTHING_RESOLVED": 3,
        "ENVIRONMENT": 4,
        "INTERNAL": 70,
        "HUNG_UP": 129,
        "INTERRUPTED": 130,
        "PIPE_CLOSED": 141,
        "TERMINATED": 143,
    }
