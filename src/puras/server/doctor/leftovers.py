"""What a killed server leaves on its machine: processes of runs, and their folders.

Both are gone at the next start in the same folder. Where a server runs, they are its own, and fine.
"""

from __future__ import annotations

from pathlib import Path

from puras.server.doctor.check import Check
from puras.server.home import homes, running_pid
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.processes import data_mark, marked, reap_marked
from puras.server.worker.process.run_folder import abandoned

_NEXT = "the next server that starts here ends that; --fix does it now"


def examine_leftovers(home: Path) -> list[Check]:
    """Look for processes and run folders of servers that are gone."""
    idle = _idle(home)
    pids = [pid for folder in idle for pid in marked(data_mark(folder))]
    folders = [path for folder in idle for path in abandoned(folder)]
    return [_processes(pids), _folders(folders)]


def remove_leftovers(home: Path) -> list[str]:
    """Kill those processes and remove those folders; return a sentence for each kind there was."""
    idle = _idle(home)
    killed = sum(reap_marked(data_mark(folder)) for folder in idle)
    folders = [path for folder in idle for path in abandoned(folder)]
    for path in folders:
        remove(path)
    told = [f"processes: {killed} killed"] if killed else []
    return [*told, f"run folders: {len(folders)} removed"] if folders else told


def _idle(home: Path) -> list[Path]:
    return [folder for folder in homes(home) if folder.is_dir() and running_pid(folder) is None]


def _processes(pids: list[int]) -> Check:
    if not pids:
        return Check("processes", "ok", "none is left of a server that is gone")
    shown = ", ".join(map(str, pids[:5]))
    detail = f"{len(pids)} of a server that is gone still run ({shown}): {_NEXT}"
    return Check("processes", "fail", detail, mendable=True)


def _folders(folders: list[Path]) -> Check:
    if not folders:
        return Check("run folders", "ok", "none is left of a server that is gone")
    detail = f"{len(folders)} of a server that is gone, such as {folders[0]}: {_NEXT}"
    return Check("run folders", "warn", detail, mendable=True)
