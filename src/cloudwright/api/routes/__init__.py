"""The routes, one file per noun: a handler calls the manager or the store, and returns the response."""
