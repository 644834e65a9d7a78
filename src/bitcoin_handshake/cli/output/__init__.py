"""Records as text, JSON and CSV, safe for terminals and spreadsheets."""

from __future__ import annotations

__all__: list[str] = []
