"""The routes, one file per noun: a handler asks the manager or the store, and makes the answer."""
