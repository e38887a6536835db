"""Writes contract/openapi.json and contract/schema.json from the server's endpoints and types.

`--check` writes nothing and fails when a file is not what it would write.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from puras.server.app import ROUTES
from puras.server.openapi import document, wire_schema

FOLDER = Path(__file__).parent.parent / "contract"


def generated() -> Mapping[str, Any]:
    endpoints = [endpoint for routes in ROUTES for endpoint in routes.endpoints]
    return {"openapi.json": document(endpoints), "schema.json": wire_schema()}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args(arguments).check
    stale = []
    for name, value in generated().items():
        file, text = FOLDER / name, json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        if check and (not file.exists() or file.read_text("utf-8") != text):
            stale.append(name)
        elif not check:
            file.write_text(text, "utf-8")
    if stale:
        print(f"contract/{', '.join(stale)} is out of date: run scripts/contract.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
