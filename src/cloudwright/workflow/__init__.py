"""What a workflow function sees and does: its context, tasks and graphs, its process, and the process's
host.

Responsible for everything between the ``begin`` frame of a workflow's process and its ``end`` frame:
importing the function, giving it ``ctx``, running its tasks in order, retrying them, stopping when asked,
and going on where an earlier process of the same execution stopped. ``host`` and ``journal`` are the other
side: they run inside the manager.

What must always hold:

* Once a cancellation was read, no task starts that the workflow did not ask for in full knowledge of it.
* Nobody polls: whoever waits reads the channel, and a cancellation wakes everything that waits.
* An operation is sent only after everything that was said before it; what runs from before a resume is
  awaited, never sent twice.
* What an event costs does not depend on how large its graph is.
* A workflow's process sends exactly one ``end`` frame, last, whatever the user's code does short of dying.

All but ``host`` and ``journal`` run inside the environments of plugins: the standard library only.
"""
