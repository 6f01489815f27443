"""Timers by CLOCK_BOOTTIME, which goes on while the machine is suspended.

Nothing of this is loaded before a deadline is armed: only a manager that shares its database arms one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time

_CLOCK_BOOTTIME = 7
_TIMER_ABSTIME = 1
_TFD_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
_SIGEV_SIGNAL = 0


class _Sigevent(ctypes.Structure):
    _fields_ = [
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("padding", ctypes.c_char * 48),
    ]


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Itimerspec(ctypes.Structure):
    _fields_ = [("interval", _Timespec), ("value", _Timespec)]


def _library() -> ctypes.CDLL:
    own = ctypes.CDLL(None, use_errno=True)
    if hasattr(own, "timer_create"):
        return own
    # Before version 2.34 the C library kept it apart.
    return ctypes.CDLL("librt.so.1", use_errno=True)


_libc = _library()


def boottime() -> float:
    """Return the seconds since the machine was started, those included in which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class KillTimer:
    """Ends this process by SIGKILL when its time has come, even if it is stopped by then.

    A timer of the kernel: neither a stopped process nor a busy one can miss it. Children do not inherit it,
    and an ``exec`` ends it.
    """

    def __init__(self) -> None:
        self._timer = ctypes.c_void_p()
        event = _Sigevent(signo=int(signal.SIGKILL), notify=_SIGEV_SIGNAL)
        _check(_libc.timer_create(_CLOCK_BOOTTIME, ctypes.byref(event), ctypes.byref(self._timer)))

    def set(self, deadline: float) -> None:
        """End this process at ``deadline`` (seconds of ``boottime``), and at no earlier one."""
        spec = _at(deadline)
        _check(_libc.timer_settime(self._timer, _TIMER_ABSTIME, ctypes.byref(spec), None))


class Alarm:
    """A descriptor that is readable from a time on."""

    def __init__(self) -> None:
        self.fd: int = _check(_libc.timerfd_create(_CLOCK_BOOTTIME, _TFD_FLAGS))

    def set(self, deadline: float) -> None:
        """Be readable from ``deadline`` on (seconds of ``boottime``), and from no earlier time."""
        spec = _at(deadline)
        _check(_libc.timerfd_settime(self.fd, _TIMER_ABSTIME, ctypes.byref(spec), None))


def _at(deadline: float) -> _Itimerspec:
    # Nothing at all would disarm it: a time that has passed fires at once.
    seconds, nanoseconds = divmod(max(1, round(deadline * 1e9)), 1_000_000_000)
    return _Itimerspec(_Timespec(0, 0), _Timespec(seconds, nanoseconds))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
