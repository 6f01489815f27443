"""The fault injector: real managers and processes, cancelled and killed at random, and a checker.

What must always hold:

* everything random comes from the seed, so that a batch can be run again;
* what the checker says it has from the database, from the REST API, from the event log that workflows and
  operations write themselves, and from /proc; never from what the engine remembers;
* nothing of it is in the product: ``manager`` patches the manager's classes in the process that it starts.

A *round* is one execution with what is done to it. A *batch* is some rounds at once on one manager, with the
processes that are killed meanwhile; an *environment* is one home folder with its event
log, over all batches of a run.
"""
