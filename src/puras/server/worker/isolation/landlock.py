"""Landlock: the process itself asks the kernel to see less of the file system, for good.

A *view* names what may be read and what may be written. Views stack: a later one can only narrow,
so the warm parent takes the wide one and each fork of it the view of its own folder. From ABI 6 on
a view also ends the reach of signals and of abstract sockets at the process's own family; ptrace,
and with it another process's `/proc/<pid>/environ`, always ends there.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from puras.server.worker.isolation import kernel

_SYS_CREATE_RULESET, _SYS_ADD_RULE, _SYS_RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3
SCOPES_ABI = 6
"""From this version on a view bounds signals and abstract sockets."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE_IOCTL = 1 << 14, 1 << 15
_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_IOCTL


@dataclass(frozen=True, slots=True)
class View:
    """Paths that may be read (and executed), and paths that may also be written."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]


class _RulesetAttributes(ctypes.Structure):
    _fields_ = [
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [
        ("allowed_access", ctypes.c_uint64),
        ("parent_fd", ctypes.c_int32),
    ]


def abi() -> int:
    """Return the kernel's Landlock version; 0 where it has none or it is switched off."""
    try:
        return kernel.syscall(_SYS_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    except OSError:
        return 0


def restrict(view: View) -> bool:
    """Narrow this process and all that it will start; False where the kernel has no Landlock.

    Needs no-new-privileges. Paths that do not exist are passed over.
    """
    version = abi()
    if version == 0:
        return False
    rights = _rights(version)
    ruleset = _create(rights, version)
    try:
        _allow(ruleset, view.readable, _READ & rights)
        _allow(ruleset, view.writable, rights)
        kernel.syscall(_SYS_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _rights(version: int) -> int:
    return _RIGHTS_BY_ABI[max(known for known in _RIGHTS_BY_ABI if known <= version)]


def _create(rights: int, version: int) -> int:
    scope = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= SCOPES_ABI else 0
    attributes = _RulesetAttributes(rights, 0, scope)
    size = 24 if version >= SCOPES_ABI else 8
    return kernel.syscall(_SYS_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0)


def _allow(ruleset: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            rule = _PathBeneath(rights if is_folder else rights & _FILE_RIGHTS, descriptor)
            kernel.syscall(_SYS_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)
