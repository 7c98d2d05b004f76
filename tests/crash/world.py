"""Namespaces of the run's own: its mounts go with it, however it ends, and nobody else on this machine has its ports."""

import ctypes
import fcntl
import os
import socket
import struct
from typing import Final

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWNET: Final = 0x40000000
_MS_REC_PRIVATE: Final = 0x4000 | 0x40000

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_IFREQ: Final = struct.Struct("16sh14x")  # ifreq: name and flags (netdevice(7))


def enter() -> str:
    """Leave the machine's own, before any thread is started; returns why that was not possible, or nothing."""
    if os.geteuid() != 0:
        return "not started as root"
    libc = ctypes.CDLL(None, use_errno=True)
    for done in (
        libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET),
        libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC_PRIVATE), None),
    ):
        if done != 0:
            return f"no namespaces: {os.strerror(ctypes.get_errno())}"
    _loopback_up()
    return ""


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        _name, flags = _IFREQ.unpack(fcntl.ioctl(sock, _SIOCGIFFLAGS, _IFREQ.pack(b"lo", 0)))
        fcntl.ioctl(sock, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))
