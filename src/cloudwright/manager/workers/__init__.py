"""Workers: what runs operations, as the dispatcher sees it.

What must always hold: a worker runs nothing that was not granted to it, reports the end of all that it ran to
its ``OperationSink``, and holds an operation in its inventory from its grant until that end is stored.
"""
