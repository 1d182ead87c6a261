/*
 * Leadership of one region at a time: leases, promises, promotion, handing over. README.md says what is
 * modelled and how to run it. Where a line has a planted bug, -D and its name turns it on.
 *
 * Time is in ticks, of all clocks at once. A lease lasts LEASE ticks from when whoever asks for it began to
 * ask; an acceptor may be asked for a promise once GUARD ticks have passed since its last grant.
 */

#define N 3
#define MAJORITY 2
#ifndef MAX_EPOCH
#define MAX_EPOCH 3
#endif
#ifndef MAX_WRITES
#define MAX_WRITES 1
#endif
#define LEASE 1
#define GUARD 1
#define NOBODY 3

/* Acceptors. */
byte promised[N];
byte promisedTo[N];
byte followed[N];               /* epoch of the last grant, and whose it is */
byte followedLeader[N];
byte guardLeft[N];              /* ticks until its last grant is of no lease any more */
byte quiet[3];                  /* bits, by process: acceptors that were quiet when it decided, and are still */

/* Leases, each in the database of its region. */
byte leaseEpoch[N];
byte leaseLeft[N];
byte released[N];

/* Bit w of rows[r]: region r has write w. */
byte rows[N];
byte writes;
byte writtenBy[MAX_WRITES + 1];
byte writtenIn[MAX_WRITES + 1];     /* epoch */
byte acked;                     /* bits: with quorum durability */

byte servedBy[MAX_EPOCH + 1];
byte age[3];                    /* of what each process asks for */

/* A newline may end a statement in Promela, so what differs between the bugs is named here. */
#ifdef ANYBODY_BEGINS
#define may_hold(r, e, begin) true
#else
#define may_hold(r, e, begin) (begin || leaseEpoch[r] == e)
#endif
#define quiet_now ((guardLeft[0] == 0) | (guardLeft[1] == 0) << 1 | (guardLeft[2] == 0) << 2)
#ifdef NO_GUARD
#define is_quiet(r, me) true
#define may_ask(me) true
#else
#ifdef QUIET_ONE_BY_ONE
#define is_quiet(r, me) (guardLeft[r] == 0)
#define may_ask(me) true
#else
#define is_quiet(r, me) ((quiet[me] >> r) & 1)
#define may_ask(me) (quiet[me] == 3 || quiet[me] >= 5)
#endif
#endif
#ifdef STALE_HANDOVER
#define may_give(from, leader, e) true
#else
#ifdef GIVEN_BEFORE_BEGUN
#define may_give(from, leader, e) (from == leader)
#else
#define may_give(from, leader, e) (from == leader && leaseEpoch[from] == e)
#endif
#endif
#ifdef HELD_ANYWAY
#define counts(r, writer) true
#else
#define counts(r, writer) (promised[r] == followed[r] && promisedTo[r] == followedLeader[r] && followedLeader[r] == writer)
#endif

#define leads(r) (leaseLeft[r] > 0 && leaseEpoch[r] > released[r])
#define holds(r, w) ((rows[r] >> (w)) & 1)

/* mr.grant_lease */
#define grants(r, e, l) (e > promised[r] || (e == promised[r] && promisedTo[r] == l))
inline grant(r, e, l) {
    promised[r] = e; promisedTo[r] = l; followed[r] = e; followedLeader[r] = l; guardLeft[r] = GUARD;
    quiet[1] = quiet[1] & ~(1 << r); quiet[2] = quiet[2] & ~(1 << r)
}

inline check_leases() {
    assert(!(leads(0) && leads(1)));
    assert(!(leads(0) && leads(2)));
    assert(!(leads(1) && leads(2)))
}

#ifdef LATE_START
#define lease_of(me) LEASE
#else
#define lease_of(me) (LEASE - age[me])
#endif

/* mr.hold_lease. `begin`: for a promotion. */
inline hold(r, e, me, begin) {
    if
    :: e >= promised[r] && e > released[r] && leaseEpoch[r] <= e && lease_of(me) > 0 && may_hold(r, e, begin) ->
        if
        :: leaseEpoch[r] == e && leaseLeft[r] > lease_of(me)
        :: else -> leaseLeft[r] = lease_of(me)
        fi;
        leaseEpoch[r] = e;
        assert(servedBy[e] == NOBODY || servedBy[e] == r);
        servedBy[e] = r;
        /* What is acknowledged is in whoever leads later. */
        assert((acked & ~rows[r]) == 0);
        check_leases()
    :: else
    fi
}

/* Anybody may renew the lease of a leader that some acceptor follows. */
active proctype Renewer() {
    byte r, e, l, n;
    do
    :: atomic {
        select(r : 0 .. 2);
        e = followed[r]; l = followedLeader[r]; n = 0; r = 0; age[0] = 0;
#ifndef ANYBODY_BEGINS
        if :: leaseEpoch[l] == e && released[l] < e :: else -> r = N fi
#endif
       }
       do
       :: atomic { r < N ->
            if
            :: grants(r, e, l) -> grant(r, e, l); n++
            :: true                         /* lost, or it suspects the leader */
            fi;
            r++
          }
       :: atomic { r >= N -> break }
       od;
       atomic {
        if :: n >= MAJORITY -> hold(l, e, 0, false) :: else fi;
        r = 0; e = 0; l = 0; n = 0; age[0] = LEASE
       }
    od
}

/* A worker that tries to lead, or whose region is handed the lead. It may give up anywhere.
 * Each tries once. */
proctype Candidate(byte me) {
    byte self, from, r, e, n, told, newest, leader;
    atomic {
        self = me;
        select(e : 2 .. MAX_EPOCH);
        e > promised[self];
        /* NOBODY: a failover, and not handed over. What it believes of who leads may be old. */
        select(from : 0 .. 3);
        from != self;
        /* A majority has been quiet for a guard, all at the same moment. */
        quiet[me] = quiet_now;
        from != NOBODY || may_ask(me);
        n = 0; r = 0; newest = 0; leader = NOBODY; told = 0;
#ifdef MEASURE_FIRST
        if :: told = rows[0] | rows[1] :: told = rows[0] | rows[2] :: told = rows[1] | rows[2] fi
#endif
       }
       /* promise, and in the same answer whom it followed and what it holds: mr.promise_and_tell */
       do
       :: atomic { r < N ->
            if
            :: e > promised[r] && (from != NOBODY || is_quiet(r, me)) ->
                promised[r] = e; promisedTo[r] = self; n++;
#ifndef MEASURE_FIRST
                told = told | rows[r];
#endif
                if
                :: followed[r] > newest -> newest = followed[r]; leader = followedLeader[r]
                :: else
                fi
            :: true
            fi;
            r++
          }
       :: atomic { r >= N -> break }
       od;
       atomic {
        if
        :: n >= MAJORITY && (from == NOBODY || may_give(from, leader, newest)) -> r = 0
        :: true -> goto over
        fi;
        n = 0; newest = 0; leader = 0; age[me] = 0; quiet[me] = 0;
#ifndef NO_PULL
        if :: from == NOBODY -> rows[self] = rows[self] | told :: else fi;
#endif
        told = 0
       }
       /* publish */
       do
       :: atomic { r < N ->
            if
            :: grants(r, e, self) -> grant(r, e, self); n++
            :: true
            fi;
            r++
          }
       :: atomic { r >= N -> break }
       od;
       if
       :: n < MAJORITY -> goto over
       :: else
       fi;
       /* The former leader gives up its lease, and what it has written: mr.release_lease */
       if
       :: atomic { from != NOBODY ->
            if :: e > released[from] + 1 -> released[from] = e - 1 :: else fi;
            if :: leaseEpoch[from] < e -> leaseLeft[from] = 0 :: else fi;
#ifndef NO_PULL
            rows[self] = rows[self] | rows[from]
#endif
          }
       :: from == NOBODY
       fi;
       /* serve */
       atomic { hold(self, e, me, true) };
over:
       age[me] = LEASE; quiet[me] = 0
}

/* Time, clients, and the streams between regions. */
active proctype World() {
    byte r, s, w;
    do
    :: atomic { /* a tick */
        r = 0;
        do
        :: r < N ->
            if :: leaseLeft[r] > 0 -> leaseLeft[r]-- :: else fi;
            if :: guardLeft[r] > 0 -> guardLeft[r]-- :: else fi;
            if :: age[r] < LEASE -> age[r]++ :: else fi;
            r++
        :: else -> break
        od;
        r = 0
       }
    :: atomic { /* a write is taken */
        writes < MAX_WRITES ->
        select(r : 0 .. 2);
        if
        :: leads(r) ->
            rows[r] = rows[r] | (1 << writes);
            writtenBy[writes] = r; writtenIn[writes] = leaseEpoch[r];
            writes++
        :: else
        fi;
        r = 0
       }
    :: atomic { /* a stream brings it to another region, late or never */
        writes > 0 ->
        select(w : 0 .. writes - 1);
        select(r : 0 .. 2);
        rows[r] = rows[r] | (1 << w);
        w = 0; r = 0
       }
    :: atomic { /* another region says that it holds it, and so it is acknowledged: mr.await_any_held */
        writes > 0 ->
        select(w : 0 .. writes - 1);
        select(r : 0 .. 2);
        if
        :: r != writtenBy[w] && holds(r, w) && counts(r, writtenBy[w]) ->
            acked = acked | (1 << w);
            s = 0;
            do
            :: s < N ->
                assert(!(leads(s) && leaseEpoch[s] > writtenIn[w] && !holds(s, w)));
                s++
            :: else -> break
            od;
            s = 0
        :: else
        fi;
        w = 0; r = 0
       }
    od
}

init {
    atomic {
        byte r;
        for (r : 0 .. 2) {
            promised[r] = 1; promisedTo[r] = 0; followed[r] = 1; followedLeader[r] = 0;
            age[r] = LEASE
        }
        for (r : 0 .. MAX_EPOCH) { servedBy[r] = NOBODY }
        leaseEpoch[0] = 1;
        run Candidate(1);
        run Candidate(2)
    }
}
