"""Asks the model for one turn, once, and bills it.

A turn's request is held at its upper bound: one token for each byte that goes in, and the output
limit. Where wallet, cap and budgets leave less, the output limit is lowered to what they cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from puras.server.agent.messages import FilePart, Message, ModelMessage, ToolsMessage, UserMessage
from puras.server.agent.models.affordable import affordable, at_least
from puras.server.agent.models.port import ModelAnswer, ModelRequest, Models
from puras.server.billing.holds import PaidFor
from puras.server.events.store import NewEvent
from puras.server.jobs.calls import CallKey
from puras.server.metrics.instruments import MODEL_CALLS, MODEL_TOKENS
from puras.server.refusals import Refused
from puras.server.worker.recorder import Doing, Done
from puras.server.worker.run import Run

MAX_OUTPUT_TOKENS = 16_000
MAX_SHOWN_BYTES = 20 * 1024 * 1024
"""What a request carries of files: the newest first."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The model's side of one run."""

    run: Run
    models: Models

    async def ask(self, request: ModelRequest, *, step: int) -> ModelMessage:
        """Return what the model says at a step.

        Raises:
            ModelFailed: the model can't answer.
            Refused: `cost_limit`.
        """
        request = await self._with_files(request)
        if request.max_output_tokens is None:
            request = replace(request, max_output_tokens=MAX_OUTPUT_TOKENS)
        bound = self.models.bound(request)
        least = self.models.bound(at_least(request))
        message: ModelMessage = await self.run.recorder.perform(
            CallKey("turn", request.model, step),
            lambda doing: self._answer(doing, request, step=step, bound=bound, least=least),
            bound_micros=bound,
            least_micros=least,
            paid_for=PaidFor("model", request.model),
            events=[self.run.host.event("step", {"step": step})],
        )
        return message

    async def _answer(
        self, doing: Doing, request: ModelRequest, *, step: int, bound: int, least: int
    ) -> Done:
        asked = affordable(request, doing.held_micros, bound=bound, least=least)
        span = self.run.trace.begin("llm", request.model, parent=self.run.trace.inside)
        answer = await self.models.answer(asked)
        await self.run.trace.end(
            span,
            step=step,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost_micros=answer.cost_micros,
        )
        MODEL_CALLS.labels(request.model).inc()
        MODEL_TOKENS.labels(request.model, "input").inc(answer.input_tokens)
        MODEL_TOKENS.labels(request.model, "output").inc(answer.output_tokens)
        cost = answer.cost_micros if bound else 0
        counted = min(cost, doing.held_micros)
        return Done(
            _message(request.model, answer),
            cost_micros=cost,
            events=[self._event(request.model, answer, step=step, cost=counted)],
            tokens=(answer.input_tokens, answer.output_tokens),
        )

    def _event(self, model: str, answer: ModelAnswer, *, step: int, cost: int) -> NewEvent:
        told = {
            "step": step,
            "model": model,
            "stop_reason": answer.stop_reason,
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "cost_micros": cost,
        }
        shown = {**told, "text": answer.text} if answer.text else told
        return self.run.host.event("model_response", shown, public=told)

    async def _with_files(self, request: ModelRequest) -> ModelRequest:
        """Read the files that the conversation shows, the newest first, as far as they fit."""
        files: dict[str, bytes] = {}
        left = MAX_SHOWN_BYTES
        for part in reversed(list(_parts(request.messages))):
            path = part["drive_path"]
            content = files.get(path) or await self._content(path, most=left)
            if content is not None and path not in files:
                files[path] = content
                left -= len(content)
        shown = [_only(message, files) for message in request.messages]
        return replace(request, messages=shown, files=files)

    async def _content(self, path: str, *, most: int) -> bytes | None:
        try:
            opened = await self.run.drive.drive.open(self.run.row["workspace_id"], path)
        except Refused:
            return None
        if opened.file.size_bytes > most:
            return None
        return opened.local.read_bytes()


def _message(model: str, answer: ModelAnswer) -> ModelMessage:
    return ModelMessage(
        role="model",
        model=model,
        text=answer.text,
        tool_calls=answer.tool_calls,
        raw=answer.raw,
    )


def _parts(messages: Sequence[Message]) -> list[FilePart]:
    parts: list[FilePart] = []
    for message in messages:
        if message["role"] == "user":
            parts += message["files"]
        elif message["role"] == "tools":
            parts += [part for result in message["results"] for part in result["files"]]
    return parts


def _only(message: Message, files: dict[str, bytes]) -> Message:
    """Return a message that shows no file but these: what is left out is still named in texts."""
    if message["role"] == "user":
        return UserMessage(role="user", text=message["text"], files=_kept(message["files"], files))
    if message["role"] == "tools":
        results = [{**r, "files": _kept(r["files"], files)} for r in message["results"]]
        return ToolsMessage(role="tools", results=results)  # type: ignore[typeddict-item]
    return message


def _kept(parts: list[FilePart], files: dict[str, bytes]) -> list[FilePart]:
    return [part for part in parts if part["drive_path"] in files]
