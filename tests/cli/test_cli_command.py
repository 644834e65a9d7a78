"""What every command has: examples first, one of several options, variables as notes of an error."""

from __future__ import annotations

import click
import pytest

from bitcoin_handshake.cli.command import PROGRAM, Command, pick_one
from bitcoin_handshake.errors import InputError


def _command(fails: Exception | None = None) -> Command:
    def run(**values: object) -> str | None:
        if fails is not None:
            raise fails
        return pick_one(click.get_current_context(), "one", "two")

    lines = [click.Option(["--one"], is_flag=True), click.Option(["--two"])]
    examples = [(f"{PROGRAM} try --one", "what it is for")]
    return Command("try", params=lines, callback=run, examples=examples)


def _run(command: Command, *arguments: str) -> object:
    with command.make_context("try", list(arguments)) as ctx:
        return command.invoke(ctx)


def test_help_begins_with_usage_and_examples() -> None:
    text = _command().get_help(click.Context(_command(), info_name="try"))
    assert text.startswith(
        "Usage: try [OPTIONS]\n\nExamples:\n  # what it is for\n  bitcoin-handshake try --one\n"
    )


def test_at_most_one_of_several() -> None:
    assert _run(_command()) is None
    assert _run(_command(), "--two", "x") == "two"
    with pytest.raises(click.UsageError, match="--one and --two cannot be used together"):
        _run(_command(), "--one", "--two", "x")


def test_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITCOIN_HANDSHAKE_TRY_TWO", "x")
    assert _run(_command(), "--one") == "one"


def test_an_error_notes_the_variable_whose_value_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITCOIN_HANDSHAKE_TRY_TWO", "some-value")
    with pytest.raises(InputError) as caught:
        _run(_command(InputError("'some-value' is wrong")))
    assert caught.value.__notes__ == ["BITCOIN_HANDSHAKE_TRY_TWO"]
    with pytest.raises(InputError) as caught:
        _run(_command(InputError("something else")))
    assert not hasattr(caught.value, "__notes__")
