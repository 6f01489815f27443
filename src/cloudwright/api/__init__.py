"""The REST API: HTTP in, calls of the manager and queries of the store, JSON out.

What must always hold:

* no body is read before its sender is known, and never more of it than the limit of its route;
* every response that is not a success has one form, and reveals nothing of the server's inside;
* errors become HTTP statuses in ``errors.py`` and nowhere else;
* the OpenAPI document is true: responses have the types of ``model/rest/``, from which it is made.

::

    gate (authentication, limits, headers) --> routes --> manager (to change)
                                                     \\-> storage.resources (records as JSON)
"""
