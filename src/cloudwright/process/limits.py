"""How long processes may take to leave and to die (seconds)."""

from __future__ import annotations

#: For a process to leave after its ``end`` frame.
LEAVE_SECONDS = 2.0
#: For processes to be gone after SIGKILL, before the kill has failed.
DEATH_SECONDS = 5.0
#: For a process to live on after it closed its end of the channel.
HANG_UP_SECONDS = 2.0
#: For a zygote that was closed to kill its children and end.
CLOSE_SECONDS = 10.0
#: For a child's own process to end by itself after all others of its tree, at a SIGTERM.
ALONE_SECONDS = 1.0
