"""A turn as it is put to the process that asks the providers: plain JSON, with its key."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from puras.server.agent.models.access import access
from puras.server.agent.models.bound import output_limit
from puras.server.agent.models.catalog import Model
from puras.server.agent.models.port import ModelRequest


def question_of(
    model: Model, request: ModelRequest, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the process has to know: of the model, of its provider, and of the turn."""
    way = access(model, environment)
    return {
        "slug": model.slug,
        "provider": model.provider,
        "name": model.name,
        "base_url": way.base_url,
        "key": way.key,
        "vision": model.vision,
        "pdf": model.pdf,
        "system": request.system,
        "messages": request.messages,
        "tools": [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": dict(tool.input_schema),
            }
            for tool in request.tools
        ],
        "files": {
            path: base64.b64encode(content).decode() for path, content in request.files.items()
        },
        "max_output_tokens": output_limit(model, request),
        "cache_ttl": request.cache_ttl,
        "must_call_tool": request.must_call_tool,
    }
