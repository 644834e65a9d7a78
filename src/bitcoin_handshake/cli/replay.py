"""The `replay` command: runs transcripts through the same session again, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bitcoin_handshake.cli.command import PROGRAM, Command

if TYPE_CHECKING:
    from bitcoin_handshake.transcript.replay import Replay

__all__ = ["command"]

EPILOG = """\
FILE is what --transcript wrote, - is standard input. The peer's side goes through the same session
without any socket and clock; one line a connection says whether everything came out again: 'same',
or the first difference. Exit codes: 0 all the same, 1 something differs, or the file is damaged or
ends too early, 2 wrong usage, 4 no such file."""


@click.command(
    "replay",
    cls=Command,
    examples=(
        (f"{PROGRAM} replay transcript.jsonl", "does this release judge as the one that wrote it did?"),
        (f"{PROGRAM} replay --json transcript.jsonl", "for a script"),
    ),
    epilog=EPILOG,
)
@click.argument("file", metavar="FILE", type=click.Path(readable=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a connection.")
def command(file: str, as_json: bool) -> int:
    """Run a transcript through the session again and compare every event and the verdict."""
    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.cli.input_file import open_input
    from bitcoin_handshake.transcript.reader import DamagedTranscript, read_conversations
    from bitcoin_handshake.transcript.replay import replay

    is_same = True
    count = 0
    damage: DamagedTranscript | None = None
    with open_input(file) as (stream, name):
        try:
            for conversation in read_conversations(stream, name):
                result = replay(conversation, name)
                click.echo(_json_line(result) if as_json else _text_line(result))
                is_same = is_same and result.is_same
                count += 1
        except DamagedTranscript as error:
            damage = error
    if damage is None and not count:
        damage = DamagedTranscript(name=name, line=1, why="no connection in it")
    if damage is not None:
        from bitcoin_handshake.cli.output.printable import printable

        click.echo(f"{PROGRAM}: {printable(str(damage))}", err=True)
        return ExitCode.NONE_COMPLETED
    return ExitCode.OK if is_same else ExitCode.NONE_COMPLETED


def _text_line(result: Replay) -> str:
    from bitcoin_handshake.cli.output.printable import printable

    header = result.header
    what = f"connection {header['connection']}  {printable(header['address'])}  {header['transport']}"
    if result.difference is not None:
        return f"{what}  differs: {result.difference}"
    if not result.is_whole:
        return f"{what}  same so far, but it ends without a verdict"
    verdict = result.verdict
    if verdict is None:
        return f"{what}  same  {result.events} events, interrupted"
    ending = "" if verdict["code"] is None else f" ({verdict['phase']}: {verdict['code']})"
    return f"{what}  same  {result.events} events, {verdict['outcome']}{ending}"


def _json_line(result: Replay) -> str:
    import json

    header = result.header
    verdict = result.verdict
    return json.dumps(
        {
            "connection": header["connection"],
            "address": header["address"],
            "transport": header["transport"],
            "same": result.is_same,
            "whole": result.is_whole,
            "events": result.events,
            "outcome": None if verdict is None else verdict["outcome"],
            "code": None if verdict is None else verdict["code"],
            "difference": None if result.difference is None else result.difference.to_json(),
        }
    )
