"""What /proc shows of a zygote and its children: names that show to which manager they belong."""

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


class ProcTitle:
    """The memory that /proc shows as this process's command line and environment."""

    def __init__(self) -> None:
        with open("/proc/self/stat", "rb") as stat:
            # The fields after the command's name, which is in parentheses and may hold anything.
            fields = stat.read().rpartition(b")")[2].split()
        arguments, arguments_end, environment, environment_end = (int(field) for field in fields[45:49])
        self._arguments = _memory(arguments, arguments_end - arguments)
        shown = ctypes.string_at(environment, environment_end - environment)
        self._name, self._group = (
            _memory(environment + shown.index(f"{name}={value}".encode()) + len(name) + 1, len(value))
            for name, value in PLACEHOLDERS.items()
        )

    def show(self, title: str) -> None:
        """Show ``title`` as the command line."""
        room = len(self._arguments)
        self._arguments[:] = title.encode()[: room - 1].ljust(room, b"\0")

    def mark(self, name: str, group: str) -> None:
        """Show a child's ``name`` and the number of its ``group`` in place of the placeholders."""
        self._name[:] = name.encode().ljust(MAX_NAME, b"\0")
        self._group[:] = group.encode().ljust(len(self._group), b"\0")


def _memory(address: int, size: int) -> memoryview:
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")
