"""Runs the main job for the command line: one library call between opened inputs and outputs.

Owns the order of things: everything is opened before anything is dialled; what is known is
printed however the run ends.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bitcoin_handshake.cli.destination import Destination
from bitcoin_handshake.cli.event_loop import run_interruptible
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.interrupts import Interrupts
from bitcoin_handshake.cli.logs import ROOT, TalkHandler
from bitcoin_handshake.cli.options import OutputFormat, OutputOptions
from bitcoin_handshake.cli.sources import Sources
from bitcoin_handshake.cli.transcripts import Transcripts
from bitcoin_handshake.cli.writer import BackgroundWriter, RecordSink, stream_writer
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.records import ProbeResult, ResultSink
from bitcoin_handshake.summary import Summary
from bitcoin_handshake.survey import Survey, SurveyOptions

if TYPE_CHECKING:
    from bitcoin_handshake.store.crawl_store import CrawlFile

__all__ = ["HandshakeOptions", "exit_code", "handshake", "run_handshake"]

_log = logging.getLogger(__name__)

MAX_TALK_BACKLOG = 1024 * 1024
"""Characters of log lines that wait for a terminal that is stopped; more are lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeOptions:
    """What the main job is told.

    Attributes:
        targets: As typed: names, addresses, `@FILE`, `-`.
        survey: How the library does it.
        transcript: File or folder that gets all messages, or None.
        output: What is written, and where to.
        db: File of the store that keeps the records too, or None.
    """

    targets: tuple[str, ...]
    survey: SurveyOptions
    transcript: str | None = None
    output: OutputOptions = field(default=OutputOptions())
    db: str | None = None


def run_handshake(options: HandshakeOptions) -> ExitCode:
    """Do the main job in an event loop of its own.

    Raises:
        InputError: A target is malformed, or there is none.
        EnvironmentFailure: A file cannot be opened, read or written; this machine cannot go on.
        BrokenPipeError: The reader of the output went away.
    """
    return run_interruptible(lambda interrupts: handshake(options, interrupts), with_uvloop=False)


async def handshake(options: HandshakeOptions, interrupts: Interrupts) -> ExitCode:
    """Do the main job: open, run, print the sum.

    Args:
        options: What to do.
        interrupts: Whose first signal ends the run.

    Raises:
        InputError, EnvironmentFailure, BrokenPipeError: See `run_handshake`.
    """
    with (
        closing(Sources(options.targets)) as sources,
        closing(Destination(options.output.path, sources, append=options.output.append)) as destination,
        Transcripts(options.transcript, sources, options.output.path) as transcripts,
    ):
        if options.db is None:
            return await _Run(options, sources, destination, transcripts).run(interrupts)
        from pathlib import Path

        from bitcoin_handshake.store.crawl_store import CrawlFile

        store = CrawlFile(Path(options.db), options.survey.probe.chain, command="handshake")
        state = "stopped"
        try:
            code = await _Run(options, sources, destination, transcripts, store).run(interrupts)
            state = "stopped" if interrupts.happened else "finished"
            return code
        finally:
            store.close(state=state)


class _Run:
    """One run with its two writers: one for the records, one for the talk.

    They are the same where standard output and standard error are one terminal with a bar on it.
    """

    def __init__(
        self,
        options: HandshakeOptions,
        sources: Sources,
        destination: Destination,
        transcripts: Transcripts,
        store: CrawlFile | None = None,
    ) -> None:
        self._options = options
        self._sources = sources
        self._destination = destination
        self._transcripts = transcripts
        self._store = store
        self._format = options.output.format
        self._talk: BackgroundWriter | None = None
        self._records: BackgroundWriter
        self._sink: RecordSink
        self._survey: Survey

    async def run(self, interrupts: Interrupts) -> ExitCode:
        self._open_writers()
        interrupts.on_first(self._survey.stop)
        failure: Exception | None = None
        try:
            await self._survey.run(self._sources.batches())
        except (EnvironmentFailure, BrokenPipeError) as error:
            failure = error
        except BaseException:  # a bug of ours: what is known is still written
            self._sink.finish()
            self._close_writers()
            raise
        failure = self._transcripts.close() or failure
        summary = self._survey.summary
        is_empty = not self._sources.count and not interrupts.happened
        is_whole = not is_empty and not failure and not interrupts.happened
        # A run that ended early and found nothing leaves a file as it was.
        if is_whole or summary.total or (self._destination.stream is not None and (failure or not is_empty)):
            self._sink.finish(self._epilogue(summary))
        self._close_writers()
        for line in self._survey.diagnosis.lines():
            _log.warning("%s", line)
        self._sink.raise_failure()
        if is_whole or summary.total:
            self._destination.finish()
        if is_empty and not failure:
            raise InputError("no target at all: the input has none")
        self._tell_sum(summary)
        if failure is not None:
            raise failure
        if summary.bug is not None:
            raise summary.bug.__cause__ or summary.bug
        return interrupts.exit_code if interrupts.happened else exit_code(summary, self._survey)

    def _open_writers(self) -> None:
        self._sink = RecordSink(
            name=self._destination.name,
            render=self._renderer(),
            prologue=self._prologue(),
            on_failure=lambda: self._survey.stop(),
        )
        self._survey = Survey(self._survey_options(), self._kept(self._sink))
        self._records = self._open_bar() or BackgroundWriter(self._destination.write)
        self._sink.attach(self._records)
        if self._talk is None and sys.stderr is not None:
            self._talk = BackgroundWriter(stream_writer(sys.stderr))
        self._redirect_talk(self._talk)

    def _kept(self, sink: ResultSink) -> ResultSink:
        """Have the store keep the records too, if there is one."""
        if self._store is None:
            return sink
        from bitcoin_handshake.cli.store_sink import StoreSink

        return StoreSink(sink, self._store)

    def _survey_options(self) -> SurveyOptions:
        survey = self._options.survey
        if self._transcripts.sink is None:
            return survey
        return replace(survey, probe=replace(survey.probe, transcripts=self._transcripts.sink))

    def _open_bar(self) -> BackgroundWriter | None:
        """Make the bar where there is to be one; return the writer of both, if it is both."""
        if self._options.output.quiet or not self._options.output.progress or not _may_be_live():
            return None
        from bitcoin_handshake.cli.progress import LiveBar, is_piped, is_same_terminal

        if is_piped(self._destination.stream):
            return None
        bar = LiveBar(self._survey.summary, self._expected, sys.stderr)
        self._talk = BackgroundWriter(bar.write, tick=bar.tick, finish=bar.finish)
        return self._talk if is_same_terminal(self._destination.stream, sys.stderr) else None

    def _expected(self) -> int | None:
        if not self._sources.is_exhausted:
            return None
        return self._survey.summary.expected

    def _close_writers(self) -> None:
        self._redirect_talk(None)
        for writer in dict.fromkeys((self._talk, self._records)):
            if writer is not None:
                writer.close()

    def _redirect_talk(self, writer: BackgroundWriter | None) -> None:
        for handler in logging.getLogger(ROOT).handlers:
            if isinstance(handler, TalkHandler):
                handler.redirect(None if writer is None else lambda text: _put_if_room(writer, text))

    def _renderer(self) -> Callable[[ProbeResult], str]:
        match self._format:
            case OutputFormat.JSON:
                from bitcoin_handshake.cli.output.json_lines import json_line

                return json_line
            case OutputFormat.CSV:
                from bitcoin_handshake.cli.output.csv_rows import csv_row

                return csv_row
            case OutputFormat.TEXT:
                from bitcoin_handshake.cli.output.text import TextRenderer

                is_verbose = logging.getLogger(ROOT).isEnabledFor(logging.DEBUG)
                return TextRenderer(self._destination.palette, shows_anomalies=is_verbose)

    def _prologue(self) -> str:
        if self._format is not OutputFormat.CSV or self._destination.has_text:
            return ""
        from bitcoin_handshake.cli.output.csv_rows import csv_header

        return csv_header()

    def _epilogue(self, summary: Summary) -> str:
        if self._format is not OutputFormat.TEXT:
            return ""
        from bitcoin_handshake.cli.output.text import breakdown_text

        breakdown = breakdown_text(summary, self._destination.palette)
        gap = "\n" if breakdown else ""
        return f"{breakdown}{gap}{_sum_text(summary)}"

    def _tell_sum(self, summary: Summary) -> None:
        """Say the sum on standard error, unless standard output has it."""
        is_said = self._format is OutputFormat.TEXT and self._destination.stream is not None
        if not is_said and not self._options.output.quiet and sys.stderr is not None:
            with suppress(OSError):  # nobody reads it
                sys.stderr.write(_sum_text(summary))
                sys.stderr.flush()


def _sum_text(summary: Summary) -> str:
    return f"{summary.elapsed_text_line()}\n{summary.to_text_line()}\n"


def _may_be_live() -> bool:
    """Whether standard error may have a bar; a cheap look before rich is loaded."""
    return sys.stderr is not None and sys.stderr.isatty() and _can_be_live()


def _can_be_live() -> bool:
    from bitcoin_handshake.cli.progress import can_be_live

    return can_be_live(sys.stderr)


def _put_if_room(writer: BackgroundWriter, text: str) -> None:
    if writer.backlog < MAX_TALK_BACKLOG:
        writer.put(text)


def exit_code(summary: Summary, survey: Survey | None = None) -> ExitCode:
    """Judge a run that came to its end."""
    if summary.ok:
        return ExitCode.OK
    if survey is not None and survey.is_dry_run:
        return ExitCode.OK if summary.total else ExitCode.NOTHING_RESOLVED
    if survey is not None and survey.diagnosis.is_no_proxy:
        return ExitCode.USAGE
    if survey is not None and survey.diagnosis.is_proxy_down:
        return ExitCode.ENVIRONMENT
    return ExitCode.NONE_COMPLETED if summary.addresses else ExitCode.NOTHING_RESOLVED
