"""The few system calls that the standard library does not offer, by number and by ctypes.

Everything in this package runs in the interpreter of a deployment, so it imports nothing but the
standard library. Calls raise OSError with the kernel's own errno.
"""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_CAPABILITIES_V3 = 0x20080522
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}


def checked(value: int, what: str) -> int:
    """Return a call's value; -1 becomes the OSError that it stands for."""
    if value == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return value


def syscall(number: int, *arguments: object) -> int:
    return checked(int(_libc.syscall(ctypes.c_long(number), *arguments)), f"system call {number}")


def prctl(option: int, first: int = 0, second: int | ctypes.c_void_p = 0) -> int:
    value = second if isinstance(second, ctypes.c_void_p) else ctypes.c_ulong(second)
    return checked(
        int(
            _libc.prctl(option, ctypes.c_ulong(first), value, ctypes.c_ulong(0), ctypes.c_ulong(0))
        ),
        f"prctl {option}",
    )


def unshare(flags: int) -> None:
    checked(int(_libc.unshare(flags)), "unshare")


def mount(source: str, target: str, *, kind: str, flags: int = 0, options: str = "") -> None:
    checked(
        int(
            _libc.mount(
                source.encode(),
                target.encode(),
                kind.encode(),
                ctypes.c_ulong(flags),
                options.encode(),
            )
        ),
        f"mount {target}",
    )


def die_with_parent(signal_number: int) -> None:
    """Ask for a signal when the thread that started this process ends."""
    prctl(_PR_SET_PDEATHSIG, signal_number)


def become_subreaper() -> None:
    """Become the parent of every orphan below this process."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """From here on no program that this process starts can gain a privilege (setuid, file caps)."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def stay_readable_to_itself() -> None:
    """Undo what a change of user does: hide `/proc/self` from the process itself."""
    prctl(_PR_SET_DUMPABLE, 1)


def drop_bounding_capabilities() -> None:
    """Make every capability unreachable, also for programs started later. Needs CAP_SETPCAP."""
    for capability in range(64):
        try:
            prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            return


def drop_capabilities() -> None:
    """Give up every capability that this process holds."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    syscall(_SYS_CAPSET[os.uname().machine], ctypes.byref(header), ctypes.byref(nothing))
