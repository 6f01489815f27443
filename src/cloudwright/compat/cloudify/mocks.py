"""``cloudify.mocks``: contexts for the tests of plugins, without a manager and without a process."""

from __future__ import annotations

import logging
from typing import Any

from cloudwright.compat.cloudify.utils import setup_logger
from cloudwright.operation.context import BootstrapContext, Context, ContextCapabilities, OperationContext

__all__ = [
    "MockCloudifyContext",
    "MockContext",
    "MockNodeContext",
    "MockNodeInstanceContext",
    "MockRelationshipContext",
    "MockRelationshipSubjectContext",
]


class MockRelationshipSubjectContext:
    def __init__(self, node: Any, instance: Any) -> None:
        self.node = node
        self.instance = instance


class MockRelationshipContext:
    def __init__(self, target: Any, type: str | None = None) -> None:
        self.target = target
        self.type = type


class MockNodeInstanceContext:
    """Tests set what it shows by its private names, too."""

    def __init__(
        self,
        id: str | None = None,
        runtime_properties: dict[str, Any] | None = None,
        relationships: list[Any] | None = None,
        index: int | None = None,
    ) -> None:
        self._id = id
        self._runtime_properties = runtime_properties
        self._relationships = relationships if relationships is not None else []
        self._index = index or 0

    @property
    def id(self) -> str | None:
        return self._id

    @property
    def runtime_properties(self) -> Any:
        return self._runtime_properties

    @property
    def relationships(self) -> list[Any]:
        return self._relationships

    @property
    def index(self) -> int:
        return self._index

    def update(self, on_conflict: Any = None) -> None:
        """There is nowhere to store anything."""

    def refresh(self, force: bool = False) -> None:
        """There is nothing stored."""


class MockNodeContext:
    """Tests set what it shows by its private names, too."""

    def __init__(
        self, id: str | None = None, properties: dict[str, Any] | None = None, type: str | None = None
    ) -> None:
        self._id = id
        self._properties = properties
        self._type = type

    @property
    def id(self) -> str | None:
        return self._id

    @property
    def name(self) -> str | None:
        return self._id

    @property
    def properties(self) -> Any:
        return self._properties

    @property
    def type(self) -> str | None:
        return self._type


class MockContext(dict[str, Any]):
    """Its values are its attributes, too."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        super().__init__(values or {})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _NoSupervisor:
    """What a mock context has in a supervisor's place."""

    def call(self, method: str, /, **args: Any) -> Any:
        raise RuntimeError(
            f"A mock context has no manager to ask (`{method}` was asked): patch what asks it."
        )

    def event(self, message: str, event_type: str) -> None:
        """Discards the event."""

    def cancel_requested(self) -> bool:
        return False


class MockCloudifyContext(Context):
    """A context with what the test gives it."""

    def __init__(
        self,
        node_id: str | None = None,
        node_name: str | None = None,
        node_type: str | None = None,
        blueprint_id: str | None = None,
        deployment_id: str | None = None,
        execution_id: str | None = None,
        properties: dict[str, Any] | None = None,
        runtime_properties: dict[str, Any] | None = None,
        relationships: list[Any] | None = None,
        capabilities: ContextCapabilities | None = None,
        related: Any = None,
        source: Any = None,
        target: Any = None,
        operation: Any = None,
        resources: dict[str, Any] | None = None,
        tenant: dict[str, Any] | None = None,
        rest_token: str | None = None,
        provider_context: dict[str, Any] | None = None,
        bootstrap_context: BootstrapContext | None = None,
        config: list[Any] | None = None,
        brokers: list[Any] | None = None,
        managers: list[Any] | None = None,
        index: int | None = None,
    ) -> None:
        begin = {
            "blueprint": {"id": blueprint_id},
            "deployment": {"id": deployment_id},
            "execution": {"id": execution_id},
            "tenant": tenant or {},
        }
        super().__init__(begin, _NoSupervisor())  # type: ignore[arg-type]
        if isinstance(operation, dict):
            self._operation = OperationContext(operation)
        elif operation is not None:
            self._operation = operation
        self._properties = properties or {}
        self._runtime_properties = runtime_properties if runtime_properties is not None else {}
        self._mock_resources = resources or {}
        self._related = related
        self._provider_context = provider_context or {}
        self._bootstrap_context = bootstrap_context or BootstrapContext({})
        self._config = config or []
        self._mock_context_logger = setup_logger("mock-context-logger")
        self._source = MockContext({"instance": None, "node": None}) if source is None and target else source
        self._target = target
        self._capabilities = capabilities
        if node_id:
            self._node = MockNodeContext(node_name, self._properties, node_type)
            self._instance = MockNodeInstanceContext(node_id, self._runtime_properties, relationships, index)
            self._capabilities = capabilities or ContextCapabilities(self._instance)

    @property
    def capabilities(self) -> Any:
        return self._capabilities

    @property
    def logger(self) -> logging.Logger:
        return self._mock_context_logger

    @property
    def provider_context(self) -> dict[str, Any]:
        return self._provider_context

    @property
    def bootstrap_context(self) -> BootstrapContext:
        return self._bootstrap_context

    def get_config(self, scope: str | None = None, name: str | None = None) -> list[Any]:  # type: ignore[override]
        return self._config

    def get_resource(self, resource_path: str) -> Any:
        if resource_path not in self._mock_resources:
            raise RuntimeError(
                f"The test gave no resource `{resource_path}`; it gave {list(self._mock_resources)}."
            )
        return self._mock_resources[resource_path]

    def download_resource(self, resource_path: str, target_path: str | None = None) -> Any:
        if target_path:
            raise RuntimeError("A mock context cannot download a resource to a path that is given.")
        return self.get_resource(resource_path)

    def __contains__(self, key: str) -> bool:
        return key in self._properties or key in self._runtime_properties

    def __getitem__(self, key: str) -> Any:
        return self._properties[key] if key in self._properties else self._runtime_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._runtime_properties[key] = value
