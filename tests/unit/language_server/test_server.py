"""The language server as an editor has it: a process that is spoken to by its protocol."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.language_server.explanation import FUNCTION_HELP

WAIT_SECONDS = 30
BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, more.yaml]
inputs:
  port: { type: integer, default: 80, description: Where it listens. }
node_templates:
  shop:
    type: my.Shop
    properties:
      size: 3
      address: { get_input: port }
    relationships:
      - type: cloudify.relationships.contained_in
        target: host
  host:
    type: cloudify.nodes.Compute
outputs:
  size: { value: { get_property: [shop, size] } }
"""
MORE = """\
node_types:
  my.Base:
    derived_from: cloudify.nodes.Root
    properties:
      size: { type: integer, description: How large it is. }
    interfaces:
      my.actions:
        sell: {}
  my.Shop:
    derived_from: my.Base
    properties:
      address: { default: none }
"""


class Editor:
    """A blueprint that is open in an editor."""

    def __init__(self, client: LanguageClient, file: Path, text: str) -> None:
        self._client = client
        self.uri = file.as_uri()
        self.text = text
        self.version = 1
        self.published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()

    def open(self) -> None:
        document = lsp.TextDocumentItem(self.uri, "yaml", self.version, self.text)
        self._client.text_document_did_open(lsp.DidOpenTextDocumentParams(document))

    def write(self, text: str) -> None:
        self.version, self.text = self.version + 1, text
        document = lsp.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        change = lsp.TextDocumentContentChangeWholeDocument(text=text)
        self._client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [change]))

    async def diagnostics(self) -> list[lsp.Diagnostic]:
        """Wait for those of the text as it is now."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                published = await self.published.get()
                if published.uri == self.uri and published.version == self.version:
                    return list(published.diagnostics)

    def at(self, marked: str) -> dict[str, Any]:
        """The place of `|` in ``marked``, which is otherwise in the text once."""
        before, _, after = marked.partition("|")
        assert self.text.count(before + after) == 1, marked
        lines = self.text[: self.text.index(before + after) + len(before)].split("\n")
        return {
            "text_document": lsp.TextDocumentIdentifier(self.uri),
            "position": lsp.Position(len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2),
        }

    async def complete(self, marked: str) -> list[str]:
        found = await self._client.text_document_completion_async(lsp.CompletionParams(**self.at(marked)))
        assert isinstance(found, lsp.CompletionList)
        return [item.label for item in found.items]

    async def hover(self, marked: str) -> str:
        found = await self._client.text_document_hover_async(lsp.HoverParams(**self.at(marked)))
        if found is None:
            return ""
        assert isinstance(found.contents, lsp.MarkupContent)
        return found.contents.value

    async def define(self, marked: str) -> tuple[str, int]:
        """The name of the file and the text of the line that define it."""
        found = await self._client.text_document_definition_async(lsp.DefinitionParams(**self.at(marked)))
        assert isinstance(found, lsp.Location)
        return found.uri.rpartition("/")[2], found.range.start.line


def edit(folder: Path, work: Callable[[Editor], Awaitable[None]], text: str = BLUEPRINT) -> None:
    """Run ``work`` with a blueprint that is open, and end the server as an editor does."""
    (folder / "more.yaml").write_text(MORE, encoding="utf-8")
    file = folder / "blueprint.yaml"
    file.write_text(text, encoding="utf-8")

    async def run() -> None:
        client = LanguageClient("tests", "1")
        editor = Editor(client, file, text)
        client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(
            lambda params: editor.published.put_nowait(params)
        )
        await client.start_io(*COMMAND)
        capabilities = lsp.ClientCapabilities()
        answer = await client.initialize_async(lsp.InitializeParams(capabilities))
        assert answer.server_info is not None
        assert answer.server_info.name == "cloudwright"
        client.initialized(lsp.InitializedParams())
        editor.open()
        await work(editor)
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()  # type: ignore[no-untyped-call]

    asyncio.run(run())


COMMAND = [sys.executable, "-m", "cloudwright.cli.server", "lsp"]


def test_problems_are_shown_where_they_are_and_go_when_they_are_mended(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        assert await editor.diagnostics() == []
        editor.write(BLUEPRINT.replace("type: my.Shop", "type: my.Shopp"))
        (found,) = await editor.diagnostics()
        assert found.severity == lsp.DiagnosticSeverity.Error
        assert "Did you mean `my.Shop`?" in found.message
        begin, end = found.range.start, found.range.end
        line = editor.text.split("\n")[begin.line]
        assert line[begin.character : end.character] == "my.Shopp"
        editor.write(BLUEPRINT.replace("size: 3", "size: [3"))
        (found,) = await editor.diagnostics()
        assert found.severity == lsp.DiagnosticSeverity.Error
        editor.write(BLUEPRINT)
        assert await editor.diagnostics() == []

    edit(tmp_path, work)


def test_warnings_and_what_only_a_manager_knows_are_no_errors(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        (found,) = await editor.diagnostics()
        assert found.severity == lsp.DiagnosticSeverity.Warning
        assert "cfy blueprints validate" in found.message
        editor.write(BLUEPRINT.replace("get_input: port", "get_inputs: port"))
        found = (await editor.diagnostics())[0]
        assert found.severity == lsp.DiagnosticSeverity.Warning
        assert "`get_inputs`" in found.message

    edit(tmp_path, work, BLUEPRINT.replace("more.yaml", "plugin:shop"))


def test_names_and_entries_are_completed(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        assert await editor.complete("type: my|.Shop") == ["my.Base", "my.Shop"]
        assert await editor.complete("target: h|ost") == ["host"]
        assert await editor.complete("get_input: |port") == ["port"]
        assert await editor.complete("{ get_in|put: port") == ["get_input"]
        assert await editor.complete("get_property: [s|hop") == ["SELF", "SOURCE", "shop"]
        assert {"size", "address"} <= set(await editor.complete("[shop, |size"))
        assert await editor.complete("type: cloudify.relationships.cont|ained_in") == [
            "cloudify.relationships.contained_in"
        ]
        assert await editor.complete("{ type: int|eger") == ["integer"]
        assert await editor.complete("      s|ize: 3") == ["size"]
        assert await editor.complete("    pro|perties:") == ["properties"]
        assert await editor.complete("out|puts:\n") == ["outputs"]
        assert "cloudify_dsl_1_5" in await editor.complete("tosca_definitions_version: |cloudify_dsl_1_4")

    edit(tmp_path, work)


def test_a_text_that_is_half_written_is_completed(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        editor.write(BLUEPRINT.replace("get_input: port }", "get_input: "))
        assert await editor.complete("address: { get_input: |\n") == ["port"]
        editor.write(BLUEPRINT.replace("    relationships:", "    interfaces:\n      my\n    relationships:"))
        assert await editor.complete("      my|\n") == ["my.actions"]
        editor.write(
            BLUEPRINT.replace(
                "    relationships:", "    interfaces:\n      my.actions:\n        s\n    relationships:"
            )
        )
        assert await editor.complete("        s|\n") == ["sell"]
        editor.write("tosca")
        assert await editor.complete("tosca|") == ["tosca_definitions_version"]

    edit(tmp_path, work)


def test_names_are_explained_and_found(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        shown = await editor.hover("type: my.Sh|op")
        assert "node type" in shown
        assert "Derived from `my.Base`, `cloudify.nodes.Root`." in shown
        assert "`size`: integer" in shown
        assert "default `80`" in await editor.hover("get_input: po|rt")
        assert "Where it listens." in await editor.hover("get_input: po|rt")
        assert "How large it is." in await editor.hover("      si|ze: 3")
        assert FUNCTION_HELP["get_property"] in await editor.hover("get_pro|perty: [shop")
        assert await editor.hover("# nothing|") == ""
        lines = MORE.split("\n")
        assert await editor.define("type: my.Sh|op") == ("more.yaml", lines.index("  my.Shop:"))
        where = next(number for number, line in enumerate(lines) if "How large" in line)
        assert await editor.define("[shop, si|ze]") == ("more.yaml", where)
        assert await editor.define("get_input: po|rt") == ("blueprint.yaml", 3)
        assert await editor.define("target: ho|st") == (
            "blueprint.yaml",
            BLUEPRINT.split("\n").index("  host:"),
        )
        assert (await editor.define("type: cloudify.nodes.Com|pute"))[0] == "types.yaml"

    edit(tmp_path, work, BLUEPRINT + "# nothing\n")


def test_columns_are_those_of_the_editor(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        (found,) = await editor.diagnostics()
        # Two units of UTF-16 are one character here.
        assert found.range.start == lsp.Position(4, len(b"  a: { type: ") + 0)
        assert await editor.complete("{ get_input: 😀|") == ["😀"]

    text = (
        "tosca_definitions_version: cloudify_dsl_1_4\n"
        "imports: [cloudify/types/types.yaml]\n"
        "inputs: { 😀: {} }\n"
        "node_templates:\n"
        "  a: { type: cloudify.nodes.Rot }\n"
        "outputs:\n"
        "  b: { value: { get_input: 😀 } }\n"
    )
    edit(tmp_path, work, text)


def test_every_function_is_explained() -> None:
    assert FUNCTION_HELP.keys() == FUNCTIONS.keys()
