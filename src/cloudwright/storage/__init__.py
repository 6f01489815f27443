"""The only truth: what executions, operations, deployments and events are, over SQLite or PostgreSQL.

What must always hold:

* Nothing is answered before it is committed, and nothing that was answered is lost.
* ``executions.py`` alone writes an execution's status, by verbs that are guarded by the status and the term
  that they expect, and that say whether they applied.
* An operation becomes ``started`` only by ``operations.grant``, and only while its execution is ``started``
  or ``cancelling`` under the current term.
* A verb reads no clock, makes no identifier, and has no effect but on its connection: it may be run again.
"""
