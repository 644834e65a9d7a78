"""Sphinx configuration of the documentation site and the man pages."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import click

from bitcoin_handshake import __version__
from bitcoin_handshake.cli.main import cli

project = "bitcoin-handshake"
author = "bitcoin-handshake developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
exclude_patterns = ["*.py"]
# Links that leave docs/ lead to the files of the checkout, which the site does not contain.
suppress_warnings = ["myst.xref_missing_outside"]

html_theme = "furo"
html_title = f"bitcoin-handshake {release}"
html_copy_source = False
html_show_copyright = False

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_custom_sections = ["Spec"]

man_make_section_directory = False
today = f"version {version}"
man_pages = [
    ("commands/handshake", "bitcoin-handshake", "shake hands with Bitcoin nodes", author, 1),
    *(
        (f"commands/{name}", f"bitcoin-handshake-{name}", command.get_short_help_str(limit=100), author, 1)
        for name in cli.list_commands(click.Context(cli))
        if name != "handshake" and (command := cli.get_command(click.Context(cli), name)) is not None
    ),
]
