"""Speaks the REST API for programs: one method per thing that can be asked, typed answers, typed errors.

What must always hold:

* it imports nothing else of this project, so that it can be used where no manager is installed;
* a request that may have changed something is never sent twice: only reading is repeated, and only where the
  connection broke;
* every failure is a `cloudwright.client.errors.ClientError` whose text says what happened and where;
* the HTTP library is imported by `transport` alone, and `errors`, `target` and `records` cost nothing to
  import: a command line may name them before it knows that it will speak to anybody.

Start at `cloudwright.client.api.Client`.
"""
