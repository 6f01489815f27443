"""Keys that are pressed while a command shows something on a terminal."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def heard_keys(heard: Callable[[str], None]) -> Iterator[None]:
    """Call ``heard`` in a thread for each key; Ctrl-C stays a signal. Does nothing unless this is a terminal
    that this process may read.
    """
    if not _may_read():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    ended, end = os.pipe()
    # Without an echo: a key would be written into the picture. What was pressed before is kept.
    tty.setcbreak(descriptor, termios.TCSADRAIN)
    thread = threading.Thread(target=_listen, args=(descriptor, ended, heard), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(end)
        thread.join()
        os.close(ended)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _may_read() -> bool:
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _listen(descriptor: int, ended: int, heard: Callable[[str], None]) -> None:
    while True:
        ready, _, _ = select.select([descriptor, ended], [], [])
        if ended in ready:
            return
        try:
            pressed = os.read(descriptor, 1024)
        except OSError:
            return
        if not pressed:
            return
        for key in pressed.decode("utf-8", "replace"):
            heard(key)
