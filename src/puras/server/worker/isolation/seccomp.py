"""seccomp: system calls that no skill needs, and that have broken kernels, answer EPERM.

The filter is a list of refusals, not of permissions: libraries that skills use call nearly all of
the rest. Calls that have another way to do the same answer ENOSYS, so that libraries take it:
`clone3` (the flags of `clone`, which a filter can read, may ask for no new namespace) and
`memfd_create` (memory that no process has mapped counts for nobody; a file in the run's folder
counts). Sockets are those of the internet, of this machine, and what a resolver asks the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from puras.server.worker.isolation import kernel

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ANSWER_ERRNO = 0x7FFF0000, 0x00050000
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE = 0, 4
_OFFSET_ARGUMENTS, _ARGUMENT_BYTES = 16, 8
_X32_BIT = 0x40000000
_NAMESPACE_FLAGS = 0x7E020000

# Numbers from 424 on are the same on every architecture: io_uring, the mount calls, pidfd_getfd,
# mount_setattr, quotactl_fd, memfd_secret.
_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 443, 447)
_CLONE3 = 435

_LOCAL = (socket.AF_UNIX,)
_FAMILIES = (*_LOCAL, socket.AF_INET, socket.AF_INET6, 16)  # 16: netlink
_PROTOCOLS = (0, 1, socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMPV6)
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


@dataclass(frozen=True, slots=True)
class _Architecture:
    """`refused` in this order: ptrace, process_vm_readv and _writev, mount, umount2, pivot_root,
    chroot, setns, unshare, bpf, keyctl, add_key, request_key, perf_event_open, kexec_load and
    _file_load, init_module, finit_module, delete_module, userfaultfd, swapon, swapoff, reboot,
    settimeofday, clock_settime, clock_adjtime, acct, quotactl, open_by_handle_at, kcmp, vhangup,
    sethostname, setdomainname, syslog; shmget, msgget, semget, whose memory outlives a run; where
    there are such, modify_ldt, iopl, ioperm."""

    audit: int
    clone: int
    memfd: int
    ioctl: int
    sockets: tuple[int, int]
    refused: tuple[int, ...]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


_ARCHITECTURES = {
    "x86_64": _Architecture(
        0xC000003E,
        56,
        319,
        16,
        (41, 53),
        _numbers(
            "101 310 311 165 166 155 161 308 272 321 250 248 249 298 246 320 175 313 176 323 167 "
            "168 169 164 227 305 163 179 304 312 153 170 171 103 29 68 64 154 172 173"
        ),
    ),
    "aarch64": _Architecture(
        0xC00000B7,
        220,
        279,
        29,
        (198, 199),
        _numbers(
            "117 270 271 40 39 41 51 268 97 280 219 217 218 241 104 294 105 273 106 282 224 225 "
            "142 170 112 266 89 60 265 272 58 161 162 116 194 186 190"
        ),
    ),
}


def restrict(*, network: bool = True) -> bool:
    """Install the filter for this process and all that it starts; False where it can't be.

    `network` off: no sockets but Unix ones. Needs no-new-privileges.
    """
    architecture = _ARCHITECTURES.get(os.uname().machine)
    if architecture is None:
        return False
    program = _program(architecture, _FAMILIES if network else _LOCAL)
    code = ctypes.create_string_buffer(program, len(program))
    packed = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    head = ctypes.create_string_buffer(packed, len(packed))
    try:
        kernel.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.cast(head, ctypes.c_void_p))
    except OSError:
        return False
    return True


def _program(architecture: _Architecture, families: Sequence[int]) -> bytes:
    """Assemble the filter: every test jumps over the one answer that follows it."""
    refuse, elsewhere = _answer(errno.EPERM), _answer(errno.ENOSYS)
    steps = [
        _step(_LOAD_WORD, _OFFSET_ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture.audit, when_true=1),
        refuse,
        _step(_LOAD_WORD, _OFFSET_NUMBER),
        _step(_JUMP_AT_LEAST, _X32_BIT, when_false=1),
        refuse,
    ]
    for number in (*architecture.refused, *_EVERYWHERE):
        steps += [_step(_JUMP_EQUAL, number, when_false=1), refuse]
    for number in (_CLONE3, architecture.memfd):
        steps += [_step(_JUMP_EQUAL, number, when_false=1), elsewhere]
    steps += _when(
        architecture.clone,
        [
            _argument(0),
            _step(_JUMP_ANY_BIT, _NAMESPACE_FLAGS, when_false=1),
            refuse,
        ],
    )
    steps += _when(architecture.ioctl, [_argument(1), *_unless_none_of(_TERMINAL_INPUT), refuse])
    sockets = [
        *(_argument(0), *_unless_one_of(families), _answer(errno.EAFNOSUPPORT)),
        *(_argument(2), *_unless_one_of(_PROTOCOLS), _answer(errno.EPROTONOSUPPORT)),
    ]
    for number in architecture.sockets:
        steps += _when(number, sockets)
    return b"".join([*steps, _ALLOWED])


def _when(number: int, steps: list[bytes]) -> list[bytes]:
    """Take these steps for one system call, which is allowed if none of them answers."""
    return [_step(_JUMP_EQUAL, number, when_false=len(steps) + 1), *steps, _ALLOWED]


def _unless_one_of(values: Sequence[int]) -> list[bytes]:
    """Skip the answer that follows where the word that was loaded is one of these."""
    left = range(len(values), 0, -1)
    return [_step(_JUMP_EQUAL, value, when_true=n) for value, n in zip(values, left, strict=True)]


def _unless_none_of(values: Sequence[int]) -> list[bytes]:
    """Skip the answer that follows where the word that was loaded is none of these."""
    left = range(len(values), 0, -1)
    tests = [_step(_JUMP_EQUAL, value, when_true=n) for value, n in zip(values, left, strict=True)]
    return [*tests, _step(_JUMP_AT_LEAST, 0, when_true=1)]


def _argument(index: int) -> bytes:
    """Load the low half of an argument; the kernel looks at no more of these."""
    return _step(_LOAD_WORD, _OFFSET_ARGUMENTS + index * _ARGUMENT_BYTES)


def _answer(code: int) -> bytes:
    return _step(_RETURN, _ANSWER_ERRNO | code)


def _step(operation: int, value: int, *, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("HBBI", operation, when_true, when_false, value)


_ALLOWED = _step(_RETURN, _ALLOW)
