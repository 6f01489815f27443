"""What scripts do with the secrets of the real REST client; run by its interpreter. Prints `ok`."""

import sys

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
secrets = client.secrets


def refused(status, code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert (error.status_code, error.error_code) == (status, code), error


made = secrets.create("word", "one")
assert (made.key, made.value, made.visibility, made.tenant_name) == ("word", None, "tenant", "default_tenant")
refused(409, "conflict_error", secrets.create, "word", "two")
assert secrets.create("word", "two", update_if_exists=True).key == "word"
assert secrets.get("word").value == "two"
assert secrets.update("word", "three", is_hidden_value=True).is_hidden_value is True
assert secrets.get("word").value == "three"
assert secrets.update("word", visibility="private").visibility == "private"
assert secrets.set_visibility("word", "tenant")["visibility"] == "tenant"
assert secrets.set_global("word")["visibility"] == "global"
document = secrets.create("document", {"a": [1]}, schema={"type": "object"})
assert document.schema == {"type": "object"}
assert secrets.get("document").value == {"a": [1]}
refused(400, "bad_parameters_error", secrets.create, "list", {"a": 1}, schema={"type": "array"})
refused(404, "not_found_error", secrets.get, "nothing")

listed = secrets.list(sort="key", is_descending=True)
assert [secret.key for secret in listed] == ["word", "document"]
assert not any("value" in secret for secret in listed)
assert secrets.list(_search="wor", _size=1).metadata.pagination.total == 1
rule = {"key": "key", "values": ["word"], "operator": "any_of", "type": "attribute"}
assert [secret.key for secret in secrets.list(filter_rules=[rule])] == ["word"]
assert [secret.key for secret in secrets.list(constraints={"valid_values": ["document"]})] == ["document"]

exported = secrets.export(_passphrase="sesame", _search="word")
assert [(item["key"], item["encrypted"]) for item in exported] == [("word", True)]
secrets.delete("word")
done = secrets.import_secrets(exported, passphrase="sesame")
assert done == {"colliding_secrets": {}, "secrets_errors": {}}, done
assert secrets.get("word").value == "three"
done = secrets.import_secrets(exported, passphrase="wrong", override_collisions=True)
assert list(done["secrets_errors"]) == ["0"]
dumped = list(secrets.dump())
assert {item["creator"] for item in dumped} == {"admin"}

providers = client.secrets_providers
code = "unsupported_secrets_provider_error"
refused(400, code, secrets.create, "far", None, provider_name="vault")
refused(400, code, providers.list)
refused(400, code, providers.get, "vault")
refused(400, code, providers.create, "vault", "vault")
refused(400, code, providers.update, "vault", "vault", {})
refused(400, code, providers.delete, "vault")
refused(400, code, providers.check, "vault")
for key in ("word", "document"):
    secrets.delete(key)
refused(404, "not_found_error", secrets.delete, "word")
print("ok")
