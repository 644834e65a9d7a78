"""The command line: a thin shell over the library.

Owns options, output and exit codes; decides nothing about peers. Importing any of `main`,
`options`, `handshake`, `demo`, `simulate`, `completion` costs little more than click; what
runs a command is imported when it runs.
"""

from __future__ import annotations

__all__: list[str] = []
