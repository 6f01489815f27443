"""A client of the REST API: one method per request, typed records, typed errors.

What must always hold:

* it imports nothing else of this project but the types of records, so that it can be used without a manager;
* a request that may have changed something is never sent twice: only reading is repeated, and only if the
  connection broke;
* every failure is a `cloudwright.client.errors.ClientError` whose text says what happened at which URL;
* the HTTP library is imported by `transport` alone, and `errors`, `target` and `records` cost nothing to
  import: a command line may name them before it knows that it will connect.

Start at `cloudwright.client.api.Client`.
"""
