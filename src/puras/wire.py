"""Every shape that crosses the wire, written once.

Server, SDK and CLI read these types; `scripts/contract.py` turns them into `contract/openapi.json`
and `contract/schema.json`. This module imports nothing of the project.

Conventions: times are ISO-8601 UTC strings with microseconds, ids are UUIDv7 strings, money is an
integer number of micros (1 USD = 1,000,000); only fields that end in `_usd` are floats.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

JobStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobType: TypeAlias = Literal["function", "agentic"]
KeyKind: TypeAlias = Literal["secret", "publishable"]
SessionPower: TypeAlias = Literal["narrow", "limited", "full"]
LedgerKind: TypeAlias = Literal["grant", "credit", "debit"]
SpendBy: TypeAlias = Literal["skill", "day", "key"]
CostKind: TypeAlias = Literal["model", "media", "compute", "eval", "other"]
FileChange: TypeAlias = Literal["added", "changed", "removed", "same"]
SpanKind: TypeAlias = Literal["run", "step", "llm", "tool", "function"]
BudgetScope: TypeAlias = Literal["workspace", "skillpack"]
BudgetWindow: TypeAlias = Literal["day", "month", "rolling30", "total"]
ApprovalStatus: TypeAlias = Literal["pending", "approved", "denied", "expired"]
GraderKind: TypeAlias = Literal["check", "rubric", "exact_match", "schema"]
EvalStatus: TypeAlias = Literal["queued", "running", "completed", "cancelled"]
EvalChange: TypeAlias = Literal["regressed", "improved", "same", "added", "removed"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
JobErrorCode: TypeAlias = Literal[
    "input_invalid",
    "output_invalid",
    "function_error",
    "timeout",
    "out_of_memory",
    "worker_lost",
    "cost_limit",
    "step_limit",
    "model_error",
    "cancelled",
    "deployment_broken",
]
EventType: TypeAlias = Literal[
    "status",
    "step",
    "model_response",
    "tool_call",
    "tool_result",
    "log",
    "progress",
    "subagent_start",
    "subagent_end",
    "approval_required",
    "approval_decided",
    "resumed",
    "evals",
]

TERMINAL_STATUSES: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})

MICROS_PER_USD = 1_000_000
MAX_REQUEST_BYTES = 10 * 1024 * 1024
MAX_RESULT_BYTES = 10 * 1024 * 1024
MAX_WAIT_SECONDS = 60.0
MAX_BUNDLE_BYTES = 50 * 1024 * 1024
MAX_UNPACKED_BYTES = 500 * 1024 * 1024
MAX_BUNDLE_FILES = 20_000
MAX_UPLOAD_BYTES = 2 * 1024 * 1024 * 1024
MAX_FETCH_BYTES = 100 * 1024 * 1024
MAX_EVENT_PAYLOAD_BYTES = 256 * 1024
MAX_LOG_LINE_BYTES = 8 * 1024
MAX_LOG_EVENTS = 10_000
MAX_DRIVE_PATH_BYTES = 1024
MAX_EVENTS_PAGE = 10_000
MAX_LIST_PAGE = 200
MAX_SUBAGENT_DEPTH = 5
MAX_CONCURRENCY = 10_000
MAX_PROMPT_CHARACTERS = 100_000
MAX_SECRET_BYTES = 64 * 1024
MAX_SECRETS = 100
MAX_SPANS = 10_000
MAX_MEMORY_BYTES = 16 * 1024
MAX_MEMORY_KEY_CHARACTERS = 200
MAX_MEMORY_TAGS = 20
MAX_MEMORIES = 10_000
MAX_EVAL_CASES = 1_000
MAX_EVAL_RUNS = 1_000
MAX_GRADERS = 20
MAX_SIGN_IN_FAILURES = 10
MAX_SESSION_TOKENS = 32
LINK_SECONDS = 900.0
SESSION_SECONDS = 30 * 86_400.0
SESSION_TOKEN_SECONDS = 900.0
MAX_SPEND_DAYS = 366
MAX_SHOWN_FILE_BYTES = 1024 * 1024


class Fault(TypedDict):
    """One of several things wrong with a request."""

    path: str
    message: str
    file: NotRequired[str]


class ErrorBody(TypedDict):
    """The body of every answer that is not a success. `detail` says what to do next."""

    detail: str
    code: str
    request_id: str
    errors: NotRequired[list[Fault]]


class Health(TypedDict):
    ok: bool
    service: str
    version: str


class Usage(TypedDict):
    input_tokens: int
    output_tokens: int
    cost_micros: int


class OutputFile(TypedDict):
    """A file that the result names: where it is in the drive and a signed URL to read it."""

    name: str
    drive_path: str
    url: str
    mime: str
    size_bytes: int


class Job(TypedDict):
    """A run of a skill. `draft`: an offline draft stood in for its model."""

    id: str
    status: JobStatus
    result: dict[str, Any] | None
    error: str | None
    error_code: JobErrorCode | None
    skill_name: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    workspace_id: str
    skillpack_id: str
    skillpack: str
    deployment_id: str
    version: int
    parent_job_id: str | None
    type: JobType
    inputs: dict[str, Any]
    outputs: list[OutputFile]
    cost_micros: int
    steps: int
    usage: Usage
    source: str | None
    key_id: str | None
    attempt: int
    draft: bool
    eval_score: float | None
    eval_results: list[dict[str, Any]] | None


class JobEvent(TypedDict):
    """One entry of a job's log. Ids count 1, 2, 3 … within the job, without gaps."""

    id: int
    job_id: str
    ts: str
    type: str
    payload: dict[str, Any]


class Span(TypedDict):
    """A piece of a job's time. `trace_id` is the same for a root job and all below it.

    `duration_ms` is None while it is not over. A run's parent is the call that started its job.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: SpanKind
    name: str
    started_at: str
    duration_ms: float | None
    attributes: dict[str, Any]


class SubmitBody(TypedDict):
    """What `POST /v1/jobs` takes. Fields it does not know are ignored."""

    skill: NotRequired[str]
    prompt: NotRequired[str]
    inputs: NotRequired[dict[str, Any] | None]
    source: NotRequired[str | None]


class FeedbackBody(TypedDict):
    """`rating` is -1, 0 or 1; 0 needs a `comment`."""

    rating: Literal[-1, 0, 1]
    comment: NotRequired[str | None]
    end_user_id: NotRequired[str | None]


class Feedback(TypedDict):
    job_id: str
    rating: int
    comment: str | None
    end_user_id: str | None
    created_at: str
    updated_at: str


class ApprovalBody(TypedDict):
    """A `reason` is read by the agent."""

    decision: Literal["approved", "denied"]
    reason: NotRequired[str | None]


class Approval(TypedDict):
    """A use of a tool that a person has to approve. `job_id` is the job that asks, which may be
    below the one that was submitted; after `expires_at` no answer counts as a no."""

    id: str
    job_id: str
    tool_call_id: str
    tool_name: str
    tool_input: dict[str, Any]
    status: ApprovalStatus
    reason: str | None
    created_at: str
    expires_at: str
    decided_at: str | None


class Skillpack(TypedDict):
    id: str
    slug: str
    name: str
    description: str | None
    active_deployment_id: str | None
    public: bool
    created_at: str


class SkillpackCreate(TypedDict):
    name: str
    slug: str
    description: NotRequired[str | None]
    public: NotRequired[bool]


class SkillpackPatch(TypedDict):
    name: NotRequired[str]
    slug: NotRequired[str]
    description: NotRequired[str | None]
    public: NotRequired[bool]


class SkillExample(TypedDict):
    title: NotRequired[str]
    description: NotRequired[str]
    inputs: dict[str, Any]
    outputs: NotRequired[dict[str, Any]]


class ManifestSkill(TypedDict):
    """A skill as a deployment's manifest lists it. `name` of a subskill is `parent/sub`."""

    name: str
    type: JobType
    title: str | None
    description: str
    entrypoint: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None
    examples: list[SkillExample]
    timeout_seconds: float | None
    process: Literal["fresh", "warm"]
    concurrency: NotRequired[int | None]
    needs: list[str]
    parent: str | None
    extra: dict[str, Any]


class Manifest(TypedDict):
    skills: list[ManifestSkill]


class Deployment(TypedDict):
    id: str
    version: int
    is_active: bool
    size_bytes: int
    notes: str | None
    created_at: str
    manifest: Manifest


class BundleFile(TypedDict):
    """A file of a version. Next to another version, `change` says how it got here from there;
    of what was removed, size and hash are those of the other version."""

    path: str
    size_bytes: int
    sha256: str
    change: NotRequired[FileChange]


class BundleFiles(TypedDict):
    """The files of a version by path; `base_version` is the one that they are compared with."""

    version: int
    base_version: int | None
    files: list[BundleFile]


class BundleFileText(TypedDict):
    """A file of a version, to be read. `text` is None for what is no UTF-8 text; `truncated` tells
    that the file goes on after its first MiB."""

    path: str
    size_bytes: int
    sha256: str
    text: str | None
    truncated: bool


class Pulled(TypedDict):
    """Where to fetch a version's bundle as a zip; the URL needs no key until it expires."""

    download_url: str
    version: int


class Secret(TypedDict):
    """A secret's name; its value is never shown."""

    name: str
    updated_at: str


class SecretBody(TypedDict):
    """`name` is an environment variable's, of A-Z, 0-9 and `_`; `value` has at most 64 KiB."""

    name: str
    value: str


class Snippets(TypedDict):
    """How to call a skill, ready to be copied. `python`, `typescript` and `curl` take the key from
    `PURAS_API_KEY`; `react` is a component, and `mcp` the settings of a client of the Model Context
    Protocol, each with a place for it."""

    python: str
    typescript: str
    react: str
    curl: str
    mcp: str


class SkillCard(TypedDict):
    """What a caller needs to know of a skill. `path` is how it is called from any workspace."""

    path: str
    workspace: str
    skillpack: str
    skill: str
    title: str | None
    description: str
    type: JobType
    version: int
    public: bool
    concurrency: int | None
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None
    examples: list[SkillExample]
    snippets: Snippets


class Key(TypedDict):
    id: str
    name: str
    kind: KeyKind
    prefix: str
    skills: Literal["all"] | list[str]
    daily_cap_usd: float | None
    spent_today_micros: int
    rate_per_minute: int | None
    concurrency: int | None
    allowed_origins: list[str] | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    created_at: str


class MintedKey(Key):
    """A key at the moment of minting: the only time that `key` is shown."""

    key: NotRequired[str]


class KeyCreate(TypedDict):
    name: str
    kind: KeyKind
    skills: NotRequired[Literal["all"] | list[str]]
    daily_cap_usd: NotRequired[float | None]
    rate_per_minute: NotRequired[int | None]
    concurrency: NotRequired[int | None]
    allowed_origins: NotRequired[list[str] | None]
    expires_at: NotRequired[str | None]


class KeyPatch(TypedDict):
    name: NotRequired[str]
    skills: NotRequired[Literal["all"] | list[str]]
    daily_cap_usd: NotRequired[float | None]
    rate_per_minute: NotRequired[int | None]
    concurrency: NotRequired[int | None]
    allowed_origins: NotRequired[list[str] | None]
    expires_at: NotRequired[str | None]


class SignIn(TypedDict):
    """Either a secret `key`, or the secret of a one-time `link`: what follows its `#`."""

    key: NotRequired[str]
    link: NotRequired[str]


class Session(TypedDict):
    """A browser that is signed in. `last_used_at` is when it last asked for a token."""

    id: str
    user_agent: str | None
    created_at: str
    last_used_at: str
    expires_at: str
    current: bool


class SessionToken(TypedDict):
    """A bearer token for `/v1`, and who it stands for. `power` says how far the key reaches:
    `narrow` with an allowlist or a cap, `limited` with a rate or an expiry, `full` without any
    fence."""

    token: str
    expires_at: str
    power: SessionPower
    key: Key
    workspace_id: str
    workspace: str


class Balance(TypedDict):
    workspace_id: str
    workspace: str
    balance_micros: int
    balance_usd: float
    spent_today_micros: int


class LedgerEntry(TypedDict):
    """One change of a wallet; debits are negative, and name the job."""

    id: str
    kind: LedgerKind
    amount_micros: int
    job_id: str | None
    note: str | None
    created_at: str


class SpendLine(TypedDict):
    """By skill `id` is its skillpack's, by key the key's; by day it is None and `name` the date."""

    id: str | None
    name: str
    micros: int


class Spend(TypedDict):
    """What a workspace spent since the UTC day `since`. Days come oldest first, each of them;
    skills and keys with the dearest first."""

    by: SpendBy
    days: int
    since: str
    total_micros: int
    lines: list[SpendLine]


class CostLine(TypedDict):
    """What went to one thing: `label` is the model's name, empty for computing time. What is held
    for calls at work is not yet in `cost_micros`."""

    kind: CostKind
    label: str
    calls: int
    cost_micros: int
    held_micros: int


class JobCosts(TypedDict):
    """The `cost_micros` of a job, and the lines that sum up to it, dearest first."""

    cost_micros: int
    lines: list[CostLine]


class Worker(TypedDict):
    """A process that runs jobs. `places` is how many at once; `running` counts this workspace's."""

    id: str
    places: int
    running: int
    started_at: str
    seen_at: str


class Queue(TypedDict):
    """This workspace's jobs that wait: for a worker, or for a person. `oldest_wait_ms` is how long
    ago the oldest of the first was submitted; None where there is none."""

    queued: int
    waiting_for_approval: int
    running: int
    oldest_wait_ms: float | None


class Workers(TypedDict):
    workers: list[Worker]
    queue: Queue


class Budget(TypedDict):
    """A limit on what jobs spend in a window. `spent_micros` counts the present window, running
    jobs included; `window_starts_at` is None for `total`. Where `enforce` is off it only alerts.

    `alerted_at` is when the present window crossed `alert_pct` percent of the limit.
    """

    id: str
    scope: BudgetScope
    skillpack: str | None
    skill_name: str | None
    window: BudgetWindow
    limit_usd: float
    alert_pct: int | None
    enforce: bool
    enabled: bool
    spent_micros: int
    window_starts_at: str | None
    alerted_at: str | None
    created_at: str


class BudgetCreate(TypedDict):
    """`skillpack` (a slug or an id) goes with scope `skillpack`, and may be narrowed to one
    `skill_name`. `enforce` and `enabled` are true by default."""

    scope: BudgetScope
    window: BudgetWindow
    limit_usd: float
    skillpack: NotRequired[str | None]
    skill_name: NotRequired[str | None]
    alert_pct: NotRequired[int | None]
    enforce: NotRequired[bool]
    enabled: NotRequired[bool]


class BudgetPatch(TypedDict):
    """What is left out stays; a budget's scope never changes."""

    window: NotRequired[BudgetWindow]
    limit_usd: NotRequired[float]
    alert_pct: NotRequired[int | None]
    enforce: NotRequired[bool]
    enabled: NotRequired[bool]


class Model(TypedDict):
    """A model that a skill can name. A slug `family/*` stands for every variant of the family.

    `why_not` says what has to be done before it can be used. Prices are in USD for a million
    tokens, and null where they depend on the variant or are not known.
    """

    slug: str
    provider: str
    usable: bool
    why_not: NotRequired[str]
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    vision: bool
    pdf: bool


class EvalCreate(TypedDict):
    """Which evals to run. What is left out is as the skill's own `evals` have it: `repeat` runs of
    each case, and `threshold`, the share of runs (0 to 1) that has to pass; `version` is the active
    one. `case_ids` takes some of the cases only."""

    skill: str
    version: NotRequired[int | None]
    repeat: NotRequired[int | None]
    threshold: NotRequired[float | None]
    case_ids: NotRequired[list[str] | None]


class EvalGrader(TypedDict):
    """How the runs of a suite fared with one grader; `pass_rate` and `mean_score` are 0 to 1."""

    name: str
    kind: GraderKind
    mean_score: float
    pass_rate: float
    runs: int


class EvalRun(TypedDict):
    """One run of a case: a job. `score` is None until it was judged, or where it failed."""

    job_id: str
    status: JobStatus
    score: float | None
    passed: bool
    error: str | None
    graders: list[dict[str, Any]]


class EvalCase(TypedDict):
    """How a case fared; `pass_rate` and `mean_score` count the runs that are over."""

    id: str
    tags: list[str]
    pass_rate: float
    mean_score: float
    runs: list[EvalRun]


class EvalSummary(TypedDict):
    """A suite of evals: a skill run on its cases, judged by its graders.

    Rates, scores, costs and times count the runs that are over. A run that failed passes nothing
    and scores 0. `score_stddev` is the spread of the runs' scores, `mean_latency_ms` the time from
    a run's start to its result, without that of its graders. `gate_passed` says whether the share
    of runs that passed reaches `threshold` (0 to 1); None until all are over.
    """

    id: str
    status: EvalStatus
    skillpack: str
    skill_name: str
    version: int
    repeat: int
    pass_rate_pct: float
    mean_score: float
    score_stddev: float
    completed_runs: int
    total_runs: int
    total_cost_micros: int
    mean_cost_micros: int
    mean_latency_ms: float
    threshold: float
    graders: list[EvalGrader]
    gate_passed: bool | None
    created_at: str
    finished_at: str | None


class EvalReport(EvalSummary):
    """A suite with all of its cases."""

    cases: list[EvalCase]


class EvalCaseDiff(TypedDict):
    """A case in two suites; None where one of them does not have it."""

    id: str
    change: EvalChange
    base_mean_score: float | None
    head_mean_score: float | None
    base_pass_rate: float | None
    head_pass_rate: float | None


class EvalGraderDiff(TypedDict):
    name: str
    kind: GraderKind
    base_mean_score: float | None
    head_mean_score: float | None
    base_pass_rate: float | None
    head_pass_rate: float | None


class EvalDiff(TypedDict):
    """Two suites of a skill side by side; a delta is head less base. Cases that got worse come
    first."""

    skill_name: str
    base: EvalSummary
    head: EvalSummary
    pass_rate_pct_delta: float
    mean_score_delta: float
    mean_cost_micros_delta: int
    mean_latency_ms_delta: float
    graders: list[EvalGraderDiff]
    cases: list[EvalCaseDiff]


class DriveFile(TypedDict):
    drive_path: str
    size_bytes: int
    mime: str
    created_at: str


class Uploaded(TypedDict):
    drive_path: str
    size_bytes: int
    mime: str


class SignBody(TypedDict):
    """`ttl` in seconds: 30 to 2,592,000 (30 days), 3,600 by default."""

    path: str
    ttl: NotRequired[int]


class Signed(TypedDict):
    path: str
    signed_url: str
    expires_in: int
