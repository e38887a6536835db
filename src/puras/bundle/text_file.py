"""Reading the texts of a bundle: bounded, UTF-8, and a fault instead of an exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from puras.bundle.faults import Findings
from puras.bundle.yaml_1_2 import YAMLFault, read_yaml

MAX_TEXT_BYTES = 2 * 1024 * 1024


def read_bytes(path: Path, findings: Findings) -> bytes | None:
    """Return a file's bytes, or None after noting why not."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_TEXT_BYTES else b""
    except OSError as error:
        findings.add(f"the file can't be read: {error.strerror}")
        return None
    if size > MAX_TEXT_BYTES:
        findings.add(f"the file is over {MAX_TEXT_BYTES // 1024**2} MiB: split it")
        return None
    return data


def read_text(path: Path, findings: Findings) -> str | None:
    """Return a file's text, or None after noting why not."""
    data = read_bytes(path, findings)
    try:
        return None if data is None else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.add("the file is not UTF-8: save it as UTF-8")
        return None


def read_mapping(path: Path, findings: Findings) -> dict[str, Any]:
    """Return a YAML file's mapping without its empty keys; `{}` after noting what is wrong."""
    text = read_text(path, findings)
    return {} if text is None else mapping_of(text, findings)


def mapping_of(text: str, findings: Findings, *, first_line: int = 1) -> dict[str, Any]:
    """Return the mapping that a YAML text holds; `first_line` is where the text begins."""
    try:
        value = read_yaml(text)
    except YAMLFault as fault:
        findings.add_at(f"line {fault.line + first_line - 1}", fault.message)
        return {}
    if not isinstance(value, dict):
        findings.add("the file is a mapping: write lines such as `description: …`")
        return {}
    return {key: entry for key, entry in value.items() if entry is not None}
