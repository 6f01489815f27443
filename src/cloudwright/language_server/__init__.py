"""A language server for blueprints: what editors ask while a blueprint is written.

It knows what the parser knows, because it asks the parser: diagnostics are its problems and warnings,
entries are those of the editors' schema, and names are those of the files that a blueprint imports.

What must always hold: nothing of a blueprint is executed, nothing but its own files is read, and a text that
is half written is answered as well as the one before it was.

The parts: ``cursor`` finds where in the document a cursor stands; ``names`` collects what files define;
``completion``, ``explanation`` (hover) and ``diagnostics`` answer; ``server`` speaks the protocol, with
pygls, which is an extra (`cloudwright[lsp]`).
"""
