"""``cloudify.workflows.workflow_context``."""

from cloudwright.workflow.context import DeploymentContext as WorkflowDeploymentContext
from cloudwright.workflow.context import WorkflowContext as CloudifyWorkflowContext
from cloudwright.workflow.decorators import task_config
from cloudwright.workflow.modification import Modification, ModificationNodes
from cloudwright.workflow.runtime import WorkflowRuntime as CloudifyWorkflowContextInternal
from cloudwright.workflow.topology import Topology as WorkflowNodesAndInstancesContainer
from cloudwright.workflow.topology import WorkflowNode as CloudifyWorkflowNode
from cloudwright.workflow.topology import WorkflowNodeInstance as CloudifyWorkflowNodeInstance
from cloudwright.workflow.topology import WorkflowRelationship as CloudifyWorkflowRelationship
from cloudwright.workflow.topology import (
    WorkflowRelationshipInstance as CloudifyWorkflowRelationshipInstance,
)

__all__ = [
    "CloudifyWorkflowContext",
    "CloudifyWorkflowContextInternal",
    "CloudifyWorkflowNode",
    "CloudifyWorkflowNodeInstance",
    "CloudifyWorkflowRelationship",
    "CloudifyWorkflowRelationshipInstance",
    "Modification",
    "ModificationNodes",
    "WorkflowDeploymentContext",
    "WorkflowNodesAndInstancesContainer",
    "task_config",
]
