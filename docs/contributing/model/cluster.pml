/*
 * Two managers over one database, for the model checker spin: who may run an operation again, and when.
 * docs/contributing/decisions/0020-a-lease-ends-processes.md says why; tests/contract/test_cluster_model.py
 * checks it. cancellation.pml has the fencing of what is stored, by terms; here it is about processes, which no
 * term can fence.
 *
 * One operation of one execution, which manager A owns; B looks after what A leaves. A, and its zygote, may be
 * stopped at any time and for ever, and continue at any time. A's renewals may be late by any time or lost. Both
 * managers may be asked to force.
 *
 * Time is a step of the machine's clock (`TICK`), which also moves every age. An age counts since something was
 * SENT by A, as that is what A's deadlines count from, or since the database COMMITTED it, as that is what the
 * lease counts from. The kernel's timers are certain: the clock does not pass one that has not fired. The
 * database's clock may run ahead of A's (DRIFTS).
 *
 * What is checked, by name:
 *   C2     nothing is told to begin once a forced request is stored
 *   C3     at rest no execution is being forced
 *   C8     no attempt of the operation runs beside another. Excepted: what a child of a zygote had started when
 *          that zygote was stopped and killed by its timer
 *   truth  an end is stored only for the attempt that ended; at rest, what is stored as running runs
 */

#ifndef STOPS
#define STOPS 2
#endif
#ifndef DRIFTS
#define DRIFTS 1
#endif

/* Ages. The manager and its zygote end what runs at the first; the kernel kills a zygote at the second. */
#define DEADLINE 1
#define LAST     2
#define LEASE    3
#ifdef NO_MARGIN
#define FREE     LEASE
#else
#define FREE     4
#endif

#define STARTED 0
#define FORCE   1
#define ENDED   2

#define SENT   1
#define RUNS   2
#define DONE   3
#define LOST   4
#define REVOKED 5

#define A 1
#define B 2

#define reach(what) c_code { static int seen; if (!seen) { seen = 1; printf("reached: " what "\n"); } }
#define promise(which, that) if :: that -> skip :: else -> c_code { printf("broken: " which "\n"); }; assert(false) fi

/* The database. */
byte status, row = SENT, attempt = 1, owner = A, lease_age;

/* A: its process, whether it is stopped, and the age of the renewal that it counts from. A renewal that is on
   its way: its age, and whether it was committed. */
bool a_alive = true, a_stopped, renewing, committed;
byte a_age, renewal_age;
/* What A knows: that it was granted, that it may begin, that a forced request is there. */
bool a_granted, a_told, a_forced;
/* An end that A has sent to the database, of which attempt. */
byte end_on_its_way;

/* A's zygote, its child with user code, and what that child had started. */
bool z_alive = true, z_stopped;
byte z_age;
bool child, grandchild, excepted;

/* B never stops: it is the same the other way round. */
bool b_granted, b_child;
/* Requests that a message has to carry to A. */
bool message;

byte stops = STOPS, drifts = DRIFTS;
bool quiet, steady;

#define runs_at_a (child || (grandchild && !excepted))
#define a_goes (a_alive && !a_stopped)
#define z_goes (z_alive && !z_stopped)

#ifdef NO_MANAGER_TIMER
#define a_is_due false
#else
#define a_is_due (a_alive && a_age >= DEADLINE)
#endif
#ifdef NO_ZYGOTE_TIMER
#define z_is_due false
#else
#define z_is_due (z_alive && z_age >= LAST)
#endif

#define is_young (lease_age < FREE || a_age < FREE || z_age < FREE || renewal_age < FREE)
#define older(age) if :: age < FREE -> age++ :: else fi

proctype Time() {
end:
    do
    :: d_step { is_young && !steady && !a_is_due && !z_is_due && !(z_goes && (!a_alive || z_age >= DEADLINE)) ->
        older(lease_age); older(a_age); older(z_age); older(renewal_age)
      }
    :: d_step { drifts && !steady -> drifts--; older(lease_age) }
    od
}

/* ---- manager A and its zygote ---- */

proctype Manager() {
end:
    do
    /* The kernel's timer ends it, stopped or not. */
    :: d_step { a_is_due -> a_alive = false; reach("a manager that did not renew is ended") }

    /* A renewal: sent, committed or lost, and read. A lease that is over is not renewed. */
    :: d_step { a_goes && !renewing && owner == A && !quiet -> renewing = true; committed = false; renewal_age = 0 }
    :: d_step { renewing && !committed && lease_age < LEASE -> committed = true; lease_age = 0 }
    :: d_step { renewing && !committed -> renewing = false; reach("a renewal is lost") }
    :: d_step {
        a_goes && renewing && committed ->
        renewing = false;
#ifdef NO_TIME_OF_SENDING
        a_age = 0;
#else
        a_age = renewal_age;
#endif
        /* The zygote hears of it, unless it has ended already. */
        z_age = a_age
      }

    /* Its zygote is started anew, with the deadline that A has. What the former ran has failed. */
    :: d_step {
        a_goes && !z_alive ->
        z_alive = true;
        z_stopped = false;
        z_age = a_age;
        if :: row == RUNS && owner == A && !a_granted && !end_on_its_way -> row = DONE :: else fi
      }

    /* operations.grant */
    :: d_step { a_goes && row == SENT && owner == A && status == STARTED -> row = RUNS; a_granted = true; a_told = false }
    /* To begin is a guarded look at the row, committed before the child is told. */
    :: d_step {
#ifndef NO_STATUS_IN_BEGIN
        owner == A && status == STARTED &&
#endif
        a_goes && z_goes && a_granted && !a_told && !child && !a_forced ->
        promise("C2", status != FORCE);
        a_told = true
      }
    :: d_step {
        a_goes && z_goes && a_granted && a_told && !child ->
        promise("C8", !b_child);
        a_granted = false;
        child = true
      }
    :: d_step { child && !grandchild && !quiet -> grandchild = true }
    /* It ends by itself, and A sends that to the database, which applies it at any time. */
    :: d_step { a_goes && z_goes && child && !end_on_its_way -> child = false; grandchild = false; end_on_its_way = 1 }
    :: d_step {
        end_on_its_way ->
        if
        :: row == RUNS && (attempt == end_on_its_way
#ifdef NO_ATTEMPT_IN_END
           || true
#endif
           ) -> promise("truth", !b_child); row = DONE
        :: else -> reach("an end that came too late")
        fi;
        end_on_its_way = 0
      }
    /* The bus, or else the reconcile loop, tells it of a request. */
    :: d_step { a_goes && message -> message = false; a_forced = true }
#ifndef NO_RECONCILE
    :: d_step { a_goes && status == FORCE && owner == A -> a_forced = true }
#endif
    /* What was granted and not told is revoked; the end is stored, and names what runs. */
    :: d_step { a_goes && a_forced && owner == A && a_granted && !a_told -> a_granted = false; if :: row == RUNS -> row = REVOKED :: else fi }
    :: d_step { a_goes && a_forced && owner == A && status == FORCE && !a_granted -> if :: row == SENT -> row = REVOKED :: else fi; status = ENDED; reach("forced by its owner") }
    od
}

proctype Zygote() {
end:
    do
    /* End of file, or the deadline: it ends all that its children started. */
    :: d_step { z_goes && !a_alive -> z_alive = false; child = false; grandchild = false }
    :: d_step { z_goes && z_age >= DEADLINE -> z_alive = false; child = false; grandchild = false; reach("a zygote passed its deadline") }
    /* The kernel's timer: its child dies with it (PR_SET_PDEATHSIG), what that had started does not. */
    :: d_step {
        z_is_due ->
        z_alive = false;
        child = false;
        if :: grandchild -> excepted = true; reach("left by a stopped zygote") :: else fi
      }
    od
}

/* ---- manager B ---- */

proctype Other() {
end:
    do
    /* claims.take_over: by the database's clock, when the lease and the margin are over. */
    :: d_step {
#ifndef NO_LEASE
        lease_age >= FREE &&
#endif
        owner == A && status != ENDED ->
        owner = B;
        renewing = false;
        if
        :: row == RUNS -> row = LOST; reach("taken over while it ran")
        :: else
        fi
      }
    :: d_step { owner == B && row == LOST && status == STARTED && attempt == 1 -> attempt = 2; row = SENT }
    :: d_step { owner == B && row == SENT && status == STARTED -> row = RUNS; b_granted = true }
    :: d_step {
        b_granted && status == STARTED && owner == B ->
        promise("C8", !runs_at_a);
        b_granted = false;
        b_child = true;
        if :: attempt == 2 -> reach("run again by the other") :: else fi
      }
    :: d_step { b_child && !quiet -> b_child = false; row = DONE }
    :: d_step { b_granted && status == FORCE -> b_granted = false; row = REVOKED }
    :: d_step { owner == B && status == FORCE && !b_granted -> status = ENDED; if :: row == SENT || row == LOST -> row = REVOKED :: else fi; reach("forced by the other") }
    od
}

/* ---- who asks, and faults ---- */

proctype User() {
end:
    do
    /* At B, which tells A by the bus: the message may be lost. */
    :: d_step { !quiet && status == STARTED && owner == A -> status = FORCE; message = true }
    :: d_step { !quiet && status == STARTED && owner == A -> status = FORCE; message = false; reach("a message is lost") }
    :: d_step { !quiet && status == STARTED && owner == B -> status = FORCE }
    /* From here on A renews its lease in time for ever (time stands still), or never. */
    :: d_step { !quiet && a_goes && z_goes && lease_age < LEASE && a_age < DEADLINE -> quiet = true; steady = true; stops = 0; drifts = 0 }
    :: d_step { !quiet -> quiet = true; stops = 0; drifts = 0 }
    od
}

proctype Faults() {
end:
    do
    :: d_step { stops && a_alive && !a_stopped -> stops--; a_stopped = true }
    :: d_step { stops && z_alive && !z_stopped -> stops--; z_stopped = true }
    :: d_step { a_stopped -> a_stopped = false }
    :: d_step { z_stopped -> z_stopped = false }
    od
}

/* When nothing is asked and nothing fails any more, and nothing is left to do. */
proctype Rest() {
    d_step {
        timeout ->
        reach("rest");
        promise("C3", status != FORCE);
        promise("truth", row != RUNS || child || b_child || grandchild || status == ENDED)
    }
}

init {
    atomic {
        run Time();
        run Manager();
        run Zygote();
        run Other();
        run User();
        run Faults();
        run Rest()
    }
}
