"""The REST API: HTTP in, calls of the manager and queries of the store, JSON out.

What must always hold:

* nothing is read of a request before it is known who sends it, and never more than the limit of its route;
* every answer that is not a success has one shape, and says nothing about the server's inside;
* errors become HTTP statuses in ``errors.py`` and nowhere else;
* the OpenAPI document is true: answers have the shapes of ``schemas.py``, from which it is made.

::

    gate (who asks, limits, headers) --> routes --> manager (to change) | storage queries (to read)
                                                \\-> shapes: records become what clients know
"""
