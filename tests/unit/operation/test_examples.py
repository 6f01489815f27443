"""The examples do what they show: their blueprints are valid, and their operations really run."""

from __future__ import annotations

import os
import signal
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from supervised import Operations, Supervised, instance

from cloudwright.dsl import parse_blueprint

EXAMPLES = Path(__file__).parents[3] / "examples"


class Site:
    """Runs the operations of a blueprint's nodes, one by one, as a workflow would."""

    def __init__(
        self, operations: Operations, example: str, inputs: dict[str, Any], counts: dict[str, int]
    ) -> None:
        self.operations = operations
        self.folder = EXAMPLES / example
        self.inputs = inputs
        self.plan = parse_blueprint(self.folder / "blueprint.yaml").to_json()
        self.nodes = {node["name"]: node for node in self.plan["nodes"]}
        self.instances = {
            f"{name}_{index}": instance(f"{name}_{index}", index=index)
            for name in self.nodes
            for index in range(1, counts.get(name, 1) + 1)
        }

    def evaluate(self, value: Any, node: dict[str, Any] | None = None) -> Any:
        match value:
            case {"get_input": name}:
                return self.inputs[name]
            case {"get_property": [name, key]}:
                described = node if name == "SELF" else self.nodes[name]
                assert described is not None
                return self.evaluate(described["properties"][key])
            case {"get_attribute": [name, key]}:
                return self.instances[f"{name}_1"]["runtime_properties"].get(key)
            case {"concat": parts}:
                return "".join(str(self.evaluate(part, node)) for part in parts)
            case dict():
                return {key: self.evaluate(item, node) for key, item in value.items()}
        return value

    def operation(self, node: str, name: str, **inputs: Any) -> dict[str, Any]:
        full = name if "." in name else f"cloudify.interfaces.lifecycle.{name}"
        operation = self.nodes[node]["operations"][full]
        return dict(operation) | {"inputs": operation["inputs"] | inputs}

    def start(self, operation: dict[str, Any], node: dict[str, Any], /, **more: Any) -> Supervised:
        begin = self.operations.begin(
            operation["operation"], self.evaluate(operation["inputs"], node), **more
        )
        begin["blueprint"]["path"] = str(self.folder)
        begin["plugin"]["path"] = [str(self.folder / "plugins")]
        return self.operations.start(begin)

    def run(self, id: str, operation: str, **inputs: Any) -> Supervised:
        """Run an operation of a node instance to its end."""
        node = self.nodes[self.instances[id]["node_id"]]
        done = self.start(
            self.operation(node["name"], operation, **inputs),
            node,
            node=node | {"properties": self.evaluate(node["properties"])},
            instance=self.instances[id],
        ).run()
        self._keep(done)
        return done

    def relate(self, source: str, target: str, type: str, operation: str) -> None:
        """Run an operation of a relationship, on its source's side."""
        node = self.nodes[self.instances[source]["node_id"]]
        [relationship] = [each for each in node["relationships"] if each["type"] == type]
        ends = {
            side: {"node": self.nodes[self.instances[id]["node_id"]], "instance": self.instances[id]}
            for side, id in (("source", source), ("target", target))
        }
        begin: dict[str, Any] = {**ends}
        begin["source"]["node"] = node | {"properties": self.evaluate(node["properties"])}
        full = f"cloudify.interfaces.relationship_lifecycle.{operation}"
        done = self.start(relationship["source_operations"][full], node, **begin).run()
        self._keep(done)

    def _keep(self, done: Supervised) -> None:
        assert done.end is not None
        assert done.end["outcome"] == "succeeded", (done.end["failure"], done.messages)
        for update in done.end["updates"]:
            self.instances[update["id"]]["runtime_properties"] = update["runtime_properties"]

    def output(self, name: str) -> Any:
        return self.evaluate((self.plan["outputs"] | self.plan["capabilities"])[name]["value"])


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()  # type: ignore[no-any-return]


def test_hello(operations: Operations) -> None:
    hello = Site(operations, "hello", {"name": "Ann"}, {})
    hello.run("greeting_1", "start")
    assert hello.output("message") == "Hello, Ann!"
    assert "Good bye. It was: Hello, Ann!" in hello.run("greeting_1", "stop").messages


@pytest.fixture
def site(operations: Operations) -> Site:
    inputs = {"title": "Our site", "pages": 2, "address": "127.0.0.1", "port": 0}
    return Site(operations, "web", inputs, {"page": 2})


def test_the_web_site_is_really_served_and_really_gone_again(site: Site) -> None:
    site.run("site_1", "create")
    for page in ("page_1", "page_2"):
        site.run(page, "create")
    site.run("server_1", "start")
    pid = site.instances["server_1"]["runtime_properties"]["pid"]
    try:
        assert any("answers 200" in message for message in site.run("server_1", "poststart").messages)
        assert "<h1>Our site</h1>" in read(site.output("url"))
        assert "page_1" not in read(site.output("url"))
        for page in ("page_1", "page_2"):
            site.relate("server_1", page, "web.relationships.links_to", "establish")
        front = read(site.output("front_page"))
        assert 'href="page_1.html"' in front
        assert 'href="page_2.html"' in front
        assert "Served by a machine near you." in read(f"{site.output('url')}page_2.html")
        site.relate("server_1", "page_1", "web.relationships.links_to", "unlink")
        assert "page_1" not in read(site.output("front_page"))
        # It has a session of its own, and lives on when its operation is over.
        assert os.getsid(pid) == pid
        site.run("server_1", "stop")
        with pytest.raises(OSError, match="refused"):
            read(site.output("front_page"))
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    folder = Path(site.instances["site_1"]["runtime_properties"]["folder"])
    site.run("page_1", "delete")
    assert [file.name for file in folder.glob("page*")] == ["page_2.html"]
    site.run("site_1", "delete")
    assert not folder.exists()
    assert not folder.parent.exists()
    assert "url" not in site.instances["server_1"]["runtime_properties"]
    # A second stop finds nothing to do.
    site.run("server_1", "stop")


def test_a_server_that_cannot_listen_says_why(site: Site) -> None:
    site.run("site_1", "create")
    node = site.nodes["server"]
    site.inputs["address"] = "192.0.2.1"  # an address that no machine has
    failed = site.start(
        site.operation("server", "start"), node, node=node, instance=site.instances["server_1"]
    ).run()
    assert "annot assign requested address" in failed.failure["message"]


def test_the_operations_of_the_cancellation_workflows(site: Site, operations: Operations) -> None:
    assert site.run("page_1", "web.interfaces.work.work", seconds=0).result == "done"
    site.run("page_1", "web.interfaces.work.mark")
    assert site.instances["page_1"]["runtime_properties"] == {"worked": 1, "marked": True}
    site.run("page_1", "web.interfaces.work.unmark")
    assert site.instances["page_1"]["runtime_properties"] == {"worked": 1}
    node = site.nodes["page"]
    work = site.start(site.operation("page", "web.interfaces.work.work", seconds=60), node)
    work.send({"type": "cancel", "mode": "cancel"})
    # Not done: a resumed execution runs it again.
    assert work.run().failure["kind"] == "OperationRetry"


def test_the_hanging_operation_survives_sigterm_and_nothing_else(site: Site) -> None:
    node = site.nodes["page"]
    hanging = site.start(site.operation("page", "web.interfaces.work.hang", seconds=600), node).run(
        until=lambda it: it.logs
    )
    os.killpg(hanging.pid, signal.SIGTERM)
    hanging.send({"type": "cancel", "mode": "kill"})
    assert os.waitpid(hanging.pid, os.WNOHANG) == (0, 0)
    os.killpg(hanging.pid, signal.SIGKILL)
    assert hanging.run().status == signal.SIGKILL
