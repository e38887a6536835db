"""seccomp: system calls that no skill needs, and that have broken kernels, answer EPERM.

The filter is a list of refusals, not of permissions: libraries that skills use call nearly all of
the rest. `clone3` answers ENOSYS, so that the C library falls back to `clone`, whose flags a filter
can read: new namespaces are refused there.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

from puras.server.worker.isolation import kernel

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ANSWER_ERRNO = 0x7FFF0000, 0x00050000
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_FIRST_ARGUMENT = 0, 4, 16
_X32_BIT = 0x40000000
_NAMESPACE_FLAGS = 0x7E020000

# Numbers from 424 on are the same on every architecture.
_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442)


@dataclass(frozen=True, slots=True)
class _Architecture:
    """`refused` in this order: ptrace, process_vm_readv and _writev, mount, umount2, pivot_root,
    chroot, setns, unshare, bpf, keyctl, add_key, request_key, perf_event_open, kexec_load and
    _file_load, init_module, finit_module, delete_module, userfaultfd, swapon, swapoff, reboot,
    settimeofday, clock_settime, clock_adjtime, acct, quotactl, open_by_handle_at, kcmp, vhangup,
    sethostname, setdomainname, syslog."""

    audit: int
    clone: int
    refused: tuple[int, ...]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


_ARCHITECTURES = {
    "x86_64": _Architecture(
        0xC000003E,
        56,
        _numbers(
            "101 310 311 165 166 155 161 308 272 321 250 248 249 298 246 320 175 313 176 323 167 "
            "168 169 164 227 305 163 179 304 312 153 170 171 103"
        ),
    ),
    "aarch64": _Architecture(
        0xC00000B7,
        220,
        _numbers(
            "117 270 271 40 39 41 51 268 97 280 219 217 218 241 104 294 105 273 106 282 224 225 "
            "142 170 112 266 89 60 265 272 58 161 162 116"
        ),
    ),
}
_CLONE3 = 435


def restrict() -> bool:
    """Install the filter for this process and all that it starts; False where it can't be.

    Needs no-new-privileges.
    """
    architecture = _ARCHITECTURES.get(os.uname().machine)
    if architecture is None:
        return False
    program = _program(architecture)
    code = ctypes.create_string_buffer(program, len(program))
    packed = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    head = ctypes.create_string_buffer(packed, len(packed))
    try:
        kernel.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.cast(head, ctypes.c_void_p))
    except OSError:
        return False
    return True


def _program(architecture: _Architecture) -> bytes:
    """Assemble the filter: every test jumps over the one answer that follows it."""
    refuse = _step(_RETURN, _ANSWER_ERRNO | errno.EPERM)
    steps = [
        _step(_LOAD_WORD, _OFFSET_ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture.audit, when_true=1),
        refuse,
        _step(_LOAD_WORD, _OFFSET_NUMBER),
        _step(_JUMP_AT_LEAST, _X32_BIT, when_false=1),
        refuse,
        _step(_JUMP_EQUAL, _CLONE3, when_false=1),
        _step(_RETURN, _ANSWER_ERRNO | errno.ENOSYS),
    ]
    for number in (*architecture.refused, *_EVERYWHERE):
        steps += [_step(_JUMP_EQUAL, number, when_false=1), refuse]
    steps += [
        _step(_JUMP_EQUAL, architecture.clone, when_false=3),
        _step(_LOAD_WORD, _OFFSET_FIRST_ARGUMENT),
        _step(_JUMP_ANY_BIT, _NAMESPACE_FLAGS, when_false=1),
        refuse,
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(operation: int, value: int, *, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("HBBI", operation, when_true, when_false, value)
