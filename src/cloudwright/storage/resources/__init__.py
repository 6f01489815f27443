"""The resources of the REST API of which the database itself makes the JSON, one module each.

A module declares the fields of its record once, as expressions over columns. A page of a list, a single
record and the messages of a stream come from that one declaration, so they always agree. The types of the
same records are in ``model/rest/``; a test compares the names of their fields.
"""
