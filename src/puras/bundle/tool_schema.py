"""A schema of the dialect as the input of a tool: the plain JSON Schema that models understand.

Types of the dialect become strings, so that a model gives a path or a URL and no object; what they
stand for is said in the description, and in `x-puras-type` for who can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puras.bundle.dialect import DIALECT_TYPES, FILE_TYPES, TYPE_NOTE, rebuilt, types_of
from puras.bundle.outputs import with_all_required

_COLOR = "^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"


def tool_schema(schema: Mapping[str, Any] | None, *, output: bool = False) -> dict[str, Any]:
    """Return a schema that has an object at its top. With `output`, each declared property is
    required unless the author wrote `required`."""
    whole = with_all_required(schema or {}) if output else dict(schema or {})
    return {**_translated(whole), "type": "object"}


def _translated(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    plain = rebuilt(schema, _translated)
    plain.pop(TYPE_NOTE, None)
    types = types_of(schema)
    special = DIALECT_TYPES.intersection(types)
    if not special:
        return plain
    names = list(dict.fromkeys("string" if name in DIALECT_TYPES else name for name in types))
    plain |= {"type": names[0] if len(names) == 1 else names, TYPE_NOTE: types}
    if types == ["color"]:
        plain.setdefault("pattern", _COLOR)
    if files := sorted(FILE_TYPES.intersection(types)):
        told = f"A drive path or URL of a file ({', '.join(files)})."
        plain["description"] = " ".join(filter(None, [schema.get("description"), told]))
    return plain
