/*
 * The protocol between a manager and a worker on another machine, for the model checker spin.
 * docs/concepts/workers.md says what it promises; tests/contract/test_worker_model.py checks it.
 * cancellation.pml is the same for what happens inside one machine.
 *
 * One operation of one execution, on one worker. A user who asks to force, to kill, and to kill what was left
 * running, at any time. A connection that is cut at any time, of which each side learns when it likes; frames
 * that are late by any time, lost with their connection, or sent again. A worker whose process dies and is
 * started anew (another life), with or without leaving processes behind, or never. A manager that crashes and
 * starts anew with what the database holds.
 *
 * A step is one transaction of the manager's, or what a process does with one frame. The exchange of `hello` and
 * inventory is one step: what the worker does after it made its inventory follows in the same session, in order.
 *
 * What is checked, by name:
 *   C1     no user code begins after the end of its execution is stored, unless that end names the operation
 *   C2     no operation is granted, and none is told to begin, once a forced request is stored
 *   C3     at rest no execution is being forced
 *   C7     `cancelled` after a kill is stored when nothing of the operation lives, or its worker is named in the
 *          record; and at rest nothing lives that was killed, on a worker that is connected
 *   C8     no attempt of the operation runs beside another, or twice
 *   truth  at rest: what is stored as running on a connected worker runs, and nothing else runs; what a worker
 *          has to report is stored
 *
 * Time is what `go` needs: the worker begins only within some seconds after it asked, and an end waits for those
 * seconds after the manager told. The first always end before the second, because asking comes before telling. The
 * worker's clocks may all stand between its look at them and the first line of user code (CHECKED): that is the one
 * exception to C1, and why the end then names the operation.
 *
 * Every defence can be taken out with a macro NO_..., and then a promise breaks. Not here, because a model of one
 * operation does not show what they are for: that frames and writes of an earlier session are refused, and that a
 * worker knows the attempts that it has run.
 */

#ifndef CUTS
#define CUTS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef MANAGER_CRASHES
#define MANAGER_CRASHES 1
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef STALE
#define STALE 1
#endif

/* The execution. */
#define STARTED   0
#define FORCE     1
#define KILL      2
#define ENDED     3
#define is_forced (status == FORCE || status == KILL)

/* The operation's row. */
#define SENT    1
#define RUNS    2
#define DONE    3
#define BROKEN  4
#define REVOKED 5

/* The operation on the worker: nothing; accepted, so its process is forked and waits for `go`; its clocks were
   looked at; user code runs; ended, and not acknowledged. */
#define NONE     0
#define ACCEPTED 1
#define CHECKED  2
#define BEGUN    3
#define OVER     4

/* Frames. */
#define RUN  1
#define GO   2
#define END_IT 3
#define ACK  4
#define ASK  5
#define HAS_BEGUN 6
#define HAS_ENDED 7
#define NOT_TOLD 0
#define UNKNOWN 9

#define reach(what) c_code { static int seen; if (!seen) { seen = 1; printf("reached: " what "\n"); } }
#define promise(which, that) if :: that -> skip :: else -> c_code { printf("broken: " which "\n"); }; assert(false) fi

/* The database. `named`: the end of the execution says that this operation may run, or begin, on a worker that
   could not be reached. `late_kill`: what is left running is to die although its execution is over. */
byte status, row = SENT, attempt = 1;
bool named, late_kill;

/* What the manager has in memory. `told`: the number of the asking that got its `go`; `waited`: the seconds of an
   end's patience after it have passed. `silent`: the worker is unreachable. `killing`: the operation is to be
   ended. */
bool up = true, holds, begun, waited, silent, killing;
byte told;

/* The connection: its number, 0 if there is none; each side's view of it. Frames name it. */
byte session, m_link, w_link;
chan to_worker = [2] of { byte, byte, byte, byte };  /* session, frame, attempt, number of the asking */
chan to_manager = [2] of { byte, byte, byte, byte };

/* The worker: its process, what it runs (attempt and state), and its journal on disk. `left`: processes of an
   attempt that an earlier life left behind; `stuck`: they cannot be ended. */
bool alive = true, gone_for_ever;
byte w_attempt, w_state, left;
bool stuck;
/* Only to check: whether its clocks had been looked at when the end was stored. */
bool was_checked;
byte accepted, ended;
byte asking;
bool asked, fresh, reported;
/* What its journal has of attempts that died with an earlier life. */
byte died;

byte cuts = CUTS, crashes = CRASHES, m_crashes = MANAGER_CRASHES, stale = STALE;
bool quiet;

/* Of user code, or about to: a process that waits for `go` will never get one that it may use. */
#define lives (w_state == CHECKED || w_state == BEGUN || left != 0)
#define connected (m_link != 0 && m_link == w_link)

/* ---- the manager ---- */

/* A new attempt, or none: a failure that the workflow retries. */
inline fail() {
    holds = false;
    killing = false;
    told = NOT_TOLD;
    begun = false;
    waited = false;
    row = BROKEN
}

inline revoke_it() {
    holds = false;
    killing = false;
    told = NOT_TOLD;
    waited = false;
    row = REVOKED
}

/* RemoteWorker.kill: revoked if it was not told to begin, else the frame leaves when it can. */
inline kill_it() {
    if
    :: holds && !begun && told == NOT_TOLD -> revoke_it()
    :: holds && (begun || told != NOT_TOLD) && !killing ->
        killing = true;
        if
        :: m_link != 0 && nfull(to_worker) -> to_worker ! m_link, END_IT, attempt, 0
        :: m_link == 0 || full(to_worker)
        fi
    :: else
    fi
}

inline store_end() {
    promise("C7", status != KILL || !lives || named);
    if :: row == SENT || row == BROKEN -> row = REVOKED :: else fi;
    was_checked = (w_state == CHECKED);
    status = ENDED
}

/* RemoteWorker.settle */
#ifdef NO_SETTLEMENT
#define is_settled true
#else
#ifdef NO_WAIT_FOR_BEGUN
#define is_settled (!holds || told != NOT_TOLD)
#else
#define is_settled (!holds || begun)
#endif
#endif

proctype Manager() {
    byte s, kind, a, n;
end:
    do
    /* The workflow asks again for what failed, as long as it runs. */
    :: d_step { up && row == BROKEN && status == STARTED && attempt < ATTEMPTS -> attempt++; row = SENT }

    /* operations.grant, for a worker whose session is held here. */
    :: d_step {
        up && m_link && row == SENT && !holds && nfull(to_worker) &&
#ifndef NO_STATUS_IN_GRANT
        status == STARTED &&
#endif
        m_link == session ->
        promise("C2", !is_forced);
        row = RUNS;
        holds = true;
        to_worker ! m_link, RUN, attempt, 0
      }

    /* An execution that was asked to stop, or whose workflow ended by itself. */
    :: d_step { up && is_forced && holds && !begun && told == NOT_TOLD -> revoke_it(); reach("revoked before it began") }
    :: d_step { up && (status == KILL || late_kill) && holds && !killing && (!m_link || nfull(to_worker)) -> kill_it() }
    :: d_step { up && status == FORCE && is_settled -> store_end(); if :: row == RUNS -> reach("ended with a residual operation") :: else fi }
    :: d_step { up && is_forced && holds && !begun && told != NOT_TOLD && waited -> named = true; store_end(); reach("may begin") }
    :: d_step { up && status == KILL && !holds -> store_end(); reach("killed") }
    :: d_step {
        /* A worker is unreachable after longer than the seconds of settle. */
        up && status == KILL && holds && killing && silent && (begun || waited) ->
#ifndef NO_NAMING
        named = true;
#endif
        store_end();
        reach("killed while unreachable")
      }

    /* What the worker says. A frame of an earlier session says nothing. */
    :: d_step {
        up && m_link && to_manager ? [_, ASK, _, _] && nfull(to_worker) ->
        to_manager ? s, kind, a, n;
        /* Asking says that an earlier `go` was not used and never will be. */
        if
        :: holds && a == attempt && (status == STARTED
#ifdef NO_STATUS_IN_GO
           || true
#endif
           ) && !killing ->
            promise("C2", !is_forced);
            promise("C1", status != ENDED);
            told = n;
            waited = false;
            to_worker ! m_link, GO, a, n
        :: holds && a == attempt && (status != STARTED || killing) ->
            revoke_it();
            to_worker ! m_link, END_IT, a, 0;
            reach("revoked as it asked")
        :: !holds || a != attempt -> to_worker ! m_link, END_IT, a, 0; reach("refused to begin")
        fi
      }
    :: d_step {
        up && m_link && to_manager ? [_, HAS_BEGUN, _, _] ->
        to_manager ? s, kind, a, n;
        if :: holds && a == attempt -> begun = true :: else fi
      }
    :: d_step {
        up && m_link && to_manager ? [_, HAS_ENDED, _, _] && nfull(to_worker) ->
        to_manager ? s, kind, a, n;
        if
        :: row == RUNS && a == attempt ->
            holds = false;
            killing = false;
            told = NOT_TOLD;
            begun = false;
            waited = false;
            if
            :: n -> row = DONE
            :: else -> row = BROKEN
            fi
        :: else
        fi;
        to_worker ! m_link, ACK, a, 0
      }

    /* It loses sight of the worker. */
    :: d_step { up && m_link && m_link != w_link -> m_link = 0 }
    :: d_step { up && !m_link && !silent -> silent = true }
    /* The seconds of settle have passed: the worker's began earlier, so they are over too. */
    :: d_step {
        up && holds && told != NOT_TOLD && !waited && ((told != asking && told != UNKNOWN) || !fresh || w_state != ACCEPTED) ->
        waited = true
      }
    /* Again, with what the database holds. */
    :: d_step {
        !up ->
        up = true;
#ifndef NO_ADOPTION
        if
        :: row == RUNS -> holds = true; told = UNKNOWN
        :: else
        fi
#else
        if
        :: row == RUNS -> row = BROKEN
        :: else
        fi
#endif
      }
    od
}

/* ---- the connection ---- */

inline flush(c) {
    do
    :: nempty(c) -> c ? _, _, _, _
    :: else -> break
    od
}

/* RemoteWorker.connect: `hello`, the inventory, and what the manager says to it. Kills come first. */
proctype Connection() {
    bool unwanted, condemned;
end:
    do
    :: d_step {
        up && alive && !w_link && (!m_link || m_link != w_link) && session < CUTS + CRASHES + MANAGER_CRASHES + 1 ->
        session++;
        m_link = session;
        w_link = session;
        silent = false;
        reported = false;
        asked = false;
        flush(to_manager);
        flush(to_worker);
        /* The inventory, beside the row. */
        if
        :: row == RUNS && w_attempt == attempt && w_state != NONE ->
            if
            :: w_state == ACCEPTED -> begun = false; told = NOT_TOLD
            :: w_state == BEGUN -> begun = true
            :: else
            fi
        :: row == RUNS && w_attempt != attempt && died == attempt ->
            if
            :: left == attempt && stuck -> named = true; begun = true; reach("left over")
            :: else ->
                fail();
                reach("lost with an earlier life")
            fi
        :: row == RUNS && w_attempt != attempt && died != attempt && accepted < attempt ->
            /* It never came. */
            told = NOT_TOLD;
            begun = false;
            if :: nfull(to_worker) -> to_worker ! m_link, RUN, attempt, 0; reach("sent again") :: full(to_worker) fi
        :: else
        fi;
        unwanted = w_state != NONE && w_state != OVER && (row != RUNS || w_attempt != attempt);
        condemned = row == RUNS && w_attempt == attempt && w_state != NONE && w_state != OVER && (killing || late_kill || status == KILL);
#ifdef NO_KILL_ON_RETURN
        condemned = false;
#endif
        if
        :: condemned -> killing = true; reach("killed on return")
        :: else
        fi;
        if
        :: unwanted -> reach("killed as unknown")
        :: else
        fi;
        if
        :: (unwanted || condemned) && nfull(to_worker) -> to_worker ! m_link, END_IT, w_attempt, 0
        :: !(unwanted || condemned) || full(to_worker)
        fi
      }
    od
}

/* ---- the worker ---- */

inline process_ends() {
    w_state = OVER;
    asked = false;
    fresh = false;
    reported = false;
    ended = w_attempt
}

#define is_current(s) (s == w_link)

proctype Worker() {
    byte s, kind, a, n;
end:
    do
    :: d_step {
        alive && w_link && nempty(to_worker) ->
        to_worker ? s, kind, a, n;
        if
        :: !is_current(s) -> reach("frame of an earlier session")
        :: is_current(s) && kind == RUN && accepted < a ->
            promise("C8", left == 0 && (w_state == NONE || w_state == OVER));
#ifndef NO_JOURNAL
            accepted = a;
#endif
            /* The next attempt says that the end of the one before is stored. */
            ended = 0;
            w_attempt = a;
            w_state = ACCEPTED;
            asked = false;
            reported = false
        :: is_current(s) && kind == GO && w_state == ACCEPTED && w_attempt == a && asked &&
#ifndef NO_ASKING_NUMBER
           n == asking &&
#endif
           true ->
            if
#ifndef NO_BOUND
            :: !fresh -> asked = false; reach("go came late")
            :: fresh -> w_state = CHECKED
#else
            :: true -> w_state = CHECKED
#endif
            fi
        :: is_current(s) && kind == END_IT && w_attempt == a && w_state != NONE && w_state != OVER -> process_ends()
        :: is_current(s) && kind == ACK && w_attempt == a && w_state == OVER -> w_state = NONE; w_attempt = 0; ended = 0
        :: else
        fi
      }
#ifndef NO_GO
    /* It asks to begin, with the next number. */
    :: d_step {
        alive && w_link && w_state == ACCEPTED && !asked && nfull(to_manager) ->
        asking++;
        asked = true;
        fresh = true;
        to_manager ! w_link, ASK, w_attempt, asking
      }
#else
    :: d_step { alive && w_state == ACCEPTED -> w_state = CHECKED }
#endif
    /* No `go` in time: it asks again. */
    :: d_step { alive && w_state == ACCEPTED && asked && !fresh -> asked = false }
    /* The first line of user code. */
    :: d_step {
        alive && w_state == CHECKED ->
        promise("C1", status != ENDED || (named && was_checked));
        promise("C8", left == 0);
        w_state = BEGUN;
        reported = false
      }
    :: d_step { alive && w_link && w_state == BEGUN && !reported && nfull(to_manager) -> reported = true; to_manager ! w_link, HAS_BEGUN, w_attempt, 0 }
    /* It ends, well or badly. */
    :: d_step { alive && w_state == BEGUN && !quiet -> process_ends() }
    :: d_step { alive && w_link && w_state == OVER && !reported && nfull(to_manager) -> reported = true; to_manager ! w_link, HAS_ENDED, w_attempt, 1 }
    :: d_step { alive && w_link && w_state == OVER && !reported && nfull(to_manager) -> reported = true; to_manager ! w_link, HAS_ENDED, w_attempt, 0 }
    /* It learns that its connection is cut. */
    :: d_step { alive && w_link && m_link != w_link -> w_link = 0 }
    /* Another life. Before it says `hello` it ends what is left. */
    :: d_step {
        !alive && !gone_for_ever ->
        alive = true;
        if
        :: ended -> w_attempt = ended; w_state = OVER; reported = false; died = 0; reach("an end of an earlier life")
        :: !ended && accepted ->
            died = accepted;
#ifndef NO_END_OF_LEFTOVERS
            if
            :: left && !quiet -> stuck = true
            :: left -> left = 0; reach("ended what an earlier life left")
            :: !left
            fi
#endif
        :: else
        fi
      }
    /* What could not be ended at first ends some day, and is reported. */
    :: d_step {
        alive && left && stuck && w_link ->
        left = 0;
        stuck = false;
        if :: row == RUNS && attempt == died -> fail() :: else fi
      }
    od
}

/* ---- who asks, time, and faults ---- */

proctype User() {
end:
    do
    :: d_step { !quiet && up && status == STARTED -> status = FORCE }
    :: d_step { !quiet && up && (status == STARTED || status == FORCE) -> status = KILL }
    :: d_step { !quiet && up && status == ENDED && row == RUNS && !late_kill -> late_kill = true; reach("killed after the end") }
    :: d_step { !quiet -> quiet = true; cuts = 0; crashes = 0; m_crashes = 0 }
    od
}

proctype World() {
end:
    do
    /* The seconds after an asking pass before its `go` comes: a few times, and whenever there is no connection. */
    :: d_step { fresh && (stale || !connected) -> fresh = false; if :: connected -> stale-- :: else fi }
    :: d_step { cuts && m_link && connected -> cuts--; m_link = 0 }
    :: d_step { cuts && w_link && connected -> cuts--; w_link = 0 }
    /* The worker's process dies. What was told to begin may leave processes; what was not does not. */
    :: d_step {
        crashes && alive ->
        crashes--;
        alive = false;
        w_link = 0;
        if :: w_state == BEGUN -> left = w_attempt :: w_state == BEGUN -> skip :: else fi;
        w_state = NONE;
        w_attempt = 0;
        asked = false;
        fresh = false
      }
    :: d_step { !alive && !quiet && !gone_for_ever -> gone_for_ever = true; reach("gone for ever") }
    :: d_step {
        m_crashes && up ->
        m_crashes--;
        up = false;
        m_link = 0;
        holds = false;
        begun = false;
        told = NOT_TOLD;
        waited = false;
        killing = false;
        silent = false
      }
    od
}

proctype Judge() {
    timeout ->
    promise("C3", !is_forced);
    promise("truth", !connected || w_state != OVER);
    promise("truth", !connected || (row == RUNS) == (w_state == BEGUN || (left != 0 && stuck)));
    promise("C7", !connected || row != RUNS || !late_kill || stuck);
    promise("truth", gone_for_ever || connected);
    reach("rest")
}

init {
    atomic {
        run User();
        run World();
        run Judge();
        run Manager();
        run Connection();
        run Worker()
    }
}
