"""The README and the pages in docs/ as tests see them: tables, and examples that are run.

A comment before a fence says what to do with it:

    <!-- run -->             run it: `console` command by command, `sh` as one script, `python` as one
    <!-- run: network, jq --> likewise, with the simulated network, and where the program is installed
    <!-- network -->         the command that keeps the network running
    <!-- variables -->       what is exported for the examples

What was printed stands below each command of a `console` block, and in the `text` block after the others.
A block that several pages show runs once.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.helpers import CHECKOUT

README = CHECKOUT / "README.md"
PAGES = [README, *sorted((CHECKOUT / "docs").glob("*.md"))]
OPENING = re.compile(
    r"<!-- (?P<kind>run|network|variables)(?:: (?P<needs>[^>]*))? -->\n```(?P<language>\w+)\n"
)
FENCE = "```\n"
LIMIT_S = 60

# The addresses that the pages write; tests run on ports that are free.
DNS = "127.0.0.1:5300"
PORT = "18444"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One block of a page.

    Attributes:
        page: The file that it is in.
        kind: `run`, `network` or `variables`.
        language: `console`, `sh` or `python`.
        needs: What it takes besides ourselves: `network`, programs.
        body: What is between the fences.
        printed: What the `text` block after it holds, or None where there is none.
        start, end: Offsets of the body in the text; of the `text` block too, where there is one.
        line: Number of the line that the block begins on.
    """

    page: Path
    kind: str
    language: str
    needs: frozenset[str]
    body: str
    printed: str | None
    start: int
    end: int
    line: int

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Pairs of a command and what it printed, of a `console` block."""
        pairs = (part.partition("\n") for part in re.split(r"^\$ ", self.body, flags=re.M)[1:])
        return [(command, output) for command, _, output in pairs]


def examples(page: Path) -> Iterator[Example]:
    """Find every marked block of a page."""
    text = page.read_text()
    for match in OPENING.finditer(text):
        end = text.index(FENCE, match.end())
        body = text[match.end() : end]
        after = re.compile(r"```\n\n```text\n(.*?)```\n", re.S).match(text, end)
        yield Example(
            page=page,
            kind=match["kind"],
            language=match["language"],
            needs=frozenset(filter(None, re.split(r",\s*", match["needs"] or ""))),
            body=body,
            printed=after[1] if after else None,
            start=match.end(),
            end=after.end() - len(FENCE) if after else end,
            line=text.count("\n", 0, match.start()) + 1,
        )


def table(page: Path, name: str) -> list[list[str]]:
    """Read the cells of the table between `<!-- NAME -->` and `<!-- end -->`, without its head."""
    body = page.read_text().partition(f"<!-- {name} -->\n")[2].partition("<!-- end -->")[0]
    assert body, f"no table {name!r}"
    lines = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines[2:]]


def shape(output: str) -> list[str]:
    """Reduce what was printed to what every run prints: lines in any order, without the figures.

    Lines whose figures are the point (sums, exit codes) keep them.
    """
    return sorted(_shape_of(line) for line in output.splitlines() if line.strip())


def _shape_of(line: str) -> str:
    if line.startswith(("Finished!", "exit code", "v2:")):
        return line
    line = re.sub(r"\b[0-9a-f]{16}\b", "HEX", line)
    line = re.sub(r"\bsession bh[0-9a-f]+", "session ID", line)  # a random name of an I2P session
    line = re.sub(r"─+", "─", line)
    return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)?", "#", line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where examples run.

    Attributes:
        folder: The folder that they all share.
        environment: Their variables.
        dns, port: What stands for DNS and PORT; those themselves without a network.
    """

    folder: Path
    environment: Mapping[str, str]
    dns: str = DNS
    port: str = PORT

    def with_network(self, dns: str, port: str, variables: Mapping[str, str]) -> Place:
        """Return the place with a network in it."""
        own = {"BITCOIN_HANDSHAKE_PORT": port, **{key: self._here(v) for key, v in variables.items()}}
        place = replace(self, dns=dns, port=port)
        exported = {key: place._here(value) for key, value in own.items()}
        return replace(place, environment={**self.environment, **exported})

    def run(self, example: Example) -> list[str]:
        """Run a block; return what was printed, by command, with the ports of the page."""
        if example.language == "python":
            return [self._output([sys.executable, "-W", "error", "-c", self._here(example.body)])]
        if example.language == "sh":
            return [self._output(["bash", "-c", self._here(example.body)])]
        return [self._output(["bash", "-c", self._here(command)]) for command, _ in example.commands]

    def _output(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
        )
        return done.stdout.replace(self.dns, DNS).replace(f":{self.port}", f":{PORT}")

    def _here(self, text: str) -> str:
        return re.sub(rf"\b{PORT}\b", self.port, text.replace(DNS, self.dns))


def place(folder: Path) -> Place:
    """Make a place without a network, where `bitcoin-handshake` is this checkout's."""
    binaries = folder / "bin"
    binaries.mkdir()
    program = binaries / "bitcoin-handshake"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bitcoin_handshake "$@"\n')
    program.chmod(0o755)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "CI") if name in os.environ}
    path = f"{binaries}:{os.environ.get('PATH', os.defpath)}"
    source = str(CHECKOUT / "src")
    return Place(folder=folder, environment={**kept, "PATH": path, "PYTHONPATH": source, "COLUMNS": "100"})


def exported(example: Example) -> dict[str, str]:
    """Read the `export NAME=VALUE` lines of a block."""
    return dict(re.findall(r"^export (\w+)=(\S+)", example.body, flags=re.M))


def written_anew(text: str, example: Example, outputs: list[str]) -> str:
    """Put what was printed into the text, in the place of what is there."""
    if example.language == "console":
        pairs = zip(example.commands, outputs, strict=True)
        body = "".join(f"$ {command}\n{output}" for (command, _), output in pairs)
    else:
        body = f"{example.body}```\n\n```text\n{''.join(outputs)}"
    return text[: example.start] + body + text[example.end :]
