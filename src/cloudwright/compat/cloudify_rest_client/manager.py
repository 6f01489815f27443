"""``cloudify_rest_client.manager``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, page, request


class ConfigItem(Record):
    pass


class ManagerItem(Record):
    pass


class DBNodeItem(Record):
    pass


class RabbitMQBrokerItem(Record):
    pass


class ManagerClient(Resource):
    @request("POST /brokers", RabbitMQBrokerItem)
    def add_broker(self, name, address, port=None, networks=None): ...

    @request("POST /managers", ManagerItem, if_set=("fs_sync_node_id",))
    def add_manager(
        self,
        hostname,
        private_ip,
        public_ip,
        version,
        edition,
        distribution,
        distro_release,
        ca_cert_content=None,
        fs_sync_node_id="",
        networks=None,
    ): ...

    @request("POST /provider/context", dict)
    def create_context(self, name, context): ...

    @request("GET /brokers", [RabbitMQBrokerItem])
    def get_brokers(self): ...

    def get_config(self, name=None, scope=None):
        """Return one setting by its name, or a page of all, or of all of a scope."""
        if name:
            return ConfigItem(self.api.get(f"/config/{scope}.{name}" if scope else f"/config/{name}"))
        return page(self.api.get("/config", params={"scope": scope} if scope else {}), ConfigItem)

    @request("GET /provider/context", dict)
    def get_context(self, _include=None): ...

    @request("GET /db-nodes", [DBNodeItem])
    def get_db_nodes(self): ...

    @request("GET /managers", [ManagerItem])
    def get_managers(self, hostname=None, _include=None): ...

    @request("GET /status", dict)
    def get_status(self): ...

    def get_version(self):
        return Record(self.api.get("/version"))

    @request("PUT /config/{name}", ConfigItem)
    def put_config(self, name, value, force=False): ...

    @request("DELETE /brokers/{name}")
    def remove_broker(self, name): ...

    @request("DELETE /managers/{hostname}")
    def remove_manager(self, hostname): ...

    @request("PUT /brokers/{name}", RabbitMQBrokerItem)
    def update_broker(self, name, networks): ...

    @request("POST /provider/context?update=true", dict)
    def update_context(self, name, context): ...

    @request("POST /db-nodes", [DBNodeItem], fixed={"action": "update"})
    def update_db_nodes(self): ...

    @request("PUT /managers/{hostname}", ManagerItem)
    def update_manager(self, hostname, fs_sync_node_id, bootstrap_cluster): ...
