"""Lets `python -m bitcoin_handshake` run the command line."""

from __future__ import annotations

from bitcoin_handshake.cli.main import run

__all__: list[str] = []

if __name__ == "__main__":
    run()
