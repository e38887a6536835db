"""Calls a Python tool of the skill, in a process that ends with the call."""

from __future__ import annotations

import json
import os
from typing import Any

from puras import _channel
from puras.errors import UserError
from puras.server.worker.process import invocation
from puras.server.worker.process.hands.place import Place
from puras.server.worker.process.masking import Masker
from puras.server.worker.process.skill_modules import Entry, SkillModules

MAX_RESULT_BYTES = 5 * 1024 * 1024


def call(order: dict[str, Any], place: Place) -> dict[str, Any]:
    """`{source, function, input, scope}` → what the function returned, as `value`."""
    _channel.count_within(str(order["scope"]))
    entry = Entry(place.bundle, place.skill, str(order["source"]), str(order["function"]))
    try:
        function = SkillModules().function(entry)
        answer = invocation.encodable({"result": invocation.call(function, order["input"])})
    except BaseException as error:
        return _told(error, entry, place)
    if "error" in answer:
        return {"ok": False, "text": answer["error"]}
    if (size := len(json.dumps(answer["result"]))) > MAX_RESULT_BYTES:
        text = f"the result has {size:,} bytes and may have {MAX_RESULT_BYTES:,}"
        return {"ok": False, "text": f"{text}: write large values to the drive or to a file"}
    return {"ok": True, "value": answer["result"]}


def _told(error: BaseException, entry: Entry, place: Place) -> dict[str, Any]:
    """Tell the model of an error: a `UserError` by its text, any other with its traceback."""
    masker = Masker(os.environ[name] for name in place.secrets if name in os.environ)
    told = invocation.failure(error, entry, masker)
    if isinstance(error, UserError) or not told.get("traceback"):
        return {"ok": False, "text": told["error"]}
    return {"ok": False, "text": f"{told['error']}\n\n{told['traceback']}"}
