"""What runs in a workflow's process: its function's context, its tasks and graphs; and the process's host.

Responsible for everything between the ``begin`` frame of a workflow's process and its ``end`` frame:
importing the function, giving it ``ctx``, running its tasks in order, retrying them, stopping when asked,
and continuing where an earlier process of the same execution stopped. The other side is
``manager.workflow_host``.

It has four layers. Each imports only those above it in this list:

* *data*: ``task_state``, ``task_result``, ``tasks``, the kinds of tasks (``inline_tasks``, ``local_tasks``,
  ``operation_task``), ``graph``, ``topology``. They know the workflow as ``protocols`` has it.
* *persistence*: ``graph_journal`` stores a graph as it runs, ``graph_restore`` makes it again.
* *execution*: ``retry_policy``, ``attempts``, ``graph_executor``.
* *surface*: ``runtime`` wires the three together behind ``context``, which the workflow's function gets.

What must always hold:

* Once a cancellation was read, no task starts that the workflow did not ask for in full knowledge of it.
* No thread polls: a thread that waits reads the channel, and a cancellation wakes everything that waits.
* An operation is sent only after everything that was journaled before it; what runs from before a resume is
  awaited, never sent twice.
* What an event costs does not depend on how large its graph is.
* A task's status changes by the verbs of its ``TaskState`` alone.
* A workflow's process sends exactly one ``end`` frame, last, whatever the user's code does short of dying.

It runs inside the environments of plugins: the standard library only.
"""
