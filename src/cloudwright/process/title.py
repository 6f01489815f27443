"""What /proc shows of a zygote and its children: the names by which whoever looks knows whose they are."""

from __future__ import annotations

import ctypes

#: In the environment of every child, and of what it runs: its name, and the number of its process group.
CHILD_VARIABLE = "CLOUDWRIGHT_CHILD"
GROUP_VARIABLE = "CLOUDWRIGHT_GROUP"
#: The most bytes that a child's name may have.
MAX_NAME = 128
#: A forked process shows in /proc the environment that its zygote was started with. So a zygote is started
#: with these, and every child writes its own values over them.
PLACEHOLDERS = {CHILD_VARIABLE: " " * MAX_NAME, GROUP_VARIABLE: " " * 10}


class Title:
    """The memory that /proc shows as this process's command line and environment."""

    def __init__(self) -> None:
        with open("/proc/self/stat", "rb") as stat:
            # The fields after the command's name, which is in parentheses and may hold anything.
            fields = stat.read().rpartition(b")")[2].split()
        self._arguments, arguments_end, environment, environment_end = (int(field) for field in fields[45:49])
        self._room = arguments_end - self._arguments
        shown = ctypes.string_at(environment, environment_end - environment)
        self._variables = {
            name: environment + shown.index(f"{name}={value}".encode()) + len(name) + 1
            for name, value in PLACEHOLDERS.items()
        }

    def show(self, title: str) -> None:
        """Show ``title`` as the command line."""
        ctypes.memmove(self._arguments, title.encode()[: self._room - 1].ljust(self._room, b"\0"), self._room)

    def mark(self, values: dict[str, str]) -> None:
        """Show ``values`` in place of the placeholders."""
        for name, value in values.items():
            room = len(PLACEHOLDERS[name])
            ctypes.memmove(self._variables[name], value.encode()[:room].ljust(room, b"\0"), room)
