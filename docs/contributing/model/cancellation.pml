/*
 * The protocol of cancellation, for the model checker spin. docs/concepts/cancellation.md says what it promises; this
 * is every interleaving of who takes part. tests/contract/test_cancellation_model.py checks it.
 *
 * One execution with two operations. A user who asks to cancel, force, kill, kill what was left running, and
 * resume, at any time. A workflow that obeys, ignores, fails or dies, and runs operations meanwhile. Operations
 * that end well, badly, late, or not at all. A bus that loses, repeats and delays messages. Managers that
 * crash and start again, or lose an execution to each other and go on with the term that they had.
 *
 * Each `inline` and each step below says which function it stands for; a step is what that function does
 * between two awaits, or one transaction. Left out, because nothing here depends on it: what runs beside this
 * execution, what operations do, how plugins are installed (before the grant).
 *
 * What is checked, by name:
 *   C1 C2 C4 C5 C7   as in docs/concepts/cancellation.md, where the row is written or the process is forked; C7 of a
 *                    kill of what was over, where C3 is
 *   C3               when nothing can happen any more but what a user, a process or a fault may do and need
 *                    not (`quiet`), no execution is being forced or waits, and no active one lacks a live
 *                    workflow's process that knows what was asked. That this state is always reached is a
 *                    second check: the graph of states has no cycle. So no fairness is assumed but that who
 *                    can take a step takes one some day.
 *   told             a standard cancellation reaches the workflow, and a deadline that passed is acted on
 *   truth            what is stored as running runs, and nothing else; what waits for nobody is not stored as
 *                    waiting
 *   informed         what starts while `cancelling` was asked for by a workflow that knew it
 *   twin             no operation runs twice at the same time
 *   unasked          nothing is forced or killed that nobody asked to, since it was resumed
 *   children         a standard cancellation is over only when what it was passed on to is, also if the execution
 *                    waited to be resumed
 *   idle             an execution that was cancelled while it waited does not run its workflow
 *
 * A grant is not a beginning. C1 and C2 are checked three times: where an operation is granted, where its process
 * is told to begin, and where its code begins. The latter two hold for the operations of one manager: what another
 * one that was paused still tells to begin is a matter of leases, which the model does not time.
 *
 * Every defence can be taken out with a macro NO_..., and then a promise breaks; where two of them stand before
 * the same promise, when both are. The code has them all but for two, which one manager does not need:
 *   NO_WORKER_IN_LOSS           Dispatcher.lost: what runs on another manager's worker is not lost
 *   NO_KILL_EVERYWHERE          ExecutionRunner._record_end: a kill waits for the operations on every worker, and
 *                               the kill of an active execution is kept as `kill_term` for those of other managers
 * With MANAGERS 2 the model is ahead of the code, which runs one: it says what a second one will need.
 *
 * One file, however long: it is what spin reads.
 */

#ifndef MANAGERS
#define MANAGERS 1
#endif
#ifndef OPERATIONS
#define OPERATIONS 2
#endif
/* How often an operation may be started, and how often a manager may crash, a lease may run out and a user
   may resume. */
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LAPSES
#define LAPSES 0
#endif
#ifndef RESUMES
#define RESUMES 1
#endif
/* With CHILDREN, an execution that this one started may run still when this one is resumed. */

/* model.execution.ExecutionStatus; `scheduled` and `queued` are cancelled as `pending` is. A CancelMode is
   written as the status that it asks for, an Outcome as the status that it leads to. */
#define PENDING    0
#define STARTED    1
#define CANCELLING 2
#define FORCE      3
#define KILL       4
#define CANCELLED  5
#define TERMINATED 6
#define FAILED     7
#define DIED       0
#define is_active   (status >= STARTED && status <= KILL)
#define is_granting (status == STARTED || status == CANCELLING)
#define is_forced   (status == FORCE || status == KILL)
#define is_ended    (status >= CANCELLED)

/* model.operation.OperationState; BROKEN is a failure that another attempt may follow, DONE any other end. */
#define NEW     0
#define SENT    1
#define RUNS    2
#define DONE    3
#define BROKEN  4
#define REVOKED 5

/* Where an OperationRun is: not there, waiting in the OperationQueue, asking for its grant, granted, with a
   process, and with none any more (ENDED well, or FELL). STUCK: forgotten. */
#define NONE    0
#define WAITING 1
#define ASKING  2
#define GRANTED 3
#define FORKED  4
#define ENDED   5
#define FELL    6
#define STUCK   7
/* Granted, and revoked before its process was told to begin. */
#define UNBEGUN 8

/* Processes. DOOMED: SIGKILL is on its way. DEAD: it is, and its host still stores what it had said. */
#define ALIVE  1
#define DOOMED 2
#define DEAD   3
/* Of an operation: told to begin, and not ALIVE in its user's code yet. */
#define TOLD   4

/* Where ExecutionRunner.drive is with a RunningExecution: in `_prepare`, in Host.run, in `_kill_operations` and
   Dispatcher.settle, in the write. */
#define BEGUN   1
#define HOSTED  2
#define KILLING 3
#define STORING 4

#define NOBODY 2
#define at(m, i) ((m) * 2 + (i))

/* Says once that the search came here; says which promise is broken. */
#define reach(what) c_code { static int seen; if (!seen) { seen = 1; printf("reached: " what "\n"); } }
#define promise(which, that) if :: that -> skip :: else -> c_code { printf("broken: " which "\n"); }; assert(false) fi

/* The database. `lease`: it has not run out. `deadline`: 1 is set, 2 has passed. `kill_term`: the operations
   sent under terms up to this one are to die, although their execution is over. */
byte status, term, owner = NOBODY, deadline, kill_term;
bool lease;
byte row[2], row_term[2], row_attempt[2], row_worker[2];

/* What a manager has in memory: RunningExecution and Dispatcher. `target`: what is to end, or not to
   begin. */
bool up[MANAGERS] = true;
byte phase[MANAGERS], h_term[MANAGERS], told[MANAGERS], outcome[MANAGERS];
bool killed[MANAGERS], abandoned[MANAGERS];
byte job[MANAGERS * 2], r_term[MANAGERS * 2], r_attempt[MANAGERS * 2];
bool target[MANAGERS * 2], r_aware[MANAGERS * 2];

/* Processes. `asked`: a `run` entry of the workflow's is on its way, 2 if it knew of a request to cancel. `came`:
   it wants no more of this operation. */
byte wf[MANAGERS], proc[MANAGERS * 2];
bool wf_knows[MANAGERS], came[MANAGERS * 2];
byte asked[MANAGERS * 2];

/* An execution that this one waits for is not over; its own workflow is not to be run (executions.is_idle). */
#ifdef CHILDREN
bool child, idle, waited;
#define is_childless !child
#define is_idle      idle
#else
#define is_childless true
#define is_idle      false
#endif

/* What may yet happen. */
byte crashes = CRASHES, lapses = LAPSES, resumes = RESUMES;
bool quiet;

/* What is remembered only where a defence is missing: the strongest request ever, and a late kill, of which
   there may still be messages; a deadline and a lease that had passed when the reconciler looked; the terms
   whose operations a user was told will die. */
#ifdef NO_TERM_IN_MESSAGES
byte ever;
bool ever_late;
#endif
#ifdef NO_SECOND_LOOK_AT_DEADLINE
bool was_due;
#endif
#ifdef NO_SECOND_LOOK_AT_LEASE
bool had_lapsed;
#endif
#ifdef NO_KILL_OF_WAITING
byte wanted;
#endif

/* ---- storage: what the verbs do to the rows ---- */

inline revoke(i) {
    if :: row[i] == SENT -> row[i] = REVOKED; row_term[i] = 0 :: else fi
}

inline revoke_for_good(i) {
#ifndef NO_REVOCATION
    if :: row[i] == NEW || row[i] == SENT -> row[i] = REVOKED; row_term[i] = 0 :: else fi;
#endif
    promise("truth", row[i] > SENT)
}

/* executions._end */
inline end_execution(final) {
#ifdef CHILDREN
    promise("children", is_childless || (status != PENDING && status != CANCELLING));
    idle = false;
#endif
    status = final;
    owner = NOBODY;
    lease = false;
    deadline = 0;
    revoke_for_good(0);
    revoke_for_good(1)
}

/* operations.end and operations.lose, of an operation that failed. */
inline fail(i) {
    row_term[i] = 0;
    row_worker[i] = 0;
    if
    :: row_attempt[i] < ATTEMPTS -> row[i] = BROKEN
    :: else -> row[i] = DONE; row_attempt[i] = 0
    fi
}

/* ---- manager.executions: what users ask for ---- */

#if MANAGERS > 1
#define may_ask (!quiet && (up[0] || up[1]))
#else
#define may_ask (!quiet && up[0])
#endif
#define has_residual (row[0] == RUNS || row[1] == RUNS)

/* Dispatcher.revoke, of what was granted, or is about to be, and was not told to begin. */
inline revoke_granted(m, i) {
    if :: job[at(m, i)] == ASKING || job[at(m, i)] == GRANTED -> target[at(m, i)] = true :: else fi
}

/* executions.request_cancel, of an active execution. */
inline request(mode, until) {
    status = mode;
    deadline = until;
#ifdef NO_REVOCATION_BY_FORCE
    if :: mode == CANCELLING -> revoke(0); revoke(1) :: else fi;
#endif
#if !defined(NO_REVOCATION_BY_FORCE) && !defined(NO_REVOCATION_BY_REQUEST)
    revoke(0);
    revoke(1);
#endif
#if MANAGERS == 1 && !defined(NO_HOLD)
    /* Executions.cancel, in Dispatcher.holding: nothing is told to begin while the request is being stored. */
    revoke_granted(0, 0);
    revoke_granted(0, 1);
#endif
#if MANAGERS > 1
    if :: mode == KILL -> kill_term = term :: else fi;
#endif
#ifdef NO_TERM_IN_MESSAGES
    if :: mode > ever -> ever = mode :: else fi
#endif
}

/* The same, of one that is over or waits to be resumed: executions.kill_term. */
inline request_late_kill() {
    kill_term = term;
#ifdef NO_TERM_IN_MESSAGES
    ever_late = true
#endif
}

proctype User() {
end:
    do
    :: d_step { may_ask && status == STARTED -> request(CANCELLING, 0) }
#if MANAGERS == 1
    :: d_step { may_ask && status == STARTED -> request(CANCELLING, 1) }
#endif
    :: d_step { may_ask && is_granting -> request(FORCE, 0) }
    :: d_step { may_ask && is_active && status != KILL -> request(KILL, 0) }
    :: d_step { may_ask && is_ended && has_residual && kill_term < term -> request_late_kill() }
#if defined(CHILDREN) && !defined(NO_WAIT_OF_IDLE)
    /* What waits to be resumed has children still: it waits for them, without its workflow. */
#define may_end_at_once is_childless
    :: d_step { may_ask && status == PENDING && child -> request(CANCELLING, 0); idle = true; reach("cancelled while it waited") }
    :: d_step { may_ask && status == PENDING && child -> request(FORCE, 0); idle = true }
    :: d_step { may_ask && status == PENDING && child -> request(KILL, 0); idle = true }
#else
#define may_end_at_once true
#endif
    :: d_step { may_ask && status == PENDING && may_end_at_once -> end_execution(CANCELLED) }
    /* A kill of what waits to be resumed. */
    :: d_step {
        may_ask && status == PENDING && may_end_at_once && has_residual ->
#ifndef NO_KILL_OF_WAITING
        request_late_kill();
#else
        wanted = term;
#endif
        end_execution(CANCELLED);
        reach("killed while it waited")
      }
    /* executions.resume */
    :: d_step { may_ask && resumes && (status == CANCELLED || status == FAILED) -> resumes--; status = PENDING }
#ifdef CHILDREN
    :: d_step { may_ask && resumes && (status == CANCELLED || status == FAILED) -> resumes--; status = PENDING; child = true }
    /* It ends by itself, or because it was asked to. */
    :: d_step { child && (!quiet || (is_active && status != STARTED)) -> child = false }
#endif
    /* From here on nothing happens but what must. */
    :: d_step { !quiet -> quiet = true; resumes = 0; crashes = 0; lapses = 0 }
    od
}

/* ---- manager.dispatcher ---- */

/* OperationQueue.release */
inline release(m, i) {
    job[at(m, i)] = NONE;
    r_term[at(m, i)] = 0;
    r_attempt[at(m, i)] = 0;
    r_aware[at(m, i)] = false;
    target[at(m, i)] = false
}

/* OperationQueue.drop, Dispatcher.revoke */
inline drop_waiting(m, i) {
    if :: job[at(m, i)] == WAITING -> release(m, i) :: else fi
}

inline aim(m, i, upto) {
    if
    :: job[at(m, i)] == WAITING && r_term[at(m, i)] <= upto -> release(m, i)
    :: job[at(m, i)] >= ASKING && r_term[at(m, i)] <= upto -> target[at(m, i)] = true
    :: else
    fi
}

/* Dispatcher.kill, up to where it waits; it answers when its targets are dead and their ends are stored. */
inline kill_operations(m, upto) {
    aim(m, 0, upto);
    aim(m, 1, upto)
}
#define has_targets(m) (target[at(m, 0)] || target[at(m, 1)])

/* Dispatcher.settle: what was granted has begun, or is revoked. */
#ifdef NO_SETTLEMENT
#define is_settled(m, i) true
#else
#ifdef NO_WAIT_FOR_BEGUN
#define is_settled(m, i) (job[at(m, i)] != ASKING && job[at(m, i)] != GRANTED && job[at(m, i)] != UNBEGUN)
#else
#define is_settled(m, i) (job[at(m, i)] != ASKING && job[at(m, i)] != GRANTED && job[at(m, i)] != UNBEGUN && proc[at(m, i)] != TOLD)
#endif
#endif

/* operations.grant: the row that decides. */
inline grant(m, i) {
    if
    :: row[i] == SENT && row_attempt[i] == r_attempt[at(m, i)] &&
#ifndef NO_STATUS_IN_GRANT
       is_granting &&
#endif
#ifndef NO_TERM_IN_GRANT
       term == r_term[at(m, i)] &&
#endif
       true ->
        promise("C1", !is_ended);
        promise("C2", !is_forced);
        promise("C5", owner == m && term == r_term[at(m, i)]);
        promise("informed", status == STARTED || r_aware[at(m, i)]);
        row[i] = RUNS;
        r_aware[at(m, i)] = false;
        row_worker[i] = m;
        job[at(m, i)] = GRANTED
    :: else -> release(m, i); reach("grant refused")
    fi
}

/* The workflow hears of a failed attempt, and may run the operation again. */
inline hear_failure(i) {
    if
    :: row[i] == BROKEN ->
        came[at(0, i)] = false;
#if MANAGERS > 1
        came[at(1, i)] = false
#endif
    :: else
    fi
}

/* OperationRecorder.ended, operations.end, Dispatcher._report */
inline book(m, i) {
    if
    :: row[i] == RUNS && row_attempt[i] == r_attempt[at(m, i)] ->
        if
        :: job[at(m, i)] == ENDED -> row[i] = DONE; row_term[i] = 0; row_worker[i] = 0; row_attempt[i] = 0
        :: job[at(m, i)] == UNBEGUN ->
            row[i] = REVOKED;
            row_term[i] = 0;
            row_worker[i] = 0;
            if :: wf_knows[m] -> came[at(m, i)] = (asked[at(m, i)] > 0) :: else fi
        :: else -> fail(i); hear_failure(i)
        fi;
        if :: is_ended -> reach("residual operation ended") :: else fi
    :: else
    fi;
    release(m, i)
}

/* One operation on one manager's worker, and its process. */
proctype Worker(byte m; byte i) {
end:
    do
    /* OperationQueue._grant: the write of the grant is handed over. */
    :: d_step { job[at(m, i)] == WAITING -> job[at(m, i)] = ASKING }
    :: d_step { job[at(m, i)] == ASKING -> grant(m, i) }
    /* LocalWorker._start */
    :: d_step {
        job[at(m, i)] == GRANTED ->
        if
        :: target[at(m, i)] -> job[at(m, i)] = UNBEGUN; reach("revoked before it began")
        :: else ->
            promise("twin", proc[at(0, i)] == NONE);
#if MANAGERS > 1
            promise("twin", proc[at(1, i)] == NONE);
            promise("C2", told[m] < FORCE);
#else
            promise("C1", is_active);
            promise("C2", !is_forced);
#endif
            proc[at(m, i)] = TOLD;
            job[at(m, i)] = FORKED
        fi
      }
    :: d_step {
        !quiet && job[at(m, i)] == GRANTED ->
#ifndef NO_END_AFTER_ERRORS
        job[at(m, i)] = FELL
#else
        job[at(m, i)] = STUCK
#endif
      }
    /* Its process says that it begins, and begins. */
    :: d_step {
        proc[at(m, i)] == TOLD ->
#if MANAGERS == 1
        promise("C1", is_active);
#endif
        proc[at(m, i)] = ALIVE
      }
    :: d_step {
        job[at(m, i)] == ENDED || job[at(m, i)] == FELL || job[at(m, i)] == UNBEGUN -> book(m, i)
      }
    /* Its process ends. One that a crashed manager left behind is not heard any more. */
    :: d_step {
        !quiet && proc[at(m, i)] != NONE ->
        proc[at(m, i)] = NONE;
        if :: job[at(m, i)] == FORKED -> job[at(m, i)] = ENDED :: else fi
      }
    :: d_step {
        !quiet && job[at(m, i)] == FORKED && r_attempt[at(m, i)] < ATTEMPTS ->
        proc[at(m, i)] = NONE;
        job[at(m, i)] = FELL
      }
    /* Attempt._ladder: SIGTERM, and SIGKILL for what withstands it. */
    :: d_step { job[at(m, i)] == FORKED && target[at(m, i)] -> proc[at(m, i)] = NONE; job[at(m, i)] = FELL }
    od
}

/* ---- manager.leases, manager.execution_runner ---- */

#define holds(m) (phase[m] != NONE)
#define hosts(m) (phase[m] != NONE && h_term[m] == term && owner == m)

/* execution_runner._stop */
inline stop(m) {
    if :: wf[m] == ALIVE -> wf[m] = DOOMED :: else fi
}

/* What was revoked for a request that the workflow knows of by now, it may ask for again. */
inline want_again(m, i) {
    drop_waiting(m, i);
    if :: wf_knows[m] && (row[i] == NEW || row[i] == REVOKED) -> came[at(m, i)] = (asked[at(m, i)] > 0) :: else fi
}

/* ExecutionRunner.apply_cancel */
inline hear(m, mode) {
    if
    :: mode > told[m] ->
        promise("unasked", mode < FORCE || term != h_term[m] || is_ended || status >= mode);
        told[m] = mode;
#ifndef NO_REVOCATION_OF_GRANTED
        revoke_granted(m, 0);
        revoke_granted(m, 1);
#endif
        if
        :: mode == CANCELLING ->
            if :: wf[m] == ALIVE -> wf_knows[m] = true :: else fi;
            want_again(m, 0);
            want_again(m, 1)
        :: else -> stop(m)
        fi;
        if :: mode == KILL -> kill_operations(m, h_term[m]) :: else fi
    :: else
    fi
}

/* executions.claim or executions.take_over, and Leases._drive. */
inline begin(m) {
    owner = m;
    lease = true;
#ifdef NO_SECOND_LOOK_AT_LEASE
    had_lapsed = false;
#endif
    term++;
    h_term[m] = term;
    told[m] = STARTED;
    phase[m] = BEGUN;
    /* Forgets what makes no difference any more, so that there are fewer states. */
    if :: !has_residual -> kill_term = 0 :: else fi;
    hear(m, status)
}

/* The end of ExecutionRunner.drive, with Dispatcher.unfollow. */
inline forget(m) {
    phase[m] = NONE;
    h_term[m] = 0;
    told[m] = 0;
    outcome[m] = 0;
    killed[m] = false;
    abandoned[m] = false;
    drop_waiting(m, 0);
    drop_waiting(m, 1)
}

/* In ExecutionRunner._prepare: an operation from before goes on and is waited for, or its worker knows nothing
   of it. */
inline adopt(m, i) {
    came[at(m, i)] = (row[i] == DONE);
    if
    :: row[i] == RUNS && job[at(m, i)] != NONE -> came[at(m, i)] = true; reach("adopted")
    :: row[i] == RUNS && job[at(m, i)] == NONE ->
        if
#ifndef NO_WORKER_IN_LOSS
        :: row_worker[i] != m -> came[at(m, i)] = true
#endif
        :: else -> fail(i); came[at(m, i)] = (row[i] == DONE)
        fi
    :: else
    fi
}

#define is_sendable(i) (row[i] == NEW || row[i] == BROKEN || row[i] == REVOKED || row[i] == SENT && row_term[i] < term)

/* WorkflowJournal.apply: operations.journal with a `run` entry, and Dispatcher.send. */
inline journal(m, i) {
    if
#ifndef NO_TERM_IN_JOURNAL
    :: !is_active || term != h_term[m] -> stop(m); reach("stale journal refused")
#endif
#ifndef NO_AWARENESS
    :: status == CANCELLING && asked[at(m, i)] == 1 -> came[at(m, i)] = !wf_knows[m]; reach("asked for too soon")
#endif
    :: is_granting && is_sendable(i) ->
        promise("C5", owner == m && term == h_term[m]);
        promise("twin", job[at(m, i)] == NONE);
        if :: row[i] == NEW || row[i] == BROKEN -> row_attempt[i]++ :: else fi;
        row[i] = SENT;
        row_term[i] = term;
        job[at(m, i)] = WAITING;
        r_term[at(m, i)] = h_term[m];
        r_attempt[at(m, i)] = row_attempt[i];
        r_aware[at(m, i)] = (asked[at(m, i)] == 2)
    :: else -> reach("refused before it was sent")
    fi;
    asked[at(m, i)] = 0
}

/* ExecutionRunner._record_end, up to its write. */
inline conclude(m) {
    if :: told[m] == KILL -> kill_operations(m, h_term[m]) :: else fi;
#ifndef NO_SETTLEMENT
    drop_waiting(m, 0);
    drop_waiting(m, 1);
    revoke_granted(m, 0);
    revoke_granted(m, 1);
#endif
    phase[m] = KILLING
}

#define is_silent(m) (!asked[at(m, 0)] && !asked[at(m, 1)])

/* Host.run answers: the process is dead, and all that it had said is stored. */
inline see_dead(m) {
    wf[m] = NONE;
    wf_knows[m] = false;
    if
    :: abandoned[m] -> forget(m); reach("abandoned")
    :: else -> conclude(m)
    fi
}

inline die(m, how) {
    wf[m] = DEAD;
    outcome[m] = how;
    if :: is_silent(m) -> see_dead(m) :: else fi
}

/* ExecutionRunner._record_end: executions.finish. */
inline finish(m) {
    if
#ifndef NO_TERM_IN_FINISH
    :: !is_active || term != h_term[m] -> forget(m); reach("stale end refused")
#endif
#if defined(CHILDREN) && !defined(NO_CHILDREN_FIRST)
    :: is_active && term == h_term[m] && status > STARTED && !waited && child ->
        hear(m, status);
        conclude(m);
        reach("children first")
#endif
#ifndef NO_KILL_FIRST
    :: status == KILL && term == h_term[m] && !killed[m] -> hear(m, KILL); conclude(m); reach("kill first")
#endif
    :: else ->
        promise("C5", owner == m && term == h_term[m]);
        promise("C4", wf[m] == NONE);
        if
        :: status == KILL ->
            promise("C7", job[at(m, 0)] == NONE && job[at(m, 1)] == NONE);
            promise("C7", proc[at(0, 0)] == NONE && proc[at(0, 1)] == NONE);
#if MANAGERS > 1
            promise("C7", proc[at(1, 0)] == NONE && proc[at(1, 1)] == NONE);
#endif
            reach("killed")
        :: else ->
            if :: has_residual -> reach("ended with a residual operation") :: else fi
        fi;
        /* model.execution.final_status */
        if
        :: is_forced || (status == CANCELLING && outcome[m] == DIED) -> end_execution(CANCELLED)
        :: !is_forced && status == STARTED && outcome[m] == DIED -> end_execution(FAILED)
        :: else -> end_execution(outcome[m])
        fi;
        forget(m)
    fi
}

/* Leases.take_over: executions.take_over. */
inline take_over(m) {
    promise("C4", (owner == m && wf[m] == NONE) || (owner != m && !lease));
    if
    :: status == STARTED -> reach("taken over while started")
    :: status == CANCELLING -> reach("taken over while cancelling")
    :: status == FORCE -> reach("taken over while force_cancelling")
    :: status == KILL -> reach("taken over while kill_cancelling")
    fi;
    begin(m)
}

/* ---- manager.reconcile_loop ---- */

/* ReconcileLoop._kill_orphans */
inline bury(m) {
#ifndef NO_BURIAL
    if :: is_active && owner == m -> wf[m] = NONE :: else fi;
    if :: row[0] == RUNS && row_worker[0] == m -> proc[at(m, 0)] = NONE :: else fi;
    if :: row[1] == RUNS && row_worker[1] == m -> proc[at(m, 1)] = NONE :: else fi;
#endif
#ifndef NO_LOSS
    if :: row[0] == RUNS && row_worker[0] == m -> fail(0); hear_failure(0); reach("lost in a crash") :: else fi;
    if :: row[1] == RUNS && row_worker[1] == m -> fail(1); hear_failure(1) :: else fi;
#endif
    up[m] = true
}

/* Operations here that were to die with an execution that is over. */
#define is_late(m, i) (job[at(m, i)] != NONE && r_term[at(m, i)] <= kill_term && !target[at(m, i)])

#if MANAGERS > 1 && !defined(NO_KILL_EVERYWHERE)
#define is_all_dead(m) (!has_targets(m) && !has_residual)
#else
#define is_all_dead(m) !has_targets(m)
#endif

proctype Manager(byte m) {
end:
    do
    /* Leases.fill */
    :: d_step { up[m] && !holds(m) && status == PENDING && (term || m == 0) -> status = STARTED; begin(m) }
    /* ExecutionRunner._run: its process is forked, cannot be, or need not be. */
    :: d_step {
        phase[m] == BEGUN && !abandoned[m] &&
#ifndef NO_LOOK_BEFORE_FORK
        told[m] < FORCE &&
#endif
#ifndef NO_IDLENESS
        !is_idle &&
#endif
        true ->
        promise("C5", wf[m] == NONE);
        promise("idle", !is_idle);
        adopt(m, 0);
        adopt(m, 1);
        wf[m] = ALIVE;
        wf_knows[m] = (told[m] >= CANCELLING);
        phase[m] = HOSTED
      }
    :: d_step { phase[m] == BEGUN && !abandoned[m] && told[m] < FORCE && !is_idle -> outcome[m] = FAILED; conclude(m) }
    :: d_step { phase[m] == BEGUN && !abandoned[m] && (told[m] >= FORCE || is_idle) -> conclude(m); reach("ended without a process") }
    :: d_step { phase[m] == BEGUN && abandoned[m] -> forget(m) }
    /* The store applies what one manager hands it in that order: a grant that is asked for comes first. */
    :: d_step { phase[m] == HOSTED && asked[at(m, 0)] && job[at(m, 0)] != ASKING -> journal(m, 0) }
    :: d_step { phase[m] == HOSTED && asked[at(m, 1)] && job[at(m, 1)] != ASKING -> journal(m, 1) }
    :: d_step { phase[m] == HOSTED && wf[m] == DEAD && is_silent(m) -> see_dead(m) }
#ifdef NO_WAIT_FOR_DEATH
    :: d_step { phase[m] == HOSTED && wf[m] == DOOMED && !abandoned[m] -> conclude(m) }
#endif
    /* ExecutionRunner._record_end */
    :: d_step {
        phase[m] == KILLING && is_settled(m, 0) && is_settled(m, 1) && (told[m] != KILL || is_all_dead(m)) &&
        /* A forced one waits only for a while. */
        (is_childless || told[m] != CANCELLING) ->
        killed[m] = (told[m] == KILL);
#ifdef CHILDREN
        waited = (told[m] >= CANCELLING);
#endif
        phase[m] = STORING
      }
    :: d_step { phase[m] == STORING -> finish(m) }

    /* ReconcileLoop._listen: a message about a request may come at any time after it was stored, often, or never.
       One about an earlier term says nothing any more. */
    :: d_step { !quiet && up[m] && is_active && hosts(m) && told[m] < CANCELLING && status >= CANCELLING -> hear(m, CANCELLING) }
    :: d_step { !quiet && up[m] && is_active && hosts(m) && told[m] < FORCE && status >= FORCE -> hear(m, FORCE) }
    :: d_step { !quiet && up[m] && is_active && hosts(m) && told[m] < KILL && status == KILL -> hear(m, KILL) }
    :: d_step { !quiet && up[m] && (is_late(m, 0) || is_late(m, 1)) -> kill_operations(m, kill_term) }
#ifdef NO_TERM_IN_MESSAGES
    :: d_step { !quiet && up[m] && holds(m) && told[m] < ever -> hear(m, ever) }
    :: d_step {
        !quiet && up[m] && ever_late && !has_targets(m) && (job[at(m, 0)] || job[at(m, 1)]) ->
        promise("unasked", r_term[at(m, 0)] <= kill_term && r_term[at(m, 1)] <= kill_term);
        kill_operations(m, 255)
      }
#endif

    /* ReconcileLoop.reconcile and ._apply. What a verb checks again may be one step here. */
#ifndef NO_ESCALATION
    :: d_step {
        up[m] && status == CANCELLING && deadline == 2 ->
        request(FORCE, 0);
        if :: hosts(m) -> hear(m, FORCE) :: else fi;
        reach("escalated")
      }
#endif
#ifdef NO_SECOND_LOOK_AT_DEADLINE
    :: d_step { up[m] && was_due && (is_granting || status == PENDING) -> promise("unasked", status == CANCELLING && deadline == 2) }
#endif
#ifndef NO_TELL
    :: d_step { up[m] && is_active && hosts(m) && told[m] < status -> hear(m, status); reach("told by the reconciler") }
#endif
#ifdef NO_MEMORY_OF_TELLING
    :: d_step { up[m] && is_active && hosts(m) && status > STARTED -> hear(m, status) }
#endif
#ifndef NO_TAKE_OVER
    :: d_step { up[m] && is_active && !holds(m) && (owner == m || !lease) -> take_over(m) }
#endif
#ifdef NO_SECOND_LOOK_AT_LEASE
    :: d_step { up[m] && is_active && !holds(m) && had_lapsed -> take_over(m) }
#endif
#ifndef NO_ABANDON
    :: d_step { up[m] && holds(m) && !hosts(m) && !abandoned[m] -> abandoned[m] = true; stop(m) }
#endif
#ifndef NO_STORED_KILL
    :: d_step { up[m] && (is_late(m, 0) || is_late(m, 1)) -> kill_operations(m, kill_term); reach("killed by the reconciler") }
#endif
#if MANAGERS > 1
    /* Leases.renew */
    :: d_step { up[m] && hosts(m) && !lease -> lease = true }
#endif

    /* ReconcileLoop.start, after a crash. */
    :: d_step { !up[m] -> bury(m) }
    od
}

/* ---- The workflow's process ---- */

#define is_running(m) (!quiet && wf[m] == ALIVE && phase[m] == HOSTED)

proctype Workflow(byte m) {
end:
    do
    /* It may run operations at any time, whether or not it knows that it was asked to stop. */
    :: d_step { is_running(m) && !asked[at(m, 0)] && !came[at(m, 0)] -> asked[at(m, 0)] = 1 + wf_knows[m]; came[at(m, 0)] = true }
#if OPERATIONS > 1
    :: d_step { is_running(m) && !asked[at(m, 1)] && !came[at(m, 1)] -> asked[at(m, 1)] = 1 + wf_knows[m]; came[at(m, 1)] = true }
#endif
    /* It stops, finishes, fails, or dies; or is killed. */
    :: d_step { is_running(m) && wf_knows[m] -> die(m, CANCELLED) }
    :: d_step { is_running(m) -> die(m, TERMINATED) }
    :: d_step { is_running(m) -> die(m, FAILED) }
    :: d_step { is_running(m) -> die(m, DIED) }
    :: d_step { wf[m] == DOOMED -> die(m, DIED) }
    /* Its manager crashed, and it goes with it, sooner or later. */
    :: d_step { wf[m] == ALIVE && phase[m] != HOSTED -> wf[m] = NONE }
    od
}

/* ---- Time and faults ---- */

/* Nothing is left of what was in memory. What it ran lives on. */
inline crash(m) {
    crashes--;
    up[m] = false;
    forget(m);
    release(m, 0);
    release(m, 1);
    asked[at(m, 0)] = 0;
    asked[at(m, 1)] = 0;
    came[at(m, 0)] = false;
    came[at(m, 1)] = false;
    wf_knows[m] = false;
    if
    :: wf[m] == DOOMED -> wf[m] = ALIVE
    :: wf[m] == DEAD -> wf[m] = NONE
    :: else
    fi
}

proctype World() {
end:
    do
    :: d_step {
        deadline == 1 ->
        deadline = 2;
#ifdef NO_SECOND_LOOK_AT_DEADLINE
        was_due = true
#endif
      }
    :: d_step { crashes && up[0] -> crash(0) }
#if MANAGERS > 1
    :: d_step { crashes && up[1] -> crash(1) }
    :: d_step {
        lapses && lease ->
        lapses--;
        lease = false;
#ifdef NO_SECOND_LOOK_AT_LEASE
        had_lapsed = true
#endif
      }
#endif
    od
}

/* ---- What must be so when nothing more has to happen ---- */

#define is_lively(m) (hosts(m) && phase[m] == HOSTED && wf[m] == ALIVE)

inline judge(m, i) {
    promise("truth", (row[i] == RUNS && row_worker[i] == m) == (proc[at(m, i)] != NONE));
    promise("C7", row[i] != RUNS || row_term[i] > kill_term);
    promise("truth", row[i] != SENT || row_term[i] < term);
#ifdef NO_KILL_OF_WAITING
    promise("C7", row[i] != RUNS || row_term[i] > wanted)
#endif
}

proctype Judge() {
    timeout ->
    promise("C3", status != PENDING && !is_forced);
    promise("told", status != CANCELLING || !deadline);
    promise("C3", wf[0] == NONE || is_lively(0));
#if MANAGERS > 1
    promise("C3", wf[1] == NONE || is_lively(1));
    promise("C3", !is_active || is_lively(0) || is_lively(1));
    promise("told", status != CANCELLING || wf_knows[owner]);
    judge(1, 0);
    judge(1, 1);
#else
    promise("C3", !is_active || is_lively(0));
    promise("told", status != CANCELLING || wf_knows[0]);
#endif
    judge(0, 0);
    judge(0, 1);
    reach("rest")
}

init {
    atomic {
        run User();
        run World();
        run Judge();
        run Manager(0);
        run Workflow(0);
        run Worker(0, 0);
        run Worker(0, 1);
#if MANAGERS > 1
        run Manager(1);
        run Workflow(1);
        run Worker(1, 0);
        run Worker(1, 1)
#endif
    }
}
