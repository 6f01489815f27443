"""``ctx``: what an operation knows about itself, and what it can do; a module for each part of it."""

from __future__ import annotations

from cloudwright.operation.context.agent import AgentContext as AgentContext
from cloudwright.operation.context.capabilities import ContextCapabilities as ContextCapabilities
from cloudwright.operation.context.context import DEPLOYMENT as DEPLOYMENT
from cloudwright.operation.context.context import NODE_INSTANCE as NODE_INSTANCE
from cloudwright.operation.context.context import RELATIONSHIP_INSTANCE as RELATIONSHIP_INSTANCE
from cloudwright.operation.context.context import Context as Context
from cloudwright.operation.context.deployment import BlueprintContext as BlueprintContext
from cloudwright.operation.context.deployment import BootstrapContext as BootstrapContext
from cloudwright.operation.context.deployment import DeploymentContext as DeploymentContext
from cloudwright.operation.context.instance import NodeInstanceContext as NodeInstanceContext
from cloudwright.operation.context.instance import RelationshipContext as RelationshipContext
from cloudwright.operation.context.instance import RelationshipSubjectContext as RelationshipSubjectContext
from cloudwright.operation.context.node import NodeContext as NodeContext
from cloudwright.operation.context.operation import OperationContext as OperationContext
from cloudwright.operation.context.operation import PluginContext as PluginContext
