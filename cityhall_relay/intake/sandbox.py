"""Lock the calling process in, for good: from here on it computes on what it holds and answers on what is open.

A document is parsed by a large C++ library, so the process that does it must be worthless to whoever takes it over. The
layers overlap on purpose; seccomp alone is indispensable, the others are used as far as this machine's kernel allows, and
`Isolation` says truthfully which ones hold. libseccomp is called through ctypes rather than declared as a dependency:
every Debian and Ubuntu has libseccomp.so.2, because apt itself depends on it.
"""

import ctypes
import errno
import os
import resource
from dataclasses import dataclass
from typing import ClassVar, Final

from cityhall_base.landlock import forbid_files
from cityhall_relay.intake.errors import SandboxUnavailableError

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000

# Tried in this order. The first is for ordinary users; the second for root where user namespaces are off; the third is
# what is left where a security module (Ubuntu's AppArmor) lets a user namespace exist without power inside it.
_NAMESPACES: Final = (
    (_CLONE_NEWUSER | _CLONE_NEWNET, ("user namespace", "network namespace")),
    (_CLONE_NEWNET, ("network namespace",)),
    (_CLONE_NEWUSER, ("user namespace",)),
)

_SCMP_ACT_ALLOW: Final = 0x7FFF0000
_SCMP_ACT_ERRNO_EPERM: Final = 0x00050000 | errno.EPERM
_SCMP_ACT_KILL_PROCESS: Final = 0x80000000
_SCMP_CMP_LE: Final = 3
_SCMP_CMP_GT: Final = 6
_SCMP_CMP_MASKED_EQ: Final = 7
_SCMP_FLTATR_CTL_TSYNC: Final = 4  # the filter holds for every thread, or loading it fails
_PROT_EXEC: Final = 4

# Reading and answering on what is open, memory, time, signals to itself, and the end. Nothing here names a file, another
# process or an address.
_ALLOWED: Final = (
    *("read", "readv", "pread64", "write", "writev", "lseek", "close", "fstat"),
    *("brk", "munmap", "madvise", "futex", "sched_yield", "getrandom"),
    *("clock_gettime", "clock_getres", "gettimeofday", "time"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("getpid", "gettid", "exit", "exit_group"),
)
_ALLOWED_WITHOUT_EXECUTION: Final = ("mmap", "mprotect")  # their third argument is the protection
_SIZES: Final = {"mmap": 1, "mremap": 2}  # which argument says how much memory is asked for


@dataclass(frozen=True)
class SandboxLimits:
    """Address space in bytes, including what the process holds already, and CPU time in seconds.

    A process that asks for more than `allocation_bytes` at once is killed (SIGSYS); less is given or not.
    """

    memory_bytes: int
    cpu_seconds: int
    allocation_bytes: int


@dataclass(frozen=True)
class Isolation:
    """The layers that hold, in the order in which they were put on."""

    layers: tuple[str, ...]


class _Comparison(ctypes.Structure):
    """libseccomp's `struct scmp_arg_cmp`."""

    _fields_: ClassVar = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    ]


_NOT_EXECUTABLE: Final = _Comparison(arg=2, op=_SCMP_CMP_MASKED_EQ, datum_a=_PROT_EXEC, datum_b=0)


def lock_down(limits: SandboxLimits) -> Isolation:
    """Give up everything that parsing does not need. There is no way back; call it in a process made for the purpose.

    Afterwards every file, socket, process and namespace call fails with EPERM, and only open descriptors can be used.
    Call it while the process has one thread, and after importing all it will ever need. Raises SandboxUnavailableError
    when seccomp cannot be installed: then nothing must be parsed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp = _load_libseccomp()
    layers = _enter_namespaces(libc)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        raise SandboxUnavailableError(os.strerror(ctypes.get_errno()))
    libc.prctl(_PR_SET_DUMPABLE, *map(ctypes.c_ulong, (0, 0, 0, 0)))
    layers += ("no new privileges", *(("landlock",) if forbid_files() else ()))
    _set_limits(limits)
    _install_filter(seccomp, limits.allocation_bytes)
    return Isolation((*layers, "resource limits", "seccomp"))


def _load_libseccomp() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError as error:
        raise SandboxUnavailableError(str(error)) from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_load.argtypes = (ctypes.c_void_p,)
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(_Comparison),
    )
    return library


def _enter_namespaces(libc: ctypes.CDLL) -> tuple[str, ...]:
    for flags, names in _NAMESPACES:
        if libc.unshare(flags) == 0:
            return names
    return ()


def _set_limits(limits: SandboxLimits) -> None:
    for kind, soft, hard in (
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),  # SIGXCPU, a second later SIGKILL
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _install_filter(library: ctypes.CDLL, allocation_bytes: int) -> None:
    context = library.seccomp_init(_SCMP_ACT_ERRNO_EPERM)
    if not context:
        raise SandboxUnavailableError("seccomp_init failed")
    _succeed(library.seccomp_attr_set(context, _SCMP_FLTATR_CTL_TSYNC, 1))
    for name in _ALLOWED:
        _add_rule(library, context, _SCMP_ACT_ALLOW, name)
    for name in (*_ALLOWED_WITHOUT_EXECUTION, "mremap"):
        conditions = [_NOT_EXECUTABLE] if name in _ALLOWED_WITHOUT_EXECUTION else []
        if name in _SIZES:
            size = _SIZES[name]
            conditions.append(_Comparison(arg=size, op=_SCMP_CMP_LE, datum_a=allocation_bytes))
            too_much = _Comparison(arg=size, op=_SCMP_CMP_GT, datum_a=allocation_bytes)
            _add_rule(library, context, _SCMP_ACT_KILL_PROCESS, name, too_much)
        _add_rule(library, context, _SCMP_ACT_ALLOW, name, *conditions)
    _succeed(library.seccomp_load(context))


def _add_rule(library: ctypes.CDLL, context: int, action: int, name: str, *conditions: _Comparison) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    array = (_Comparison * len(conditions))(*conditions)
    _succeed(library.seccomp_rule_add_array(context, action, number, len(conditions), array))


def _succeed(result: int) -> None:
    """libseccomp returns 0 or a negative errno."""
    if result != 0:
        raise SandboxUnavailableError(os.strerror(-result))
