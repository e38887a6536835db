"""Rating a job."""

from __future__ import annotations

from puras import wire
from puras.server.caller import Power
from puras.server.clock import iso
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.feedback import store
from puras.server.feedback.store import Feedback
from puras.server.jobs import store as jobs
from puras.server.refusals import Refused

routes = Routes("feedback")

_MOST_COMMENT = 10_000
_MOST_END_USER_ID = 255


@routes.post(
    "/v1/jobs/{job_id}/feedback",
    body=wire.FeedbackBody,
    returns=wire.Feedback,
    needs=Power.PUBLISHABLE,
    codes=("job_not_found",),
)
async def give_feedback(call: Call) -> Reply:
    """Rate a job's result; a second rating by the same end user, or key, replaces the first."""
    rating, comment, end_user_id = read_feedback(call.body)

    async def rate(tx: Transaction) -> Feedback:
        job_id = call.path["job_id"].lower()
        if await jobs.visible(tx, job_id=job_id, caller=call.caller) is None:
            raise Refused("job_not_found", f"there is no job `{job_id}` that this key may see")
        return await store.rate(
            tx,
            job_id=job_id,
            key_id=call.caller.key_id,
            end_user_id=end_user_id,
            rating=rating,
            comment=comment,
            now=call.platform.clock(),
        )

    return Reply(_on_wire(await call.platform.db.write(rate)))


def read_feedback(body: wire.FeedbackBody) -> tuple[int, str | None, str | None]:
    """Return rating, comment and end user of a body; blank texts count as none.

    Raises:
        Refused: `invalid_request`.
    """
    comment = (body.get("comment") or "").strip() or None
    end_user_id = (body.get("end_user_id") or "").strip() or None
    if body["rating"] == 0 and comment is None:
        raise _bad("comment", "is required with a rating of 0: say what you think")
    if comment is not None and len(comment) > _MOST_COMMENT:
        raise _bad("comment", f"has at most {_MOST_COMMENT} characters: cut it")
    if end_user_id is not None and len(end_user_id) > _MOST_END_USER_ID:
        raise _bad("end_user_id", f"has at most {_MOST_END_USER_ID} characters")
    return body["rating"], comment, end_user_id


def _bad(field: str, message: str) -> Refused:
    return Refused(
        "invalid_request", f"`{field}` {message}", errors=[{"path": field, "message": message}]
    )


def _on_wire(feedback: Feedback) -> wire.Feedback:
    return {
        "job_id": feedback.job_id,
        "rating": feedback.rating,
        "comment": feedback.comment,
        "end_user_id": feedback.end_user_id,
        "created_at": iso(feedback.created_at),
        "updated_at": iso(feedback.updated_at),
    }
