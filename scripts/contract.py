"""Writes what follows from the endpoints and the wire: contract/openapi.json, contract/schema.json,
and the types of the TypeScript SDK.

`--check` writes nothing and fails when a file is not what it would write.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from puras import wire
from puras.server.app import ROUTES
from puras.server.openapi import document, wire_schema
from wire_typescript import typescript

ROOT: Final = Path(__file__).parent.parent


def generated() -> Mapping[str, str]:
    """Return the text of each file by its path."""
    endpoints = [endpoint for routes in ROUTES for endpoint in routes.endpoints]
    return {
        "contract/openapi.json": _json(document(endpoints)),
        "contract/schema.json": _json(wire_schema()),
        "sdk/typescript/src/wire.ts": typescript(inspect.getsource(wire)),
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args(arguments).check
    stale = []
    for name, text in generated().items():
        file = ROOT / name
        if check and (not file.exists() or file.read_text("utf-8") != text):
            stale.append(name)
        elif not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    if stale:
        print(f"{', '.join(stale)} is out of date: run scripts/contract.py")
    return 1 if stale else 0


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
