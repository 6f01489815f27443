"""The only truth: executions, operations, deployments and events, over SQLite or PostgreSQL.

What must always hold:

* No result is returned before its transaction is committed, and no committed transaction is lost.
* The package ``executions`` alone writes an execution's status, by verbs that are guarded by the status and
  the term that they expect, and that say whether they applied.
* An operation becomes ``started`` only by ``operations.grant``, and only while its execution is ``started``
  or ``cancelling`` under the current term.
* A verb reads no clock, makes no identifier, and has no effect but on its connection: it may be run again.
"""
