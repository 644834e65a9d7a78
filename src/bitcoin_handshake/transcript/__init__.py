"""Transcripts: what was said on a connection, as JSON lines that explain and replay.

`format` says what a line is, `recorder` makes lines of a session, `writer` puts them into files,
`reader` reads them back and trusts nothing, `replay` runs them through the same session again,
`stream` reads raw bytes and hex.
"""
