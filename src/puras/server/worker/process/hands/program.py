"""The program: takes orders over the run's socket, one process for each, until the worker ends it.

The program itself has one thread and does nothing but this: ask for the next order, fork a *hand*
for it, notice how hands end. A hand does one thing, tells the worker what came of it, and is gone;
if it hangs, crashes or is told to stop, that costs this one call. What a hand started and left
behind ends with it. Its answer goes over a connection of its own.

Orders: `{begin, …}`, the first one; `{do, id, …}`; `{kill: id}`. To the worker: `hands.next`,
which waits for an order, `hands.done {id, answer}` from a hand, `hands.ended {id, status}` when
it is gone. Standard library only.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TextIO

from puras import _channel
from puras.errors import PurasError
from puras.server.worker.isolation import kernel
from puras.server.worker.process import processes
from puras.server.worker.process.hands import bash, copy, files, own
from puras.server.worker.process.hands.place import Place, Refusal

_DUMPABLE = 4
_MOST_DESCRIPTORS = 65_536

Order = dict[str, Any]
Answer = dict[str, Any]

DEEDS: Mapping[str, Callable[[Order, Place], Answer]] = {
    "bash": bash.run,
    "read": files.read,
    "write": files.write,
    "edit": files.edit,
    "put": files.put,
    "give": files.give,
    "own": own.call,
    "pack": copy.pack,
}


def serve(**_: Any) -> None:
    """Be the hands of one run. The job's inputs, which every function gets, are not needed."""
    kernel.prctl(_DUMPABLE, 0)  # what holds secrets and the token is not to be looked into
    Hands().serve()


class Hands:
    """Forks hands, and knows which of its children is which."""

    def __init__(self) -> None:
        self._line = _channel.open_connection()
        self._orders = self._line.socket.fileno()
        self._place = Place("", "", "")
        self._mark = ""
        self._hands: dict[int, int] = {}
        self._exits: dict[int, int] = {}
        self._poll = select.poll()
        self._poll.register(self._orders, select.POLLIN)

    def serve(self) -> NoReturn:
        _channel.ask(self._line, "hands.next")
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._orders:
                    self._obey(_channel.answer(self._line))
                    _channel.ask(self._line, "hands.next")
                elif descriptor in self._exits:
                    self._reap(descriptor)

    def _obey(self, order: Order) -> None:
        if "begin" in order:
            self._begin(order)
        elif "kill" in order:
            for pid, number in self._hands.items():
                if number == order["kill"]:
                    processes.kill_family(pid)
        else:
            self._fork(order)

    def _begin(self, order: Order) -> None:
        work = os.path.realpath(os.getcwd())
        self._place = place = Place(work=work, **order["begin"])
        if "file" in order:
            archive = _channel.run_folder() / order["file"]
            copy.unpack(archive, work)
            archive.unlink()
        copy.link_skill(place)
        self._mark = copy.mark(place)

    def _fork(self, order: Order) -> None:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._become_hand(order)
        descriptor = os.pidfd_open(pid)
        self._hands[pid] = order["id"]
        self._exits[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)

    def _become_hand(self, order: Order) -> NoReturn:
        try:
            os.setsid()
            kernel.die_with_parent(9)
            kernel.become_subreaper()
            kernel.stay_readable_to_itself()
            sys.stdout, sys.stderr = _stream(1), _stream(2)
            os.closerange(3, _MOST_DESCRIPTORS)
            if order["do"] == "pack" and order["since"] is None:
                order["since"] = self._mark
            answer = _deed(order, self._place)
            sys.stdout.flush()
            sys.stderr.flush()
            _tell(order["id"], answer)
        finally:
            os._exit(0)

    def _reap(self, descriptor: int) -> None:
        pid = self._exits.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        number = self._hands.pop(pid)
        self._kill_orphans()
        _channel.call("hands.ended", id=number, status=status)

    def _kill_orphans(self) -> None:
        while orphans := set(processes.children(os.getpid())) - self._hands.keys():
            for pid in orphans:
                processes.kill_family(pid)
            for pid in orphans:
                os.waitpid(pid, 0)


def _stream(descriptor: int) -> TextIO:
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="surrogatepass", closefd=False
    )


def _deed(order: Order, place: Place) -> Answer:
    try:
        return DEEDS[order["do"]](order, place)
    except Refusal as refusal:
        return {"ok": False, "text": str(refusal)}
    except MemoryError:
        return {"ok": False, "text": "it needed more memory than a run may have: do it in parts"}
    except OSError as error:
        return {"ok": False, "text": f"it did not work: {error.strerror or error}"}
    except ValueError as error:
        return {"ok": False, "text": f"it did not work: {error}"}


def _tell(number: int, answer: Answer) -> None:
    file = {"file": answer.pop("file")} if "file" in answer else {}
    try:
        _channel.call("hands.done", id=number, answer=answer, **file)
    except PurasError:
        traceback.print_exc()
