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
commands share and chooses the manager, `embedded` starts one where none is, `output` prints, `following`
follows an execution and `live` shows it.
"""
