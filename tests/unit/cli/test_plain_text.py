"""Users' text cannot act on the reader's terminal, whichever way it is printed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cfy_command import Run
from fake_api import FakeApi

from cloudwright.cli import formatting
from cloudwright.cli.event_lines import event_line
from cloudwright.cli.formatting import columns, plain
from cloudwright.cli.output import Output

HOSTILE = {
    "clears the screen": "a\x1b[2J\x1b[Hb",
    "sets the title": "a\x1b]0;title\x07b",
    "sets the title, ended by ST": "a\x1b]0;title\x1b\\b",
    "sets the title, never ended": "ab\x1b]0;title",
    "a device control string": "a\x1bPq\x1b\\b",
    "hides text": "a\x1b[8mb",
    "rings and overwrites": "a\a\b\rb",
    "8-bit controls": "a\x9bb\x85",
    "turns the order of letters": "a\u202eb\u2066",
}
SHOWN = columns("id", "text")


def say(out: Output, text: str) -> None:
    out.say(text)


def warn(out: Output, text: str) -> None:
    out.warn(text)


def remark(out: Output, text: str) -> None:
    out.remark(text)


def line(out: Output, text: str) -> None:
    out.line(text, colour="red")


def listed(out: Output, text: str) -> None:
    out.records([{"id": "1", "text": text}], SHOWN, noun="things")


def blocks(out: Output, text: str) -> None:
    Output(extended=True).records([{"id": "1", "text": text}], SHOWN, noun="things")


def record(out: Output, text: str) -> None:
    out.record({"id": "1", "text": [text]}, SHOWN)


def nested(out: Output, text: str) -> None:
    out.record({"id": "1", "text": {"key": text}}, SHOWN)


def named(out: Output, text: str) -> None:
    out.fields({text: 1})


def section(out: Output, text: str) -> None:
    out.section(text, {text: text}, nothing="")


def event(out: Output, text: str) -> None:
    out.line(
        event_line({"message": text, "deployment_id": text, "operation": text, "node_instance_id": text})
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "print_it", [say, warn, remark, line, listed, blocks, record, nested, named, section, event]
)
def test_people_see_it_without_controls(
    print_it: Callable[[Output, str], None], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_it(Output(), text)
    captured = capsys.readouterr()
    printed = captured.out + captured.err
    assert "ab" in printed or "\\u" in printed
    assert plain(printed) == printed


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_programs_get_it_whole(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).json({"text": text})
    printed = capsys.readouterr().out
    assert plain(printed) == printed
    assert json.loads(printed) == {"text": text}


def test_the_error_of_an_execution(api: FakeApi, cfy: Run) -> None:
    for text in HOSTILE.values():
        api.executions["e1"] = {
            "id": "e1",
            "workflow_id": "install",
            "deployment_id": "d",
            "status": "failed",
            "error": text,
        }
        shown = cfy("executions", "get", "e1")
        assert plain(shown.output) == shown.output
        assert json.loads(cfy("executions", "get", "e1", "--json").stdout)["error"] == text


def test_words_for_a_terminal_are_folded_and_commands_stay_whole() -> None:
    text = "Execution 3672fcd3-59f7-4e98-9d9d-ae6648ae9a46 of `install` has ended: " + "word " * 12
    short = formatting.with_short_ids(text)
    assert short.startswith("Execution 3672fcd3 of")
    lines = formatting.folded(short, 40).splitlines()
    assert max(map(len, lines)) <= 40
    command = "`cfy executions operations list 3672fcd3 --show-internal`"
    assert command in formatting.folded(f"See {command} for more.", 40)


def test_ids_that_commands_do_not_take_in_short_stay_whole() -> None:
    text = "Deployment `3672fcd3-59f7-4e98-9d9d-ae6648ae9a46` is created."
    assert formatting.with_short_ids(text) == text
