"""``cloudify_rest_client.exceptions``: why the manager refused something."""

from __future__ import annotations

from cloudwright.child.errors import RequestRefused

__all__ = [
    "BlueprintInUseError",
    "CloudifyClientError",
    "DeploymentEnvironmentCreationInProgressError",
    "DeploymentEnvironmentCreationPendingError",
    "DeploymentParentNotFound",
    "DeploymentPluginNotFound",
    "ForbiddenError",
    "FunctionsEvaluationError",
    "IllegalExecutionParametersError",
    "InvalidFilterRule",
    "MissingRequiredDeploymentInputError",
    "PluginInUseError",
    "UnknownDeploymentInputError",
    "UnknownDeploymentSecretError",
    "UserUnauthorizedError",
]

CloudifyClientError = RequestRefused


class BlueprintInUseError(CloudifyClientError):
    ERROR_CODE = "blueprint_in_use"


class DeploymentEnvironmentCreationInProgressError(CloudifyClientError):
    ERROR_CODE = "deployment_environment_creation_in_progress_error"


class DeploymentEnvironmentCreationPendingError(CloudifyClientError):
    ERROR_CODE = "deployment_environment_creation_pending_error"


class DeploymentParentNotFound(CloudifyClientError):
    ERROR_CODE = "deployment_parent_not_found_error"


class DeploymentPluginNotFound(CloudifyClientError):
    ERROR_CODE = "deployment_plugin_not_found"


class ForbiddenError(CloudifyClientError):
    ERROR_CODE = "forbidden_error"


class FunctionsEvaluationError(CloudifyClientError):
    ERROR_CODE = "functions_evaluation_error"


class ForbiddenWhileCancelling(CloudifyClientError):
    ERROR_CODE = "forbidden_while_cancelling"


class IllegalExecutionParametersError(CloudifyClientError):
    ERROR_CODE = "illegal_execution_parameters_error"


class InvalidFilterRule(CloudifyClientError):
    ERROR_CODE = "invalid_filter_rule"


class MissingRequiredDeploymentInputError(CloudifyClientError):
    ERROR_CODE = "missing_required_deployment_input_error"


class PluginInUseError(CloudifyClientError):
    ERROR_CODE = "plugin_in_use"


class UserUnauthorizedError(CloudifyClientError):
    ERROR_CODE = "unauthorized_error"


class UnknownDeploymentInputError(CloudifyClientError):
    ERROR_CODE = "unknown_deployment_input_error"


class UnknownDeploymentSecretError(CloudifyClientError):
    ERROR_CODE = "unknown_deployment_secret_error"


_BY_CODE: dict[str, type[CloudifyClientError]] = {
    kind.ERROR_CODE: kind
    for kind in (
        BlueprintInUseError,
        DeploymentEnvironmentCreationInProgressError,
        DeploymentEnvironmentCreationPendingError,
        DeploymentParentNotFound,
        DeploymentPluginNotFound,
        ForbiddenError,
        ForbiddenWhileCancelling,
        FunctionsEvaluationError,
        IllegalExecutionParametersError,
        InvalidFilterRule,
        MissingRequiredDeploymentInputError,
        PluginInUseError,
        UserUnauthorizedError,
        UnknownDeploymentInputError,
        UnknownDeploymentSecretError,
    )
}


def specific(error: RequestRefused) -> RequestRefused:
    """The same refusal, as the class that plugins catch."""
    kind = _BY_CODE.get(error.error_code or "")
    if kind is None:
        return error
    return kind(error.message, error.server_traceback, error.status_code, error.error_code, error.response)
