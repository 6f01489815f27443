"""``cloudify_rest_client.responses``."""

from cloudwright.child.rest import Metadata, Pagination
from cloudwright.child.rest import Records as ListResponse

__all__ = ["DeletedResponse", "ListResponse", "Metadata", "Pagination"]


class DeletedResponse:
    """How many were ``deleted``."""

    def __init__(self, deleted: int) -> None:
        self.deleted = deleted
