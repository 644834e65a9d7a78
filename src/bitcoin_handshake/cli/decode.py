"""The `decode` command: explains hex, raw v1 streams and transcripts.

Owns its options; `cli.explain` does the work.
"""

from __future__ import annotations

import click

from bitcoin_handshake.cli.command import PROGRAM, Command, pick_one
from bitcoin_handshake.cli.options import ChainType

__all__ = ["command"]

EPILOG = """\
FILE, or standard input without one, is recognised by its beginning: a transcript, hex digits with
any whitespace, or raw bytes. Hex and raw bytes are v1 messages, one after the other; a payload
without its header needs --type. The chain is that of the magic. Damaged input is shown up to the
damage; then follow its place and the reason, with exit code 1. Others: 0 all was read, 2 wrong
usage, 4 no such file."""


@click.command(
    "decode",
    cls=Command,
    examples=(
        (f"{PROGRAM} decode capture.bin", "every message of a v1 stream, one a line"),
        (f"echo 0807060504030201 | {PROGRAM} decode --type ping", "a payload in hex"),
        (f"{PROGRAM} decode --sequence transcript.jsonl", "who said what, and when"),
    ),
    epilog=EPILOG,
)
@click.argument("file", metavar="[FILE]", type=click.Path(readable=False), default="-")
@click.option("--type", "msg_type", metavar="TYPE", help="The input is one payload of this message type.")
@click.option("-n", "--network", "--chain", "network", type=ChainType(), help="Chain [that of the magic].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message.")
@click.option("--hexdump", is_flag=True, help="The bytes of each message beside its fields.")
@click.option("--sequence", is_flag=True, help="Draw a transcript: who said what, and when.")
@click.pass_context
def command(ctx: click.Context, /, file: str, msg_type: str | None, network: str | None, **_: object) -> int:
    """Explain messages: one line each, with the fields that matter."""
    view = pick_one(ctx, "as_json", "hexdump", "sequence")
    if msg_type is not None and not _is_msg_type(msg_type):
        raise click.UsageError(f"{msg_type!r} is no message type: 1 to 12 printable ASCII characters", ctx)
    if msg_type is not None and view == "sequence":
        raise click.UsageError("--sequence draws transcripts: not with --type", ctx)

    from bitcoin_handshake.cli.explain import explain

    return explain(file, view=view, msg_type=msg_type, network=network)


def _is_msg_type(text: str) -> bool:
    return 1 <= len(text) <= 12 and text.isascii() and text.isprintable()
