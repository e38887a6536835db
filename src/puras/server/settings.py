"""What an operator can set: one frozen value, read once from the environment at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from puras.server.address import Network
from puras.wire import MICROS_PER_USD

_LEAST_TOKEN = 16


class BadSetting(ValueError):
    """An environment variable has a value that makes no sense; the text names both."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Field by field: the environment variable it comes from, its default, what it is.

    home                    PURAS_HOME, ~/.puras/data         everything that must survive
    database_url            PURAS_DATABASE_URL, none          postgresql://…; else SQLite, in `home`
    files                   PURAS_FILES, in `home`            the folder of files, to be shared
    storage_url             PURAS_STORAGE_URL, none           s3://bucket/prefix; else in `home`
    cache_bytes             PURAS_CACHE_MB, 10240             MiB of copies of what lies in a bucket
    public_url              PURAS_PUBLIC_URL, the address     origin of every URL we issue
    concurrency             PURAS_CONCURRENCY, 10             runs at once in this process
    workspace_concurrency   PURAS_WORKSPACE_CONCURRENCY, the same  runs at once of a workspace
    bootstrap_key           PURAS_BOOTSTRAP_KEY, none         a secret key made at every start
    require_key             --require-key, none               a token that counts as a secret key
    secrets_key             PURAS_SECRETS_KEY, a file         32 bytes in base64, then older ones
    starting_credits_usd    PURAS_STARTING_CREDITS_USD, 100   what a new workspace gets
    compute_usd_per_second  PURAS_COMPUTE_USD_PER_SECOND, 0   what a second of a run costs
    run_cost_limit_usd      PURAS_RUN_COST_LIMIT_USD, none    most that a run may cost
    url_ttl_seconds         PURAS_URL_TTL, 86400              seconds that URLs in results are valid
    trusted_proxies         PURAS_TRUSTED_PROXIES, none       whose `X-Forwarded-For` is believed
    run_memory_bytes        PURAS_RUN_MEMORY_MB, 2048         MiB of memory a run
    run_disk_bytes          PURAS_RUN_DISK_MB, 10240          MiB a run may have in its folder
    run_timeout_seconds     PURAS_RUN_TIMEOUT, 1800           seconds a run, where a skill sets none
    approval_seconds        PURAS_APPROVAL_TIMEOUT, 1800      seconds until no answer is a no
    retention_days          PURAS_RETENTION_DAYS, none        days that finished jobs are kept
    skill_network           PURAS_SKILL_NETWORK, all          `none`: runs reach no network
    allow_private_urls      PURAS_ALLOW_PRIVATE_URLS, false   let runs fetch from private addresses
    models_file             PURAS_MODELS, none                a YAML file of models, beside our own
    text_model              PURAS_TEXT_MODEL, a usable one    answers where a skill names no model
    image_model             PURAS_IMAGE_MODEL, none           default; else the first usable one
    video_model             PURAS_VIDEO_MODEL, none           the same for videos
    audio_model             PURAS_AUDIO_MODEL, none           the same for audio
    transcribe_model        PURAS_TRANSCRIBE_MODEL, none      the same for transcripts
    media_file              PURAS_MEDIA, none                 a YAML file with more media models
    log_format              PURAS_LOG_FORMAT, auto            json, console, or as stderr is
    log_level               PURAS_LOG_LEVEL, info             debug, info, warning or error
    metrics_port            PURAS_METRICS_PORT, none          a port of its own for `/metrics`
    metrics_host            PURAS_METRICS_HOST, 127.0.0.1     where that listens
    metrics_token           PURAS_METRICS_TOKEN, none         the bearer token that reads `/metrics`
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8787
    database_url: str | None = field(default=None, repr=False)
    files: Path | None = None
    storage_url: str | None = None
    cache_bytes: int = 10_240 << 20
    public_url: str = "http://127.0.0.1:8787"
    concurrency: int = 10
    workspace_concurrency: int = 10
    bootstrap_key: str | None = field(default=None, repr=False)
    require_key: str | None = field(default=None, repr=False)
    secrets_key: str | None = field(default=None, repr=False)
    starting_credits_usd: float = 100.0
    compute_usd_per_second: float = 0.0
    run_cost_limit_usd: float | None = None
    url_ttl_seconds: int = 86_400
    trusted_proxies: tuple[Network, ...] = ()
    run_memory_bytes: int = 2048 * 1024 * 1024
    run_disk_bytes: int = 10_240 << 20
    run_timeout_seconds: float = 1800.0
    approval_seconds: float = 1800.0
    retention_days: int | None = None
    skill_network: str = "all"
    allow_private_urls: bool = False
    models_file: Path | None = None
    text_model: str | None = None
    image_model: str | None = None
    video_model: str | None = None
    audio_model: str | None = None
    transcribe_model: str | None = None
    media_file: Path | None = None
    log_format: str = "auto"
    log_level: str = "info"
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    metrics_token: str | None = field(default=None, repr=False)
    ping_seconds: float = 15.0
    compute_period_seconds: float = 10.0

    @property
    def database_path(self) -> Path:
        return self.home / "puras.db"

    @property
    def files_path(self) -> Path:
        """Drive files and bundle archives, where no other storage is set."""
        return self.files or self.home / "files"

    @property
    def files_incoming(self) -> Path:
        """Where files are put together, on the same disk as `files_path`."""
        return self.home / "incoming" if self.files is None else self.files / ".incoming"

    @property
    def run_limit_micros(self) -> int | None:
        """The most that a root run and all it starts may cost together."""
        limit = self.run_cost_limit_usd
        return None if limit is None else int(limit * MICROS_PER_USD)

    @property
    def is_loopback(self) -> bool:
        return _is_loopback(self.host)


def read_settings(
    environment: Mapping[str, str],
    *,
    home: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8787,
    require_key: str | None = None,
) -> Settings:
    """Read the settings; arguments (command-line options) win over the environment.

    Raises:
        BadSetting: a value can't be read.
    """
    concurrency = int(_number(environment, "PURAS_CONCURRENCY", 10, least=1))
    shown_host = f"[{host}]" if ":" in host else host
    return Settings(
        home=(home or Path(environment.get("PURAS_HOME") or "~/.puras/data"))
        .expanduser()
        .resolve(),
        host=host,
        port=port,
        database_url=_database_url(environment),
        files=_path(environment, "PURAS_FILES"),
        storage_url=environment.get("PURAS_STORAGE_URL") or None,
        cache_bytes=int(_number(environment, "PURAS_CACHE_MB", 10_240)) << 20,
        public_url=(environment.get("PURAS_PUBLIC_URL") or f"http://{shown_host}:{port}").rstrip(
            "/"
        ),
        concurrency=concurrency,
        workspace_concurrency=int(
            _number(environment, "PURAS_WORKSPACE_CONCURRENCY", concurrency, least=1)
        ),
        bootstrap_key=environment.get("PURAS_BOOTSTRAP_KEY") or None,
        require_key=require_key,
        secrets_key=environment.get("PURAS_SECRETS_KEY") or None,
        starting_credits_usd=_number(environment, "PURAS_STARTING_CREDITS_USD", 100),
        url_ttl_seconds=int(_number(environment, "PURAS_URL_TTL", 86_400, least=30)),
        trusted_proxies=_networks(environment, "PURAS_TRUSTED_PROXIES"),
        approval_seconds=_number(environment, "PURAS_APPROVAL_TIMEOUT", 1800, least=1),
        retention_days=(
            int(_number(environment, "PURAS_RETENTION_DAYS", 0, least=1))
            if environment.get("PURAS_RETENTION_DAYS")
            else None
        ),
        allow_private_urls=_flag(environment, "PURAS_ALLOW_PRIVATE_URLS"),
        log_format=_choice(environment, "PURAS_LOG_FORMAT", ("auto", "json", "console")),
        log_level=_choice(environment, "PURAS_LOG_LEVEL", ("info", "debug", "warning", "error")),
        **_runs(environment),
        **_models(environment),
        **_metrics(environment),
    )


def _runs(environment: Mapping[str, str]) -> dict[str, Any]:
    has_limit = bool(environment.get("PURAS_RUN_COST_LIMIT_USD"))
    limit = _number(environment, "PURAS_RUN_COST_LIMIT_USD", 0)
    return {
        "compute_usd_per_second": _number(environment, "PURAS_COMPUTE_USD_PER_SECOND", 0),
        "run_cost_limit_usd": limit if has_limit else None,
        "run_memory_bytes": int(_number(environment, "PURAS_RUN_MEMORY_MB", 2048, least=64)) << 20,
        "run_disk_bytes": int(_number(environment, "PURAS_RUN_DISK_MB", 10_240, least=1)) << 20,
        "run_timeout_seconds": _number(environment, "PURAS_RUN_TIMEOUT", 1800, least=1),
        "skill_network": _choice(environment, "PURAS_SKILL_NETWORK", ("all", "none")),
    }


def _models(environment: Mapping[str, str]) -> dict[str, Any]:
    kinds = ("text", "image", "video", "audio", "transcribe")
    named = {f"{kind}_model": environment.get(f"PURAS_{kind.upper()}_MODEL") for kind in kinds}
    return {
        "models_file": _path(environment, "PURAS_MODELS"),
        "media_file": _path(environment, "PURAS_MEDIA"),
        **{name: slug or None for name, slug in named.items()},
    }


def _metrics(environment: Mapping[str, str]) -> dict[str, Any]:
    host = environment.get("PURAS_METRICS_HOST") or "127.0.0.1"
    token = environment.get("PURAS_METRICS_TOKEN") or None
    port = int(_number(environment, "PURAS_METRICS_PORT", 0))
    if token is not None and len(token) < _LEAST_TOKEN:
        raise BadSetting(f"PURAS_METRICS_TOKEN must have {_LEAST_TOKEN} characters or more")
    if token is None and not _is_loopback(host):
        raise BadSetting(
            f"PURAS_METRICS_HOST={host!r} can be reached from elsewhere: set PURAS_METRICS_TOKEN"
        )
    return {"metrics_port": port or None, "metrics_host": host, "metrics_token": token}


def _is_loopback(host: str) -> bool:
    return host in {"127.0.0.1", "::1", "localhost"} or host.startswith("127.")


def _number(
    environment: Mapping[str, str], name: str, default: float, *, least: float = 0
) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        raise BadSetting(f"{name}={text!r} is no number") from None
    if not least <= value < 1e15:
        raise BadSetting(f"{name}={text!r} must be at least {least:g}")
    return value


def _database_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("PURAS_DATABASE_URL") or None
    if url is not None and not url.startswith(("postgresql://", "postgres://")):
        raise BadSetting(
            "PURAS_DATABASE_URL is no address of a PostgreSQL database: write "
            "postgresql://user:password@host/database, or unset it for SQLite"
        )
    return url


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name)
    return Path(text).expanduser().resolve() if text else None


def _networks(environment: Mapping[str, str], name: str) -> tuple[Network, ...]:
    """Read addresses and networks, separated by commas."""
    texts = [text.strip() for text in environment.get(name, "").split(",") if text.strip()]
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise BadSetting(
            f"{name}: {error}: write addresses such as 10.0.0.5 or 10.0.0.0/8"
        ) from None


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Read one of some words; the first is the default."""
    text = environment.get(name, "").strip().lower() or choices[0]
    if text not in choices:
        raise BadSetting(f"{name}={text!r} must be one of {', '.join(choices)}")
    return text


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "").strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"", "0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}={text!r} is neither true nor false")
