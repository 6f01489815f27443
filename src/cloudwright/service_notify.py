"""What this process reports to a service manager such as systemd (the protocol of `sd_notify`).

NOTIFY_SOCKET names the socket. Children of this process do not see it: they have nothing to say there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import MutableMapping


class ServiceNotifier:
    """Tells the service manager that started this process its state; does nothing if there is none."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        # An abstract socket is written with an @.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        microseconds, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        is_meant = microseconds.isdigit() and pid in ("", str(os.getpid()))
        #: Seconds within which the service manager wants a sign of life; 0 if it wants none.
        self.watchdog = int(microseconds) / 1e6 if is_meant and self._address else 0.0

    def tell(self, *assignments: str) -> None:
        """Send `READY=1` and the like. A service manager that is not there is no reason to fail."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.connect(self._address)
            sending.send("\n".join(assignments).encode())

    async def keep_alive(self) -> None:
        """Give a sign of life for as long as the event loop runs: one that hangs is restarted."""
        while self.watchdog:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 3)
