"""`cfy` on a real pseudo terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import termios
import time
from collections.abc import Callable

from cfy_command import CFY

SECONDS = 20.0
#: What moves on a terminal: movements and colours, the ends of lines, and text.
_PARTS = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+|\x1b")


class Terminal:
    """`cfy` on a terminal of 100 by 30; what it wrote is kept as it came."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self.raw = ""
        pid, self._master = pty.fork()
        if pid == 0:
            os.environ.update({"TERM": "xterm", "COLUMNS": "100", "LINES": "30", **environ})
            os.execv(CFY[0], [*CFY, *arguments])
        self.pid = pid
        self.code: int | None = None
        self.echoed_at_end = False

    @property
    def text(self) -> str:
        """Everything that was ever on the screen, without colours and movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw).replace("\r", "")

    @property
    def screen(self) -> str:
        """What is on the screen now."""
        lines, row, column = [""], 0, 0
        for part in _PARTS.finditer(self.raw):
            text, number, movement = part[0], part[1], part[2]
            if movement == "A":
                row = max(0, row - int(number or 1))
            elif movement == "K":
                lines[row] = "" if number == "2" else lines[row][:column]
            elif text == "\r":
                column = 0
            elif text == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif movement is None:
                lines[row] = lines[row].ljust(column)[:column] + text + lines[row][column + len(text) :]
                column += len(text)
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def press_ctrl_c(self) -> None:
        self.press("\x03")

    def echoes(self) -> bool:
        """Return whether what is typed is shown by the terminal itself."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def await_text(self, wanted: str) -> None:
        self._read_until(lambda: wanted in self.text)
        assert wanted in self.text, self.text

    def finish(self) -> int:
        self._read_until(lambda: False)
        _, status = os.waitpid(self.pid, 0)
        self.echoed_at_end = self.echoes()
        os.close(self._master)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.finish()

    def _read_until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not done():
            ready, _, _ = select.select([self._master], [], [], deadline - time.monotonic())
            assert ready, f"nothing more came:\n{self.text}"
            try:
                part = os.read(self._master, 65536)
            except OSError:
                return
            self.raw += part.decode("utf-8", "replace")
