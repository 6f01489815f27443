"""Scripts as operations: found, run, listened to, and answered.

A script runs as a process of its own in the operation's process group, from a private copy. What it prints
becomes log lines, within bounds; what it asks with the ``ctx`` command is answered over a socket that only
this user can reach. The operation ends when the script itself ends, whatever it leaves running.
"""

from cloudwright.operation.scripts.run import run

__all__ = ["run"]
