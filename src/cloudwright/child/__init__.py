"""What both kinds of child process share: workflows' and operations'.

Responsible for the talk with the supervisor as far as it is the same for both (calls and their replies), for
the errors that users' code raises and sees, for the current context that it imports, and for loggers whose
records become frames.

What must always hold:

* A child speaks with its supervisor only, and holds no credentials: what it may do, it asks for.
* A value that cannot be sent is refused before anything is sent, in words about that value.

It runs inside the environments of plugins, and is in memory before each fork: the standard library only, and
little of it.
"""
