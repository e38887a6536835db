"""The most that a turn can use, counted before it is asked: tokens that nobody can exceed."""

from __future__ import annotations

import json

from puras.server.agent.messages import FilePart, Message
from puras.server.agent.models.catalog import Model
from puras.server.agent.models.port import ModelFailed, ModelRequest
from puras.server.agent.models.prices import most_micros

# What providers add around a prompt: roles, the frame of tools, their own instructions for them.
_FRAME_TOKENS = 2_000
# An image costs by its size in pixels, which a small file may have many of.
_IMAGE_TOKENS = range(8_000, 20_000)


def bound_micros(model: Model, request: ModelRequest) -> int:
    """Return the most that answering can cost: a token for each byte, and all of the output.

    Raises:
        ModelFailed: the model has no price.
    """
    most = most_micros(
        model,
        input_tokens=_most_input(request),
        # Not lowered to what the model gives: a bound grows evenly with the limit asked for.
        output_tokens=request.max_output_tokens or model.max_output_tokens,
    )
    if most is None:
        raise ModelFailed(no_price(model))
    return most


def output_limit(model: Model, request: ModelRequest) -> int:
    """Return how many tokens the answer may have."""
    asked = request.max_output_tokens
    return model.max_output_tokens if asked is None else min(asked, model.max_output_tokens)


def no_price(model: Model) -> str:
    """Return the sentence that says that a model has no price, and what to do."""
    return (
        f"no price is known for `{model.slug}`: the operator of this server has to set "
        "`input_usd_per_mtok` and `output_usd_per_mtok` for it in the models file (PURAS_MODELS)"
    )


def _most_input(request: ModelRequest) -> int:
    tools = [[tool.name, tool.description, dict(tool.input_schema)] for tool in request.tools]
    text = json.dumps([list(map(_sent, request.messages)), tools], ensure_ascii=False)
    files = sum(_file_tokens(file, request) for file in _files(request))
    texts = len(request.system.encode(errors="replace")) + len(text.encode(errors="replace"))
    return _FRAME_TOKENS + texts + files


def _sent(message: Message) -> object:
    """Return what of a message is sent: a turn in the provider's own form, where it is kept."""
    if message["role"] == "model" and message["raw"] is not None:
        return message["raw"]
    return message


def _file_tokens(file: FilePart, request: ModelRequest) -> int:
    size = len(request.files.get(file["drive_path"], b""))
    if not file["mime"].startswith("image/"):
        return size
    return min(max(size, _IMAGE_TOKENS.start), _IMAGE_TOKENS.stop)


def _files(request: ModelRequest) -> list[FilePart]:
    found: list[FilePart] = []
    for message in request.messages:
        if message["role"] == "user":
            found += message["files"]
        elif message["role"] == "tools":
            found += [file for result in message["results"] for file in result["files"]]
    return found
