"""Schemas as providers take them: without the notes that only we read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puras.bundle.dialect import TYPE_NOTE, rebuilt


def without_notes(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without the notes on types of the dialect."""
    plain = rebuilt(schema, lambda child: without_notes(child) if _is_node(child) else child)
    plain.pop(TYPE_NOTE, None)
    return plain


def _is_node(child: Any) -> bool:
    return isinstance(child, Mapping)
