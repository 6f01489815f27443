"""The probe blueprint: one node, whose operation says to a datagram socket that it runs, and then sleeps.

Its workflows are ``tell`` (one such operation), ``two`` (a graph of two, the second of which waits for the
first), ``chatter`` (events that hold the time at which they were sent) and ``talk`` (an operation that logs
many lines). ``two`` says its process's id too.
"""

from __future__ import annotations

from pathlib import Path

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs: {ear: {type: string}}
plugins:
  probe: {executor: central_deployment_agent, source: probe}
node_templates:
  node:
    type: cloudify.nodes.Root
    interfaces:
      probe:
        tell:
          implementation: probe.probe.tell
          inputs: {ear: {get_input: ear}, seconds: 0}
        log:
          implementation: probe.probe.log
          inputs: {ear: {get_input: ear}, lines: 0}
workflows:
  tell: {mapping: probe.probe.one}
  two: {mapping: probe.probe.two, parameters: {seconds: {default: 60}}}
  chatter: {mapping: probe.probe.chatter, parameters: {times: {}, pause: {}}}
  talk: {mapping: probe.probe.talk, parameters: {lines: {}}}
"""
CODE = """\
import os
import socket
import time

from cloudify import ctx
from cloudify.decorators import operation, workflow


def say(ear, *words):
    now = time.monotonic()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(" ".join(map(str, (*words, now))).encode(), ear)


@operation(resumable=True)
def tell(ear, seconds, **_):
    say(ear, "operation", os.getpid())
    if seconds:
        time.sleep(float(seconds))


def act(ctx, seconds):
    instance = next(iter(ctx.get_node("node").instances))
    return instance.execute_operation("probe.tell", kwargs={"seconds": seconds}, allow_kwargs_override=True)


@workflow
def one(ctx, **_):
    act(ctx, 0).get()


@workflow
def two(ctx, seconds, **_):
    say(ctx.deployment.inputs["ear"], "workflow", os.getpid())
    graph = ctx.graph_mode()
    sequence = graph.sequence()
    sequence.add(act(ctx, seconds), act(ctx, seconds))
    graph.execute()


@operation
def log(ear, lines, **_):
    say(ear, "loud", os.getpid())
    for number in range(int(lines)):
        ctx.logger.info("line %s of many, as a plugin writes them when it says what it does", number)


@workflow
def talk(ctx, lines, **_):
    instance = next(iter(ctx.get_node("node").instances))
    instance.execute_operation("probe.log", kwargs={"lines": lines}, allow_kwargs_override=True).get()


@workflow
def chatter(ctx, times, pause, **_):
    for _ in range(int(times)):
        ctx.send_event(f"sent at {time.time()}")
        time.sleep(float(pause))
"""
#: ``nothing`` of the chains, saying when it begins and when it ends.
TELLING_CHAINS = """\
import socket
import time

from cloudify import ctx
from cloudify.decorators import operation


def say(*words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(" ".join(map(str, (*words, time.monotonic()))).encode(), {ear!r})


@operation(resumable=True)
def nothing(**_):
    done = (ctx.instance.id, ctx.operation.name)
    say("begin", *done)
    say("end", *done)
"""


def write(folder: Path) -> Path:
    """Write the blueprint into ``folder``; return the folder."""
    package = folder / "plugins" / "probe"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(CODE)
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    return folder
