"""The calls on evals: start a suite, read it, list them, compare two, cancel one."""

from __future__ import annotations

import re

from puras import wire
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.evals import store
from puras.server.evals.report import diff, report, summary
from puras.server.evals.start import read_asked, start
from puras.server.evals.store import Suite
from puras.server.idempotency.guard import replayed, take_ticket
from puras.server.jobs.store import Changes
from puras.server.parameters import bad_parameter, page, page_reply
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.skill_path import is_uuid

routes = Routes("evals")

_VERSION = re.compile(r"[1-9][0-9]{0,9}")


@routes.post(
    "/v1/skillpacks/{ref}/evals",
    needs=Power.LIMITED,
    body=wire.EvalCreate,
    strict=True,
    returns=wire.EvalReport,
    status=201,
    idempotent=True,
    codes=(
        "skillpack_not_found",
        "skill_not_found",
        "no_active_deployment",
        "version_not_found",
        "invalid_inputs",
        "insufficient_credits",
        "budget_exhausted",
        "secrets_missing",
        "idempotency_mismatch",
        "key_fenced",
    ),
)
async def start_evals(call: Call) -> Reply:
    """Run a skill on the cases of its evals, each run a job, and judge what comes of it."""
    asked = read_asked(call.path["ref"], call.body)
    suite_id, twin = await start(call.platform, call.caller, asked, take_ticket(call))
    found = await _report(call, suite_id)
    return replayed(found, twin) if twin else Reply(found)


@routes.get(
    "/v1/skillpacks/{ref}/evals",
    needs=Power.LIMITED,
    returns=list[wire.EvalSummary],
    query={
        "skill": "only those of this skill",
        "limit": "how many at most: 50 by default, 200 at most",
        "before": "only those older than the suite with this id",
    },
    codes=("skillpack_not_found",),
)
async def list_evals(call: Call) -> Reply:
    """List a skillpack's suites of evals, newest first, without their cases."""
    asked, skill = page(call), call.query.get("skill") or None

    async def look_up(tx: Transaction) -> list[wire.EvalSummary]:
        pack_id = await _skillpack_id(tx, call)
        found = await store.page(
            tx, pack_id, skill=skill, limit=asked.limit + 1, before=asked.before
        )
        return [summary(suite, await store.runs(tx, suite)) for suite in found]

    return page_reply(call, await call.platform.db.read(look_up), limit=asked.limit)


@routes.get(
    "/v1/skillpacks/{ref}/evals/diff",
    needs=Power.LIMITED,
    returns=wire.EvalDiff,
    query={
        "skill": "the skill that both are of",
        "base": "the former suite: its id, or a version, whose newest suite counts",
        "head": "the later suite: its id, or a version",
    },
    codes=("skillpack_not_found", "eval_not_found"),
)
async def diff_evals(call: Call) -> Reply:
    """Compare two suites of a skill: what got better, what got worse."""
    skill = call.query.get("skill", "").strip()

    async def look_up(tx: Transaction) -> tuple[wire.EvalReport, wire.EvalReport]:
        pack_id = await _skillpack_id(tx, call)
        if not skill:
            raise bad_parameter("skill", "must name the skill whose evals are compared")
        base = await _named(tx, call, "base", skillpack_id=pack_id, skill=skill)
        head = await _named(tx, call, "head", skillpack_id=pack_id, skill=skill)
        return (
            report(base, await store.runs(tx, base)),
            report(head, await store.runs(tx, head)),
        )

    base, head = await call.platform.db.read(look_up)
    return Reply(diff(base, head))


@routes.get(
    "/v1/evals/{eval_id}",
    needs=Power.LIMITED,
    returns=wire.EvalReport,
    codes=("eval_not_found",),
)
async def get_evals(call: Call) -> Reply:
    """Get a suite of evals as it stands, with every case and run."""
    return Reply(await _report(call, call.path["eval_id"]))


@routes.post(
    "/v1/evals/{eval_id}/cancel",
    needs=Power.LIMITED,
    returns=wire.EvalReport,
    codes=("eval_not_found",),
)
async def cancel_evals(call: Call) -> Reply:
    """Cancel the runs of a suite that are not over; one that is over stays as it is."""
    platform = call.platform

    async def effect(tx: Transaction) -> Changes:
        suite = await _suite(tx, call, call.path["eval_id"])
        return await store.cancel(tx, suite, now=platform.clock())

    platform.announce(await platform.db.write(effect))
    return Reply(await _report(call, call.path["eval_id"]))


async def _report(call: Call, suite_id: str) -> wire.EvalReport:
    async def look_up(tx: Transaction) -> wire.EvalReport:
        suite = await _suite(tx, call, suite_id)
        return report(suite, await store.runs(tx, suite))

    return await call.platform.db.read(look_up)


async def _suite(tx: Transaction, call: Call, suite_id: str) -> Suite:
    return await store.get(tx, suite_id, workspace_id=call.caller.workspace_id)


async def _skillpack_id(tx: Transaction, call: Call) -> str:
    pack = await skillpacks.find_own(tx, call.path["ref"], workspace_id=call.caller.workspace_id)
    return pack.id


async def _named(tx: Transaction, call: Call, name: str, *, skillpack_id: str, skill: str) -> Suite:
    """Find the suite that a query parameter names by id or by version."""
    text = call.query.get(name, "").strip()
    if is_uuid(text):
        suite = await _suite(tx, call, text)
        if (suite.skillpack_id, suite.skill_name) != (skillpack_id, skill):
            raise bad_parameter(name, f"must be a suite of `{skill}` in this skillpack")
        return suite
    version = text.removeprefix("v")
    if not (_VERSION.fullmatch(version) and int(version) < 2**31):
        raise bad_parameter(name, "must be the id of a suite, or a version")
    found = await store.latest(tx, skillpack_id, skill=skill, version=int(version))
    if found is None:
        raise Refused(
            "eval_not_found",
            f"version {version} of `{skill}` has no evals: run them with `puras eval {skill} "
            f"--version {version}`",
        )
    return found
