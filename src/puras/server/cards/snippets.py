"""How to call a skill, written out for those who call: pure, and meant to be pasted."""

from __future__ import annotations

import json
import pprint
import shlex
from typing import Any

from puras.wire import ManifestSkill, Snippets

_STAND_INS: dict[str, Any] = {
    "string": "…",
    "text": "…",
    "color": "#336699",
    "number": 1,
    "integer": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "image": "https://example.com/image.png",
    "video": "https://example.com/video.mp4",
    "audio": "https://example.com/audio.mp3",
    "file": "https://example.com/file.bin",
}

_REACT = """\
import { Puras } from "puras";
import { PurasProvider, useRun } from "puras/react";

const puras = new Puras({ apiKey: "puras_pub_…", apiBase: %(base)s });

export function App() {
  return (
    <PurasProvider client={puras}>
      <Skill />
    </PurasProvider>
  );
}

function Skill() {
  const { run, status, result, error } = useRun(%(path)s);
  const start = () =>
    run(%(inputs)s);
  return (
    <>
      <button type="button" onClick={start}>Run</button>
      <p>{status}</p>
      {error && <p role="alert">{error.message}</p>}
      {result && <pre>{JSON.stringify(result, null, 2)}</pre>}
    </>
  );
}
"""


def snippets(path: str, skill: ManifestSkill, *, api_base: str) -> Snippets:
    """Return calls of a skill with its first example, or a stand-in for each required input."""
    inputs = skill["examples"][0]["inputs"] if skill["examples"] else _stand_ins(skill)
    return {
        "python": _python(path, inputs, api_base),
        "typescript": _typescript(path, inputs, api_base),
        "react": _react(path, inputs, api_base),
        "curl": _curl(path, inputs, api_base),
        "mcp": _mcp(api_base),
    }


def _python(path: str, inputs: dict[str, Any], api_base: str) -> str:
    shown = pprint.pformat(inputs, width=80, sort_dicts=False).replace("\n", "\n    ")
    return (
        "from puras import Puras\n\n"
        f"puras = Puras(api_base={api_base!r})  # the key: PURAS_API_KEY\n"
        f"result = puras.run(\n    {path!r},\n    {shown},\n)\n"
        "print(result)\n"
    )


def _typescript(path: str, inputs: dict[str, Any], api_base: str) -> str:
    return (
        'import { Puras } from "puras";\n\n'
        f"const puras = new Puras({{ apiBase: {_json(api_base)} }}); // the key: PURAS_API_KEY\n"
        f"const result = await puras.run({_json(path)}, {_json(inputs, indent=2)});\n"
        "console.log(result);\n"
    )


def _react(path: str, inputs: dict[str, Any], api_base: str) -> str:
    indented = _json(inputs, indent=2).replace("\n", "\n    ")
    return _REACT % {"base": _json(api_base), "path": _json(path), "inputs": indented}


def _mcp(api_base: str) -> str:
    server = {
        "type": "http",
        "url": f"{api_base}/mcp",
        "headers": {"Authorization": "Bearer puras_live_…"},
    }
    return _json({"mcpServers": {"puras": server}}, indent=2) + "\n"


def _curl(path: str, inputs: dict[str, Any], api_base: str) -> str:
    body = _json({"skill": path, "inputs": inputs})
    return (
        f"curl {shlex.quote(f'{api_base}/v1/jobs?wait=true')} \\\n"
        '  -H "Authorization: Bearer $PURAS_API_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}\n"
    )


def _stand_ins(skill: ManifestSkill) -> dict[str, Any]:
    schema = skill["input_schema"]
    properties = schema.get("properties", {})
    return {
        name: _stand_in(properties.get(name, {}))
        for name in schema.get("required", [])
        if isinstance(name, str)
    }


def _stand_in(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return "…"
    for given in ("default", "const"):
        if given in schema:
            return schema[given]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    kind = schema.get("type", "string")
    return _STAND_INS.get(kind[0] if isinstance(kind, list) and kind else str(kind), "…")


def _json(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
