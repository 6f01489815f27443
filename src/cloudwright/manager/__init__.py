"""The manager: starts, owns, cancels, resumes and recovers executions, and dispatches their operations.

What must always hold:

* every change of an execution's status is one guarded verb of ``storage.executions``; nothing here keeps a
  status of its own that could disagree with the row;
* an operation's process is forked only after its ``sent -> started`` was granted by the database;
* whatever this process holds in memory may vanish at any moment: ``reconcile_loop`` rebuilds it from the
  database, through the same path that starts any other execution;
* nothing that a user wrote runs in this process.

::

    api --> executions --(database, then bus)--> leases --> execution_runner --> workflow_host --> its process
                                                             |         ^
                                 workflow_journal (database) v         | what became of each operation
                 dispatcher: operation_queue (grant) -> workers (run) -> operation_recorder (record, report)
            reconcile_loop compares the database with what runs and corrects it; reconcile is its pure half
"""
