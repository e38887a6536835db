"""What can be wrong with a schema, told without any library.

The rules here keep every later reader safe: the shape is right wherever a schema may stand, types
are known, references stay inside, and no value can be made expensive to check by a schema that
refers to itself in circles or multiplies itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from puras.bundle.dialect import DIALECT_TYPES, JSON_TYPES, MANY, NAMED, subschemas
from puras.bundle.effort import Circle, Expansion
from puras.bundle.faults import Findings, Steps, did_you_mean, listed
from puras.bundle.references import localised, targets

MAX_SCHEMA_DEPTH = 64
MAX_SCHEMA_PARTS = 10_000
MAX_SCHEMA_EXPANSION = 100_000

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def checked(schema: Any, findings: Findings) -> dict[str, Any] | None:
    """Return the schema with simple references, or None after noting what is wrong with it."""
    before = len(findings.faults)
    if not isinstance(schema, Mapping):
        findings.add("a schema is a mapping, such as `type: object` with `properties`")
        return None
    if _is_bounded(schema, findings):
        for steps, node in _every(schema, ()):
            _check_shape(node, steps=steps, findings=findings)
    if len(findings.faults) > before:
        return None
    local = localised(schema, findings)
    if len(findings.faults) == before:
        _check_expansion(local, findings)
    return local if len(findings.faults) == before else None


def _every(schema: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    yield steps, schema
    for more, child in subschemas(schema):
        yield from _every(child, steps + more)


def _is_bounded(schema: Any, findings: Findings) -> bool:
    level, parts = [schema], 0
    for _ in range(MAX_SCHEMA_DEPTH):
        level = [child for node in level for _, child in subschemas(node)]
        parts += len(level)
        if not level:
            return True
        if parts > MAX_SCHEMA_PARTS:
            findings.add(f"the schema has more than {MAX_SCHEMA_PARTS:,} parts: simplify it")
            return False
    findings.add(f"the schema is nested deeper than {MAX_SCHEMA_DEPTH} levels: flatten it")
    return False


def _check_shape(node: Any, *, steps: Steps, findings: Findings) -> None:
    if isinstance(node, bool):
        return
    if not isinstance(node, Mapping):
        findings.add("a schema stands here: write a mapping, `true` or `false`", *steps)
        return
    for key in MANY.intersection(node):
        if not isinstance(node[key], list) or not node[key]:
            findings.add(f"`{key}` is a list of schemas with at least one entry", *steps, key)
    for key in NAMED.intersection(node):
        if not isinstance(node[key], Mapping):
            findings.add(f"`{key}` is a mapping from names to schemas", *steps, key)
    _check_type(node, steps=steps, findings=findings)
    _check_words(node, steps=steps, findings=findings)


def _check_type(node: Mapping[str, Any], *, steps: Steps, findings: Findings) -> None:
    if "type" not in node:
        return
    named = node["type"]
    names = named if isinstance(named, list) else [named]
    known = JSON_TYPES | DIALECT_TYPES
    if not names:
        findings.add("the list of types is empty: name at least one", *steps, "type")
    for name in names:
        if not isinstance(name, str) or name not in known:
            hint = did_you_mean(name, sorted(known)) or f": the types are {listed(sorted(known))}"
            findings.add(f"there is no type `{name}`{hint}", *steps, "type")


def _check_words(node: Mapping[str, Any], *, steps: Steps, findings: Findings) -> None:
    for key in ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor"):
        if key in node and not isinstance(node[key], str):
            findings.add(f"`{key}` is a string", *steps, key)
    if "$ref" in node and "$dynamicRef" in node:
        findings.add("write either `$ref` or `$dynamicRef`", *steps, "$dynamicRef")
    draft = node.get("$schema", _DRAFT)
    if not isinstance(draft, str) or draft.rstrip("#") != _DRAFT:
        findings.add(f"schemas are JSON Schema 2020-12: write `{_DRAFT}`", *steps, "$schema")
    required = node.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        findings.add("`required` is a list of property names", *steps, "required")


def _check_expansion(schema: Mapping[str, Any], findings: Findings) -> None:
    expansion = Expansion(targets(schema))
    for steps, node in _every(schema, ()):
        try:
            if expansion.of(node) > MAX_SCHEMA_EXPANSION:
                message = "the references multiply into too many schemas: simplify it"
                findings.add(message, *steps)
                return
        except Circle:
            message = "the schema leads back to itself without going into a property or an item"
            findings.add(message, *steps)
            return
        except RecursionError:
            findings.add("too many references lead on to references: simplify it", *steps)
            return
