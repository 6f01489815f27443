"""The command lines: `cfy`, with Cloudify's nouns, verbs, options and exit codes, and `cloudwright`.

What must always hold:

* `cfy` is a client and nothing else: whatever it does, it asks a manager over REST to do;
* standard output carries what was asked for, and with ``--json`` nothing but JSON; everything else goes to
  standard error;
* exit codes: 0 it is done, 1 it failed, 2 usage error, 130 it was interrupted;
* an error says what happened, where, and what to do; a traceback is for a defect alone, and only with ``-v``;
* ``--help`` is quick: the module of a noun is imported when the noun is named, and what speaks HTTP or paints
  on the terminal when a command runs (`lazy`).

`main` holds the tree of commands, one module per noun holds the rest. `session` carries the options that all
commands share, `selection` chooses the manager, `local_manager` starts one if none runs, `output` prints,
`execution_follower` follows an execution and `follower_live` shows it.
"""
