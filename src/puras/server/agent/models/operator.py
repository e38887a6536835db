"""The models of this server, as its operator has set them up: what the loop is given.

The draft is answered here; everything else by a process of its own (`process.py`), so that the
libraries of the providers never weigh on the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from puras.server.agent.models.access import key_missing
from puras.server.agent.models.bound import bound_micros, no_price
from puras.server.agent.models.catalog import Catalog, Model, read_catalog
from puras.server.agent.models.draft import DRAFT, draft
from puras.server.agent.models.port import ModelAnswer, ModelFailed, ModelRequest
from puras.server.agent.models.prices import Tokens, cost_micros, load_table, price
from puras.server.agent.models.process import AnsweringProcess
from puras.server.agent.models.question import question_of
from puras.server.settings import BadSetting, Settings


@dataclass(frozen=True, slots=True)
class OperatorModels:
    """Answers turns; see `Models`. `default` is the slug for skills that name none."""

    catalog: Catalog
    environment: Mapping[str, str] = field(repr=False)
    process: AnsweringProcess
    default: str = DRAFT

    def known(self, slug: str) -> str | None:
        model = self.catalog.find(slug)
        if model is None:
            return self.catalog.unknown(slug)
        if (fault := key_missing(model, self.environment)) is not None:
            return fault
        return no_price(model) if price(model) is None else None

    def bound(self, request: ModelRequest) -> int:
        model = self._usable(request.model)
        return 0 if model.is_draft else bound_micros(model, request)

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        model = self._usable(request.model)
        if model.is_draft:
            return await asyncio.to_thread(draft, request)
        answer = await self.process.ask(question_of(model, request, self.environment))
        tokens = Tokens(**answer["tokens"])
        cost = cost_micros(model, tokens)
        if cost is None:
            raise ModelFailed(no_price(model))
        return ModelAnswer(
            text=answer["text"],
            tool_calls=answer["tool_calls"],
            raw=answer["raw"],
            stop_reason=answer["stop_reason"],
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cost_micros=cost,
            cached_tokens=tokens.cache_read,
        )

    def _usable(self, slug: str) -> Model:
        if (fault := self.known(slug)) is not None:
            raise ModelFailed(fault)
        model = self.catalog.find(slug)
        assert model is not None
        return model


@asynccontextmanager
async def open_models(
    settings: Settings, environment: Mapping[str, str], *, first_delay_seconds: float = 1.0
) -> AsyncIterator[OperatorModels]:
    """Read the models and keep what answers for them while the block lasts.

    `first_delay_seconds` is about how long a provider in trouble is left alone after the first try.

    Raises:
        BadSetting: the models file makes no sense, or PURAS_TEXT_MODEL names no model.
    """
    catalog = read_catalog(settings.models_file)
    default = default_model(catalog, settings, environment)
    process = AnsweringProcess(settings.home, first_delay_seconds=first_delay_seconds)
    if default != DRAFT:
        # The table of prices takes a moment to read, which no turn should have to wait for.
        asyncio.get_running_loop().run_in_executor(None, load_table)
    try:
        yield OperatorModels(catalog, environment, process, default)
    finally:
        await process.close()


def default_model(catalog: Catalog, settings: Settings, environment: Mapping[str, str]) -> str:
    """Return the operator's choice, else the first model whose key is set, else the draft.

    Raises:
        BadSetting: PURAS_TEXT_MODEL names no model.
    """
    if (chosen := settings.text_model) is not None:
        if catalog.find(chosen) is None:
            raise BadSetting(f"PURAS_TEXT_MODEL={chosen!r}: {catalog.unknown(chosen)}")
        return chosen
    models = (catalog.models[slug] for slug in catalog.slugs())
    usable = (model.slug for model in models if key_missing(model, environment) is None)
    return next(usable, DRAFT)
