"""Schemas at work: check a value, fill in defaults, find files, shape a result.

Everything here takes a schema as its author wrote it, in the dialect. Compiling needs
`jsonschema_rs`, which comes with `puras[server]`; the rest works without. Patterns run in linear
time, and no schema is ever fetched.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import islice
from typing import Any, Protocol

from puras.bundle.defaults import filled
from puras.bundle.dialect import plain
from puras.bundle.effort import is_cheap_to_explain
from puras.bundle.faults import Findings, Steps, json_path
from puras.bundle.files import DeclaredFile, files_in
from puras.bundle.outputs import pruned, with_all_required
from puras.bundle.places import MAX_VALUE_DEPTH, Schema, members
from puras.bundle.references import pointer, targets
from puras.bundle.schema_faults import checked
from puras.bundle.violations import sentence
from puras.wire import Fault

MAX_VIOLATIONS = 100


class SchemaError(ValueError):
    """A schema that is not sound. `faults` says all that is wrong, with paths inside of it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault['path']}: {fault['message']}" for fault in faults))
        self.faults = faults


class Checker(Protocol):
    """A compiled schema."""

    def violations(self, value: Any) -> list[Fault]:
        """Return every fault of a value, at most 100; an empty list means that it fits."""


def can_compile() -> bool:
    """Tell whether schemas can be compiled in this installation."""
    return find_spec("jsonschema_rs") is not None


def schema_faults(schema: Any) -> list[Fault]:
    """Return everything that is wrong with a schema, as far as this installation can tell."""
    findings = Findings("")
    local = checked(schema, findings)
    if local is not None and can_compile():
        return _compile_faults(json.dumps(local))
    return _unfiled(findings.faults)


def compile_schema(schema: Mapping[str, Any] | None) -> Checker:
    """Compile a schema; None accepts every value. The result is kept for the next asking.

    Raises:
        SchemaError: the schema is not sound.
        ImportError: `jsonschema_rs` is not installed.
    """
    return _compiled(json.dumps(schema if schema is not None else {}))


def fill_defaults(schema: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with the schema's defaults where they have nothing; nothing is changed.

    Raises:
        SchemaError: the schema is not sound.
    """
    whole: dict[str, Any] = filled(_sound(json.dumps(schema)), inputs)
    return whole


def declared_files(schema: Mapping[str, Any] | None, value: Any) -> list[DeclaredFile]:
    """Return the files in a value that its schema declares, in the order in which they stand.

    Raises:
        SchemaError: the schema is not sound.
    """
    return [] if schema is None else list(files_in(_sound(json.dumps(schema)), value))


def shape_output(
    schema: Mapping[str, Any] | None, value: Any
) -> tuple[dict[str, Any], list[Fault]]:
    """Return a skill's output as its result, and what is wrong with it.

    None counts as `{}`; anything but an object is a fault. With a schema, undeclared properties are
    dropped; then every declared one is required, unless the author wrote `required`.

    Raises:
        SchemaError: the schema is not sound.
        ImportError: `jsonschema_rs` is not installed.
    """
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        message = f"a skill returns a JSON object, and this is {type(value).__name__}"
        return {}, [{"path": "$", "message": f"{message}: return a dict"}]
    if schema is None:
        return dict(value), _oddities(value)
    text = json.dumps(schema)
    shaped: dict[str, Any] = pruned(_sound(text), value)
    return shaped, _compiled(json.dumps(with_all_required(schema))).violations(shaped)


@functools.lru_cache(maxsize=512)
def _sound(text: str) -> Schema:
    findings = Findings("")
    local = checked(json.loads(text), findings)
    if local is None:
        raise SchemaError(_unfiled(findings.faults))
    return Schema(local, targets(local))


class _Compiled:
    def __init__(self, schema: Schema) -> None:
        self._source = schema
        self._schema = plain(schema.root)
        self._validator = _validator(self._schema)

    def violations(self, value: Any) -> list[Fault]:
        odd = _oddities(value)
        if odd or self._validator.is_valid(value):
            return odd
        if not is_cheap_to_explain(self._source, value):
            return self._roughly(value)
        errors = islice(self._validator.iter_errors(value), MAX_VIOLATIONS)
        return [
            {"path": json_path(error.instance_path), "message": sentence(error, self._schema)}
            for error in errors
        ]

    def _roughly(self, value: Any) -> list[Fault]:
        """Name the properties that do not fit, each as a whole."""
        validators = _validators(self._schema)
        faults: list[Fault] = []
        for step, member in members(value):
            part = validators.get(pointer(("properties", step)))
            if part is not None and not part.is_valid(member):
                faults.append({"path": json_path((step,)), "message": "does not fit its schema"})
        return faults or [{"path": "$", "message": "does not fit the schema"}]


@functools.lru_cache(maxsize=512)
def _compiled(text: str) -> _Compiled:
    schema = _sound(text)
    if faults := _compile_faults(json.dumps(schema.root)):
        raise SchemaError(faults)
    return _Compiled(schema)


def _compile_faults(text: str) -> list[Fault]:
    import jsonschema_rs

    schema = plain(json.loads(text))
    errors = _meta().iter_errors(schema)
    faults: list[Fault] = [
        {"path": json_path(error.instance_path), "message": sentence(error, {})}
        for error in islice(errors, MAX_VIOLATIONS)
    ]
    if faults:
        return faults
    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        return [_compile_fault(error)]
    return []


def _compile_fault(error: Exception) -> Fault:
    path = json_path(getattr(error, "instance_path", ()))
    if path.endswith((".pattern", ".patternProperties")) or "regex" in str(error):
        message = (
            "the pattern can't be compiled: look-around and back-references are not supported, "
            "since every pattern runs in linear time"
        )
        return {"path": path, "message": message}
    return {"path": path, "message": str(error).partition("\n")[0]}


@functools.cache
def _meta() -> Any:
    return _validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})


def _validator(schema: Any) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema, **_safely())


def _validators(schema: Any) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_map_for(schema, **_safely())


def _safely() -> dict[str, Any]:
    import jsonschema_rs

    return {
        "retriever": _refuse,
        "pattern_options": jsonschema_rs.RegexOptions(),
        "validate_formats": False,
    }


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is outside of the schema, and schemas are never fetched")


def _oddities(value: Any) -> list[Fault]:
    return list(islice(_odd(value, ()), MAX_VIOLATIONS))


def _odd(value: Any, steps: Steps) -> Iterator[Fault]:
    if len(steps) > MAX_VALUE_DEPTH:
        yield {"path": "$", "message": f"nested deeper than {MAX_VALUE_DEPTH} levels: flatten it"}
    elif isinstance(value, (Mapping, list)):
        for step, member in members(value):
            if member.__class__ not in _SIMPLE:
                yield from _odd(member, (*steps, step))
    elif isinstance(value, float) and not math.isfinite(value):
        yield {"path": json_path(steps), "message": f"JSON has no number {value}"}


# Most members of a large value are of these, and none of them can be odd.
_SIMPLE = frozenset({str, int, bool, type(None)})


def _unfiled(faults: list[Fault]) -> list[Fault]:
    return [{"path": fault["path"], "message": fault["message"]} for fault in faults]
