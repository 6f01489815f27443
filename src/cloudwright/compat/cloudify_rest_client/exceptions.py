"""``cloudify_rest_client.exceptions``: why the manager refused something."""

from __future__ import annotations

from cloudwright.child.errors import RequestRefused

CloudifyClientError = RequestRefused


class BlueprintInUseError(CloudifyClientError):
    ERROR_CODE = "blueprint_in_use"


class DeploymentEnvironmentCreationInProgressError(CloudifyClientError):
    ERROR_CODE = "deployment_environment_creation_in_progress_error"


class DeploymentEnvironmentCreationPendingError(CloudifyClientError):
    ERROR_CODE = "deployment_environment_creation_pending_error"


class DeploymentModificationAlreadyEndedError(CloudifyClientError):
    ERROR_CODE = "deployment_modification_already_ended_error"


class DeploymentParentNotFound(CloudifyClientError):
    ERROR_CODE = "deployment_parent_not_found_error"


class DeploymentPluginNotFound(CloudifyClientError):
    ERROR_CODE = "deployment_plugin_not_found"


class ExistingStartedDeploymentModificationError(CloudifyClientError):
    ERROR_CODE = "existing_started_deployment_modification_error"


class ExpiredCloudifyLicense(CloudifyClientError):
    ERROR_CODE = "expired_cloudify_license"


class ForbiddenError(CloudifyClientError):
    ERROR_CODE = "forbidden_error"


class ForbiddenWhileCancelling(CloudifyClientError):
    ERROR_CODE = "forbidden_while_cancelling"


class FunctionsEvaluationError(CloudifyClientError):
    ERROR_CODE = "functions_evaluation_error"


class IllegalExecutionParametersError(CloudifyClientError):
    ERROR_CODE = "illegal_execution_parameters_error"


class IncompatibleClusterArchitectureError(CloudifyClientError):
    ERROR_CODE = "incompatible_cluster_architecture"


class InvalidExecutionUpdateStatus(CloudifyClientError):
    ERROR_CODE = "invalid_exception_status_update"


class InvalidFilterRule(CloudifyClientError):
    ERROR_CODE = "invalid_filter_rule"


class MaintenanceModeActivatingError(CloudifyClientError):
    ERROR_CODE = "entering_maintenance_mode"


class MaintenanceModeActiveError(CloudifyClientError):
    ERROR_CODE = "maintenance_mode_active"


class MissingCloudifyLicense(CloudifyClientError):
    ERROR_CODE = "missing_cloudify_license"


class MissingRequiredDeploymentInputError(CloudifyClientError):
    ERROR_CODE = "missing_required_deployment_input_error"


class NoSuchIncludeFieldError(CloudifyClientError):
    ERROR_CODE = "no_such_include_field_error"


class NotClusterMaster(CloudifyClientError):
    ERROR_CODE = "not_cluster_master"


class NotModifiedError(CloudifyClientError):
    ERROR_CODE = "not_modified"


class PluginInUseError(CloudifyClientError):
    ERROR_CODE = "plugin_in_use"


class PluginInstallationError(CloudifyClientError):
    ERROR_CODE = "plugin_installation_error"


class PluginInstallationTimeout(CloudifyClientError):
    ERROR_CODE = "plugin_installation_timeout"


class RemovedFromCluster(CloudifyClientError):
    ERROR_CODE = "removed_from_cluster"


class UnknownDeploymentInputError(CloudifyClientError):
    ERROR_CODE = "unknown_deployment_input_error"


class UnknownDeploymentSecretError(CloudifyClientError):
    ERROR_CODE = "unknown_deployment_secret_error"


class UnknownModificationStageError(CloudifyClientError):
    ERROR_CODE = "unknown_modification_stage_error"


class UnsupportedDeploymentGetSecretError(CloudifyClientError):
    ERROR_CODE = "unsupported_deployment_get_secret_error"


class UserUnauthorizedError(CloudifyClientError):
    ERROR_CODE = "unauthorized_error"


ERROR_MAPPING: dict[str, type[CloudifyClientError]] = {
    kind.ERROR_CODE: kind
    for kind in (
        BlueprintInUseError,
        DeploymentEnvironmentCreationInProgressError,
        DeploymentEnvironmentCreationPendingError,
        DeploymentModificationAlreadyEndedError,
        DeploymentParentNotFound,
        DeploymentPluginNotFound,
        ExistingStartedDeploymentModificationError,
        ExpiredCloudifyLicense,
        ForbiddenError,
        ForbiddenWhileCancelling,
        FunctionsEvaluationError,
        IllegalExecutionParametersError,
        IncompatibleClusterArchitectureError,
        InvalidExecutionUpdateStatus,
        InvalidFilterRule,
        MaintenanceModeActivatingError,
        MaintenanceModeActiveError,
        MissingCloudifyLicense,
        MissingRequiredDeploymentInputError,
        NoSuchIncludeFieldError,
        NotClusterMaster,
        NotModifiedError,
        PluginInUseError,
        PluginInstallationError,
        PluginInstallationTimeout,
        RemovedFromCluster,
        UnknownDeploymentInputError,
        UnknownDeploymentSecretError,
        UnknownModificationStageError,
        UnsupportedDeploymentGetSecretError,
        UserUnauthorizedError,
    )
}


def specific(error: RequestRefused) -> RequestRefused:
    """Return the same refusal, as the class that plugins catch."""
    kind = ERROR_MAPPING.get(error.error_code or "")
    if kind is None or isinstance(error, kind):
        return error
    return kind(error.message, error.server_traceback, error.status_code, error.error_code, error.response)


__all__ = [
    "ERROR_MAPPING",
    "BlueprintInUseError",
    "CloudifyClientError",
    "DeploymentEnvironmentCreationInProgressError",
    "DeploymentEnvironmentCreationPendingError",
    "DeploymentModificationAlreadyEndedError",
    "DeploymentParentNotFound",
    "DeploymentPluginNotFound",
    "ExistingStartedDeploymentModificationError",
    "ExpiredCloudifyLicense",
    "ForbiddenError",
    "ForbiddenWhileCancelling",
    "FunctionsEvaluationError",
    "IllegalExecutionParametersError",
    "IncompatibleClusterArchitectureError",
    "InvalidExecutionUpdateStatus",
    "InvalidFilterRule",
    "MaintenanceModeActivatingError",
    "MaintenanceModeActiveError",
    "MissingCloudifyLicense",
    "MissingRequiredDeploymentInputError",
    "NoSuchIncludeFieldError",
    "NotClusterMaster",
    "NotModifiedError",
    "PluginInUseError",
    "PluginInstallationError",
    "PluginInstallationTimeout",
    "RemovedFromCluster",
    "UnknownDeploymentInputError",
    "UnknownDeploymentSecretError",
    "UnknownModificationStageError",
    "UnsupportedDeploymentGetSecretError",
    "UserUnauthorizedError",
    "specific",
]
