"""References inside of a schema, made simple: afterwards each `$ref` is `#` or `#/a/pointer`.

A schema may name its parts with `$id`, `$anchor` and `$dynamicAnchor`; here all of that is resolved
once, so that no reader of schemas needs to know of it. A reference never leaves the schema: nothing
is fetched, and what it leads to must be a place where a schema stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urljoin

from puras.bundle.dialect import rebuilt, subschemas
from puras.bundle.faults import Findings, Steps

_NAMES = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$schema"})
_FRAGMENT = "!$&'()*+,;=:@?~"


@dataclass(slots=True)
class _Index:
    """Where things are: resources by URI, anchors by URI and name, schemas by their steps."""

    resources: dict[str, Steps] = field(default_factory=dict)
    anchors: dict[tuple[str, str], Steps] = field(default_factory=dict)
    dynamic: dict[str, int] = field(default_factory=dict)
    schemas: dict[Steps, tuple[Any, str]] = field(default_factory=dict)


def localised(schema: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """Return the schema with every reference as a pointer, and note those that lead nowhere."""
    index = _indexed(schema)
    pointers: dict[int, str] = {}
    for steps, (node, base) in index.schemas.items():
        for keyword, reference in _references(node):
            target = _target(reference, base=base, index=index, root=schema)
            fault = _fault(keyword, reference, target, index)
            if fault:
                findings.add(fault, *steps, keyword)
            elif target is not None:
                pointers[id(node)] = pointer(target)
    rewritten = _rewritten(schema, pointers)
    return rewritten if isinstance(rewritten, dict) else {}


def targets(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return every schema of a localised one by the `$ref` that leads to it."""
    return {pointer(steps): node for steps, node, _ in _walk(schema, (), "")}


def pointer(steps: Steps) -> str:
    """Write steps as the `$ref` that leads there."""
    escaped = (str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return "#" + "".join(f"/{quote(step, safe=_FRAGMENT)}" for step in escaped)


def _walk(node: Any, steps: Steps, base: str) -> Iterator[tuple[Steps, Any, str]]:
    own = node.get("$id") if isinstance(node, Mapping) else None
    if isinstance(own, str):
        base = urldefrag(urljoin(base, own)).url
    yield steps, node, base
    for more, child in subschemas(node):
        yield from _walk(child, steps + more, base)


def _indexed(schema: Mapping[str, Any]) -> _Index:
    index = _Index(resources={"": ()})
    for steps, node, base in _walk(schema, (), ""):
        index.schemas[steps] = (node, base)
        if not isinstance(node, Mapping):
            continue
        if isinstance(node.get("$id"), str) or not steps:
            index.resources[base] = steps
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(name := node.get(keyword), str):
                index.anchors[base, name] = steps
        if isinstance(name := node.get("$dynamicAnchor"), str):
            index.dynamic[name] = index.dynamic.get(name, 0) + 1
    return index


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for keyword in ("$ref", "$dynamicRef"):
            if isinstance(reference := node.get(keyword), str):
                yield keyword, reference


def _target(reference: str, *, base: str, index: _Index, root: Mapping[str, Any]) -> Steps | None:
    uri, fragment = urldefrag(reference)
    # urljoin knows no `urn:`, so a mere fragment must not pass through it.
    resource = index.resources.get(base if not uri else urljoin(base, uri))
    if resource is None:
        return None
    fragment = unquote(fragment)
    if fragment and not fragment.startswith("/"):
        return index.anchors.get((base if not uri else urljoin(base, uri), fragment))
    steps = _steps(fragment, resource=resource, root=root)
    return steps if steps in index.schemas else None


def _steps(fragment: str, *, resource: Steps, root: Mapping[str, Any]) -> Steps:
    here: Any = root
    for step in resource:
        here = here[step]
    steps: list[str | int] = list(resource)
    for token in fragment.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        step = int(name) if isinstance(here, list) and name.isdecimal() else name
        steps.append(step)
        here = _inside(here, step)
    return tuple(steps)


def _inside(here: Any, step: str | int) -> Any:
    try:
        return here[step]
    except (LookupError, TypeError):
        return None


def _fault(keyword: str, reference: str, target: Steps | None, index: _Index) -> str | None:
    if target is None and reference.partition("#")[0]:
        return f"`{reference}` leads out of this schema: copy what it names into `$defs`"
    if target is None:
        return f"no schema stands at `{reference}`: put it under `$defs`, or mend the reference"
    if keyword == "$dynamicRef" and index.dynamic.get(reference.partition("#")[2], 0) > 1:
        return f"`{reference}` could lead to several places: write a `$ref` to the one you mean"
    return None


def _rewritten(node: Any, pointers: Mapping[int, str]) -> Any:
    if not isinstance(node, Mapping):
        return node
    copy = rebuilt(node, lambda child: _rewritten(child, pointers))
    copy = {key: value for key, value in copy.items() if key not in _NAMES}
    if id(node) in pointers:
        copy["$ref"] = pointers[id(node)]
    return copy
