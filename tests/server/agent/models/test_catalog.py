from __future__ import annotations

from pathlib import Path

import pytest

from puras.server.agent.models.catalog import read_catalog
from puras.server.agent.models.operator import default_model
from puras.server.agent.models.prices import Price, Tokens, cost_micros, most_micros, price
from puras.server.settings import BadSetting, read_settings

_OLLAMA = """
ollama/*:
  provider: openai-compatible
  model: "*"
  base_url: http://localhost:11434/v1
  input_usd_per_mtok: 0
  output_usd_per_mtok: 0
anthropic/claude-sonnet-5.5: {max_output_tokens: 9}
"""


def _own(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "models.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_model_that_comes_along_has_a_price() -> None:
    catalog = read_catalog()
    unpriced = [slug for slug in catalog.slugs() if price(catalog.models[slug]) is None]
    assert unpriced == []


def test_families_are_another_spelling_of_their_makers_slugs() -> None:
    catalog = read_catalog()
    for short, slug in {
        "claude/opus-5.5": "anthropic/claude-opus-5.5",
        "gpt/6.1-sol": "openai/gpt-6.1-sol",
        "gemini/3.8-flash": "google/gemini-3.8-flash",
    }.items():
        found = catalog.find(short)
        assert found is not None
        assert found.slug == slug


def test_openrouter_passes_any_name_on() -> None:
    found = read_catalog().find("openrouter/meta-llama/llama-3.1:free")
    assert found is not None
    assert found.name == "meta-llama/llama-3.1:free"


def test_an_unknown_slug_names_those_like_it() -> None:
    catalog = read_catalog()
    assert catalog.find("anthropic/claude-sonet-5.5") is None
    assert "`anthropic/claude-sonnet-5.5`" in catalog.unknown("anthropic/claude-sonet-5.5")
    assert "`puras models`" in catalog.unknown("x/y")


def test_an_operators_file_adds_models_and_changes_single_keys(tmp_path: Path) -> None:
    catalog = read_catalog(_own(tmp_path, _OLLAMA))
    local = catalog.find("ollama/qwen3:8b")
    assert local is not None
    assert (local.slug, local.name) == ("ollama/qwen3:8b", "qwen3:8b")
    assert price(local) == Price(0.0, 0.0)
    claude = catalog.find("claude/sonnet-5.5")
    assert claude is not None
    assert (claude.max_output_tokens, claude.vision) == (9, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x/y: {provider: openai}", "`model` is missing"),
        ("x/y: {provider: opnai, model: z}", "`provider` is one of"),
        ("x/y: {provider: draft, model: z}", "`provider` is one of"),
        ("x/y: {provider: openai, modell: z}", "did you mean `model`?"),
        ("x/y: {provider: openai, model: z, vision: 3}", "true or false"),
        ("x/y: {provider: openai, model: z, input_usd_per_mtok: -1}", "a number of USD"),
        ("x/y: {provider: openai, model: z, input_usd_per_mtok: 1}", "or neither"),
        ("x/y: {provider: openai-compatible, model: z}", "`base_url` is missing"),
        ("X: {provider: openai, model: z}", "`family/variant`"),
        ("x/y: 3", "write a mapping"),
        ("- 3", "from slugs to models"),
        ("a: [", "can't be read"),
    ],
)
def test_a_bad_models_file_says_where_and_what(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadSetting, match="PURAS_MODELS=") as caught:
        read_catalog(_own(tmp_path, text))
    assert says in str(caught.value)


def test_the_default_is_the_operators_choice_or_the_first_with_a_key_or_the_draft() -> None:
    catalog, settings = read_catalog(), read_settings({})
    assert default_model(catalog, settings, {}) == "local/draft"
    assert default_model(catalog, settings, {"GOOGLE_API_KEY": "k"}) == "google/gemini-4-argon"
    chosen = read_settings({"PURAS_TEXT_MODEL": "gpt/6-luna"})
    assert default_model(catalog, chosen, {"GOOGLE_API_KEY": "k"}) == "gpt/6-luna"
    with pytest.raises(BadSetting, match="PURAS_TEXT_MODEL"):
        default_model(catalog, read_settings({"PURAS_TEXT_MODEL": "gpt/0"}), {})


def test_prices_of_the_operator_win_over_the_table(tmp_path: Path) -> None:
    own = "claude/own: {provider: anthropic, model: claude-sonnet-5-5}"
    priced = own.replace("}", ", input_usd_per_mtok: 1, output_usd_per_mtok: 2.5}")
    model = read_catalog(_own(tmp_path, priced)).find("claude/own")
    assert model is not None
    assert cost_micros(model, Tokens(1_000, 100)) == 1_250


def test_what_is_in_no_table_and_no_file_has_no_price(tmp_path: Path) -> None:
    unheard = "openai/unheard: {provider: openai, model: unheard-of-1}"
    model = read_catalog(_own(tmp_path, unheard)).find("openai/unheard")
    assert model is not None
    assert price(model) is None
    assert cost_micros(model, Tokens(1, 1)) is None


def test_caches_have_prices_of_their_own_and_the_bound_covers_them() -> None:
    model = read_catalog().find("anthropic/claude-sonnet-5.5")
    assert model is not None
    plain = cost_micros(model, Tokens(100_000, 0))
    read = cost_micros(model, Tokens(100_000, 0, cache_read=100_000))
    kept = cost_micros(model, Tokens(100_000, 0, cache_write=100_000, cache_write_1h=100_000))
    assert read is not None
    assert plain is not None
    assert kept is not None
    assert read < plain < kept
    assert most_micros(model, input_tokens=100_000, output_tokens=0) == kept
