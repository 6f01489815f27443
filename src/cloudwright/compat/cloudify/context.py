"""``cloudify.context``."""

from cloudwright.operation.context import (
    DEPLOYMENT,
    NODE_INSTANCE,
    RELATIONSHIP_INSTANCE,
    AgentContext,
    BlueprintContext,
    BootstrapContext,
    Context,
    ContextCapabilities,
    DeploymentContext,
    NodeContext,
    NodeInstanceContext,
    OperationContext,
    PluginContext,
    RelationshipContext,
    RelationshipSubjectContext,
)
from cloudwright.operation.properties import ImmutableProperties

CloudifyContext = Context
CommonContext = Context
CloudifyAgentContext = AgentContext

__all__ = [
    "DEPLOYMENT",
    "NODE_INSTANCE",
    "RELATIONSHIP_INSTANCE",
    "BlueprintContext",
    "BootstrapContext",
    "CloudifyAgentContext",
    "CloudifyContext",
    "CommonContext",
    "ContextCapabilities",
    "DeploymentContext",
    "ImmutableProperties",
    "NodeContext",
    "NodeInstanceContext",
    "OperationContext",
    "PluginContext",
    "RelationshipContext",
    "RelationshipSubjectContext",
]
