"""``cloudify.models_states``: the names of states."""


class DeploymentModificationState:
    STARTED = "started"
    FINISHED = "finished"
    ROLLEDBACK = "rolledback"
    STATES = ["started", "finished", "rolledback"]
    END_STATES = ["finished", "rolledback"]


class SnapshotState:
    CREATED = "created"
    FAILED = "failed"
    CREATING = "creating"
    UPLOADED = "uploaded"
    STATES = ["created", "failed", "creating", "uploaded"]
    END_STATES = ["created", "failed", "uploaded"]


class LogBundleState:
    CREATED = "created"
    FAILED = "failed"
    CREATING = "creating"
    UPLOADED = "uploaded"
    STATES = ["created", "failed", "creating", "uploaded"]
    END_STATES = ["created", "failed", "uploaded"]


class ExecutionState:
    TERMINATED = "terminated"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PENDING = "pending"
    STARTED = "started"
    CANCELLING = "cancelling"
    FORCE_CANCELLING = "force_cancelling"
    KILL_CANCELLING = "kill_cancelling"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    STATES = [
        "terminated",
        "failed",
        "cancelled",
        "pending",
        "started",
        "cancelling",
        "force_cancelling",
        "kill_cancelling",
        "queued",
        "scheduled",
    ]
    WAITING_STATES = ["scheduled", "queued"]
    QUEUED_STATE = ["queued"]
    END_STATES = ["terminated", "failed", "cancelled"]
    IN_PROGRESS_STATES = ["pending", "started", "cancelling", "force_cancelling", "kill_cancelling"]
    ACTIVE_STATES = ["pending", "started", "cancelling", "force_cancelling", "kill_cancelling"]


class DeploymentState:
    ACTIVE = "active"
    INACTIVE = "inactive"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GOOD = "good"
    REQUIRE_ATTENTION = "requires_attention"
    EXECUTION_STATES_SUMMARY = {
        "terminated": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
        "pending": "in_progress",
        "started": "in_progress",
        "cancelling": "in_progress",
        "force_cancelling": "in_progress",
        "kill_cancelling": "in_progress",
        "queued": "in_progress",
    }


class VisibilityState:
    PRIVATE = "private"
    TENANT = "tenant"
    GLOBAL = "global"
    STATES = ["private", "tenant", "global"]


class AgentState:
    CREATING = "creating"
    CREATED = "created"
    CONFIGURING = "configuring"
    CONFIGURED = "configured"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETING = "deleting"
    DELETED = "deleted"
    RESTARTING = "restarting"
    RESTARTED = "restarted"
    RESTORED = "restored"
    UPGRADING = "upgrading"
    UPGRADED = "upgraded"
    NONRESPONSIVE = "nonresponsive"
    FAILED = "failed"
    STATES = [
        "creating",
        "created",
        "configuring",
        "configured",
        "starting",
        "started",
        "stopping",
        "stopped",
        "deleting",
        "deleted",
        "restarting",
        "restarted",
        "upgrading",
        "upgraded",
        "failed",
        "nonresponsive",
        "restored",
    ]


class PluginInstallationState:
    PENDING = "pending-install"
    INSTALLING = "installing"
    INSTALLED = "installed"
    ERROR = "error"
    PENDING_UNINSTALL = "pending-uninstall"
    UNINSTALLING = "uninstalling"
    UNINSTALLED = "uninstalled"


class BlueprintUploadState:
    PENDING = "pending"
    VALIDATING = "validating"
    UPLOADING = "uploading"
    EXTRACTING = "extracting"
    PARSING = "parsing"
    UPLOADED = "uploaded"
    FAILED_UPLOADING = "failed_uploading"
    FAILED_EXTRACTING = "failed_extracting"
    FAILED_PARSING = "failed_parsing"
    FAILED_EXTRACTING_TO_FILE_SERVER = "failed_extracting_to_file_server"
    INVALID = "invalid"
    FAILED_STATES = [
        "failed_uploading",
        "failed_extracting",
        "failed_parsing",
        "failed_extracting_to_file_server",
        "invalid",
    ]
    END_STATES = [
        "failed_uploading",
        "failed_extracting",
        "failed_parsing",
        "failed_extracting_to_file_server",
        "invalid",
        "uploaded",
    ]
    STATES = [
        "failed_uploading",
        "failed_extracting",
        "failed_parsing",
        "failed_extracting_to_file_server",
        "invalid",
        "uploaded",
        "pending",
        "uploading",
        "extracting",
        "parsing",
    ]
