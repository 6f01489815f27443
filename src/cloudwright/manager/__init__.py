"""What a manager does: start, own, cancel, resume and recover executions, and hand out their operations.

What must always hold:

* every change of an execution's status is one guarded verb of ``storage.executions``; nothing here keeps a
  status of its own that could disagree with the row;
* an operation's process is forked only after its ``sent -> started`` was granted by the database;
* whatever this process holds in memory may vanish at any moment: ``reconcile_loop`` rebuilds it from the
  database, through the same path that starts any other execution;
* nothing that a user wrote runs in this process.

::

    api --> executions --(database, then bus)--> execution_runner --> workflow.host --> workflow process
                                                  |            ^
                        workflow_journal (database)  v            |  what became of each operation
                                                dispatch --> process.runner --> operation process
            reconcile_loop compares the database with what runs and corrects it; reconcile is its pure half
"""
