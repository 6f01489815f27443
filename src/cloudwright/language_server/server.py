"""The protocol of language servers, with pygls: documents come and change, and questions are answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path
from pygls.workspace import ServerTextPosition, ServerTextRange, TextDocument

import cloudwright
from cloudwright.dsl import BlueprintError
from cloudwright.dsl.source_files import Place
from cloudwright.language_server.completion import Suggestion, suggestions
from cloudwright.language_server.cursor import Cursor, cursor_at
from cloudwright.language_server.diagnostics import Diagnostic, diagnose
from cloudwright.language_server.explanation import Meaning, meaning
from cloudwright.language_server.names import Names, collect

log = logging.getLogger(__name__)

#: How long (seconds) a document must stay as it is before it is checked.
QUIET_SECONDS = 0.2
_KINDS = {
    "entry": lsp.CompletionItemKind.Keyword,
    "function": lsp.CompletionItemKind.Function,
    "value": lsp.CompletionItemKind.EnumMember,
    "property": lsp.CompletionItemKind.Property,
    "interface": lsp.CompletionItemKind.Interface,
    "operation": lsp.CompletionItemKind.Method,
    "inputs": lsp.CompletionItemKind.Variable,
    "node_templates": lsp.CompletionItemKind.Variable,
}


class BlueprintServer(LanguageServer):
    """Remembers what the documents defined when they could last be read, and of which files it reported
    problems.
    """

    def __init__(self) -> None:
        super().__init__(
            "cloudwright", cloudwright.__version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full
        )
        self._names: dict[str, Names] = {}
        #: The files that were reported about for each document, by URI.
        self._reported: dict[str, set[str]] = {}
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._answer(lsp.TEXT_DOCUMENT_DID_OPEN, self._opened)
        self._answer(lsp.TEXT_DOCUMENT_DID_CHANGE, self._changed)
        self._answer(lsp.TEXT_DOCUMENT_DID_SAVE, self._saved)
        self._answer(lsp.TEXT_DOCUMENT_DID_CLOSE, self._closed)
        triggers = lsp.CompletionOptions(trigger_characters=[" ", "[", "{", "."])
        self._answer(lsp.TEXT_DOCUMENT_COMPLETION, self._complete, triggers)
        self._answer(lsp.TEXT_DOCUMENT_HOVER, self._hover)
        self._answer(lsp.TEXT_DOCUMENT_DEFINITION, self._define)

    def _answer(self, feature: str, method: Callable[[Any], Any], options: Any = None) -> None:
        # pygls writes attributes to what it is given, which a method does not take.
        self.feature(feature, options)(lambda params: method(params))

    # Documents.

    def _opened(self, params: lsp.DidOpenTextDocumentParams) -> None:
        self._check_soon(params.text_document.uri, 0)

    def _changed(self, params: lsp.DidChangeTextDocumentParams) -> None:
        self._check_soon(params.text_document.uri, QUIET_SECONDS)

    def _saved(self, params: lsp.DidSaveTextDocumentParams) -> None:
        # Others may import it.
        for uri in list(self._reported):
            self._check_soon(uri, 0)

    def _closed(self, params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        if (task := self._checks.pop(uri, None)) is not None:
            task.cancel()
        self._names.pop(uri, None)
        for of in self._reported.pop(uri, set()):
            self._publish(of, [])

    def _check_soon(self, uri: str, pause: float) -> None:
        if (task := self._checks.get(uri)) is not None:
            task.cancel()
        task = self._checks[uri] = asyncio.ensure_future(self._check(uri, pause))
        task.add_done_callback(_log_failure)

    async def _check(self, uri: str, pause: float) -> None:
        await asyncio.sleep(pause)
        document = self.workspace.get_text_document(uri)
        found = await asyncio.to_thread(diagnose, Path(document.path), document.source)
        by_uri: dict[str, list[Diagnostic]] = {uri: []}
        for one in found:
            of = uri if one.file == document.path else from_fs_path(one.file) or uri
            by_uri.setdefault(of, []).append(one)
        for gone in self._reported.get(uri, set()) - by_uri.keys():
            self._publish(gone, [])
        self._reported[uri] = set(by_uri)
        for of, diagnostics in by_uri.items():
            self._publish(of, diagnostics)

    def _publish(self, uri: str, found: list[Diagnostic]) -> None:
        document = self.workspace.get_text_document(uri)
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(
                uri=uri,
                version=document.version,
                diagnostics=[_to_lsp(document, one) for one in found],
            )
        )

    # Questions.

    def _complete(self, params: lsp.CompletionParams) -> lsp.CompletionList:
        document, cursor = self._look(params.text_document.uri, params.position)
        at = document.position_from_client_units(params.position)
        written = lsp.Range(
            document.position_to_client_units(ServerTextPosition(at.line, at.character - len(cursor.prefix))),
            params.position,
        )
        found = suggestions(self._names_of(document, at.line), cursor)
        return lsp.CompletionList(is_incomplete=False, items=[_item(one, cursor, written) for one in found])

    def _hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        found = self._meaning(params.text_document.uri, params.position)
        if found is None:
            return None
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, found.text))

    def _define(self, params: lsp.DefinitionParams) -> lsp.Location | None:
        found = self._meaning(params.text_document.uri, params.position)
        return None if found is None or found.place is None else self._location(found.place)

    def _meaning(self, uri: str, position: lsp.Position) -> Meaning | None:
        document, cursor = self._look(uri, position)
        return meaning(self._names_of(document, position.line), cursor)

    def _look(self, uri: str, position: lsp.Position) -> tuple[TextDocument, Cursor]:
        document = self.workspace.get_text_document(uri)
        at = document.position_from_client_units(position)
        return document, cursor_at(document.lines, at.line, at.character)

    def _names_of(self, document: TextDocument, line: int) -> Names:
        """Return what the document defines; while it cannot be read, without the line that is written, or as
        it was before.
        """
        without = "".join("\n" if number == line else text for number, text in enumerate(document.lines))
        for text in (document.source, without):
            try:
                self._names[document.uri] = collect(Path(document.path), text)
                break
            except BlueprintError:
                continue
        return self._names.get(document.uri, Names())

    def _location(self, place: Place) -> lsp.Location:
        uri = from_fs_path(place.file) or ""
        document = self.workspace.get_text_document(uri)
        return lsp.Location(uri, _word_range(document, (place.line or 1) - 1, (place.column or 1) - 1))


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a document could not be checked", exc_info=error)


def _item(one: Suggestion, cursor: Cursor, written: lsp.Range) -> lsp.CompletionItem:
    # In braces or behind a colon it continues on the line.
    text = f"{one.name}: " if cursor.is_key and one.kind in ("entry", "function", "property") else one.name
    return lsp.CompletionItem(
        label=one.name,
        kind=_KINDS.get(one.kind, lsp.CompletionItemKind.Class),
        detail=one.detail or None,
        text_edit=lsp.TextEdit(written, text),
    )


def _to_lsp(document: TextDocument, one: Diagnostic) -> lsp.Diagnostic:
    return lsp.Diagnostic(
        range=_word_range(document, one.line, one.column),
        message=one.message,
        severity=lsp.DiagnosticSeverity.Error if one.is_error else lsp.DiagnosticSeverity.Warning,
        source="cloudwright",
    )


def _word_range(document: TextDocument, line: int, column: int) -> lsp.Range:
    """Return the range from a place to the end of the word there, or of its line."""
    lines = document.lines
    text = lines[line].rstrip("\r\n") if line < len(lines) else ""
    end = column
    while end < len(text) and text[end] not in " ,:]}#":
        end += 1
    end = end if end > column else len(text)
    return document.range_to_client_units(
        ServerTextRange(ServerTextPosition(line, column), ServerTextPosition(line, end))
    )


def run() -> None:
    """Speak the protocol on standard input and output until the editor ends it."""
    BlueprintServer().start_io()
