"""Executions: the package that writes their status, and nothing else does.

Every UPDATE is guarded by the statuses from which ``model.execution.TRANSITIONS`` allows it, and by the
owner's term if there is an owner; a verb's result says whether it applied. Every end goes through
``ending.end``: the final status, the revocation of what has not started, the event and the next execution of
the deployment are one transaction. Queries are in ``storage.manager_queries``.
"""
