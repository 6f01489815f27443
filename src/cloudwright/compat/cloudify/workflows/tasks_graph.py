"""``cloudify.workflows.tasks_graph``."""

from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.tasks import SubgraphTask, TaskSequence, forkjoin

__all__ = ["SubgraphTask", "TaskDependencyGraph", "TaskSequence", "forkjoin", "make_or_get_graph"]
