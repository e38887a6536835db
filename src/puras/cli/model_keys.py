"""The author's own key of a model provider, for servers that are started on this machine.

It is kept in ~/.puras/config.json as `llm_api_key`. Its beginning tells whose it is; a key of that
provider in the environment wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from puras.cli.config import config_path, read_config
from puras.cli.failures import USAGE, CommandFailed

VARIABLES: Final[Mapping[str, str]] = {
    "sk-ant-": "ANTHROPIC_API_KEY",
    "sk-or-": "OPENROUTER_API_KEY",
    "AIza": "GEMINI_API_KEY",
    "sk-": "OPENAI_API_KEY",
}
"""How keys begin, the longer beginning first, and the variable that holds such a key."""


def variable_of(key: str) -> str | None:
    """Return the environment variable for a key, None where its beginning tells nothing."""
    return next((name for start, name in VARIABLES.items() if key.startswith(start)), None)


def kept_model_key(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is to be added to the environment of a server; nothing where no key is kept.

    Raises:
        CommandFailed: a key is kept, and its beginning tells not whose it is.
    """
    key = read_config().llm_api_key
    if key is None:
        return {}
    name = variable_of(key)
    if name is None:
        raise CommandFailed(
            f"the llm_api_key in {config_path()} begins like that of no provider",
            exit_code=USAGE,
            next_step=f"set one of {', '.join(VARIABLES.values())} instead, and remove it there",
        )
    return {} if environment.get(name) else {name: key}
