"""The kill harness: `callsieve ingest` on a real Kafka, with everything done to it that can be done on one machine.

    python -m venv V && V/bin/pip install deltalake==1.6.6 pyarrow==26.0.1 confluent-kafka==2.16.0
    V/bin/python tests/kill.py --seeds 10                  # seeds 1 to 10, on a broker of its own
    V/bin/python tests/kill.py --seeds 1 --first 7         # one seed again
    V/bin/python tests/kill.py --seeds 3 --only full,kip848   # of the faults and protocols these alone

In: seeds. Out: one line on stdout for each seed, a line in the record, exit 1 when any failed; the folder of a failed
seed stays. Never: asks callsieve whether it did well, except for its ledger, whose word is compared with our own.

What a seed is. `plan` makes everything out of `random.Random(seed)`: partitions, workers, the group's protocol,
the messages and when each is sent, and the faults: kinds, times, lengths, targets. Two or three workers in one group
ingest a fresh topic into a fresh lake while the messages come: records, records sent again, bad ones, ones without a
body, transactions that are committed and transactions that are aborted. A worker that dies is started again, as any
supervisor would. When all faults are healed the workers must reach the end of the topic by themselves, stop in good
order, and an `ingest --until-caught-up` must find nothing amiss.

What it proves of each seed, with nothing but a consumer of Kafka and a reader of Delta tables:
1. The rows of `call_record` are exactly the good messages that a consumer sees in the topic, each once and with its
   own content; the rows of `reject` exactly the bad ones, each with its bytes and the reason it was sent for.
2. Both tables hold the same rows as a second lake, filled by one undisturbed run.
3. `callsieve ledger` says that it is closed, and counts what the consumer counted.
4. No worker ended by itself without a cause (a full or read-only disk, a broker that was away, a usurped identity),
   none outlived a SIGTERM, and none stood still before messages.

What it cannot prove. A seed fixes what is done and when, not how the threads of six processes interleave: a failed
seed may pass the next time. Processes die here, machines do not: what the page cache holds survives, so nothing is
said about fsync. There is one broker: no leader moves, nothing is under-replicated. The lake is a local file system.

Needs root for the faults `full` and `readonly` (a tmpfs) and a C compiler for `clock`; where they cannot be had, the
fault is marked `(skipped)`. CALLSIEVE_BIN names the program, else the debug build in the cache is taken.
"""

import argparse
import collections
import csv
import datetime
import hashlib
import heapq
import itertools
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from deltalake import DeltaTable

PROJECT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("CALLSIEVE_CACHE", Path.home() / ".cache/callsieve"))
PROGRAM = Path(os.environ.get("CALLSIEVE_BIN", CACHE / "target/debug/callsieve"))

PROTOCOLS = ["eager", "cooperative", "static", "kip848"]
FAULTS = {
    "kill": "SIGKILL, and another in its place",
    "freeze": "SIGSTOP for a moment, then SIGCONT",
    "zombie": "SIGSTOP until the group has given its partitions away, then SIGCONT",
    "usurp": "the same, with another of the same configuration in its place at once",
    "term": "SIGTERM, and another in its place",
    "join": "one more worker",
    "broker-kill": "the broker is killed, and comes back",
    "broker-restart": "the broker is restarted in good order",
    "full": "the lake's disk is full for a while",
    "readonly": "the lake's disk is read-only for a while",
    "clock": "another in its place with a clock that is wrong, and then steps while it runs",
}
DISK_FAULTS = {"full", "readonly"}
BROKER_FAULTS = {"broker-kill", "broker-restart"}
# Of these a seed has at most one: they take seconds.
SLOW_FAULTS = {"zombie", "usurp"} | BROKER_FAULTS

FEED_SECS = 6.0
DISK_BYTES = 64 << 20
WORKERS_AT_MOST = 5
# The broker decides for KIP-848: `group.consumer.session.timeout.ms` in `tests/broker`.
KIP848_SESSION_MS = 6_000

CATCH_UP_SECS = 60  # for the workers, once all is healed
RUN_SECS = 60  # for a run until caught up
STOP_SECS = 10  # for a worker to stop in good order, when nothing ails
STOP_SICK_SECS = 30  # and when something does
# A run that was told of its partitions while the broker was away gives up after 15 s of asking where they end.
BROKER_GRACE_SECS = 20
DISK_GRACE_SECS = 3

WORKER_LOG = "warn,callsieve=info,deltalake_core=error,rdkafka=off,librdkafka=off"
RECORD = ["date", "seed", "commit", "version", "protocol", "workers", "partitions", "messages", "faults", "restarts",
          "seconds", "outcome"]

# 2025-01-06 10:00 in Vietnam.
AT_MS = 1_736_132_400_000


# --- the plan: all that follows from the seed ---


@dataclass
class Message:
    partition: int
    body: bytes | None
    expect: str  # `row`, `tombstone`, or the reason of the reject
    at_ms: int


@dataclass
class Batch:
    at: float
    kind: str  # `plain`, `commit` or `abort`
    hold: float  # seconds for which a transaction stays open
    messages: list[Message]


@dataclass
class Fault:
    at: float
    kind: str
    secs: float
    pick: int  # which of those that can be hit
    hours: tuple[int, int]
    is_skipped: bool = False

    def __str__(self):
        lasts = self.kind in DISK_FAULTS | {"freeze", "zombie", "usurp"}
        more = "{:+d}h{:+d}h".format(*self.hours) if self.kind == "clock" else f"{self.secs:.1f}s" if lasts else ""
        return f"{self.kind}{more}@{self.at:.1f}{'(skipped)' if self.is_skipped else ''}"


@dataclass
class Plan:
    seed: int
    protocol: str
    settings: dict[str, str]
    is_static: bool
    partitions: int
    workers: int
    flush_rows: int
    stall_secs: int
    feed_from: float
    runs_beside: bool  # an `--until-caught-up` in the workers' own group, before they stop
    batches: list[Batch]
    faults: list[Fault]


def plan(seed, only):
    rng = random.Random(seed)
    # In turn and not at random, so that ten seeds see every one of them.
    protocols = [name for name in PROTOCOLS if name in only] or PROTOCOLS
    kinds = [name for name in FAULTS if name in only] or list(FAULTS)
    protocol = protocols[seed % len(protocols)]
    settings, is_static, session_ms = group_settings(rng, protocol)
    partitions = rng.randint(3, 6)
    return Plan(
        seed=seed,
        protocol=protocol,
        settings=settings,
        is_static=is_static,
        partitions=partitions,
        workers=rng.randint(2, 3),
        flush_rows=rng.choice([100, 200, 300, 500]),
        stall_secs=rng.choice([5, 10, 60]),
        feed_from=rng.choice([0.0, 0.0, 1.0]),
        runs_beside=rng.random() < 0.25,
        batches=draw_batches(rng, partitions),
        faults=draw_faults(rng, kinds, kinds[seed % len(kinds)], session_ms),
    )


def group_settings(rng, protocol):
    """librdkafka's settings, whether members are static, and after how long a silent one is given up."""
    if protocol == "kip848":
        settings = {"group.protocol": "consumer"}
        if rng.random() < 0.5:
            settings["group.remote.assignor"] = rng.choice(["uniform", "range"])
        return settings, rng.random() < 0.25, KIP848_SESSION_MS
    session_ms = rng.choice([2_000, 3_000, 6_000])
    strategy = {"eager": "range", "cooperative": "cooperative-sticky"}.get(protocol)
    settings = {
        "partition.assignment.strategy": strategy or "range",
        "session.timeout.ms": str(session_ms),
        "heartbeat.interval.ms": "500",
    }
    return settings, protocol == "static", session_ms


def draw_faults(rng, kinds, first, session_ms):
    chosen = [first]
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(kinds)
        if kind not in SLOW_FAULTS or not SLOW_FAULTS & set(chosen):
            chosen.append(kind)
    faults = []
    for kind in chosen:
        if kind in ("zombie", "usurp"):
            secs = session_ms / 1_000 + rng.uniform(1.0, 2.0)
        elif kind in DISK_FAULTS:
            secs = rng.uniform(0.5, 3.0)
        else:
            secs = rng.uniform(0.2, 1.5)
        hours = rng.randint(-30, 30), rng.randint(-30, 30)
        # The slow ones early: what they break must still find messages.
        at = rng.uniform(0.8, 3.0 if kind in SLOW_FAULTS else FEED_SECS)
        faults.append(Fault(at, kind, secs, rng.randrange(1 << 16), hours))
    return sorted(faults, key=lambda fault: fault.at)


def draw_batches(rng, partitions):
    transactional = [p for p in range(partitions) if rng.random() < 0.4] or [rng.randrange(partitions)]
    skew = [rng.choice([0.3, 1.0, 1.0, 2.0]) for _ in range(partitions)]
    ids = itertools.count()
    times = itertools.count(AT_MS, 10)
    sent: list[tuple[int, bytes]] = []
    batches = []

    def message(places):
        partition = rng.choices(places, [skew[p] for p in places])[0]
        kind = rng.random()
        if kind < 0.03:
            return Message(partition, None, "tombstone", next(times))
        if kind < 0.07:
            body, reason = draw_reject(rng, next(ids))
            return Message(partition, body, reason, next(times))
        if kind < 0.12 and sent:
            before, body = rng.choice(sent)
            others = [p for p in range(partitions) if p != before]
            partition = rng.choice([p for p in places if p != before] or others)
            return Message(partition, body, "row", next(times))
        body = draw_record(rng, next(ids))
        sent.append((partition, body))
        return Message(partition, body, "row", next(times))

    left = rng.randint(3_000, 8_000)
    while left > 0:
        count = min(left, rng.choice([1, 10, 50, 100, 200, 400]))
        left -= count
        kind = rng.choices(["plain", "commit", "abort"], [6, 3, 1])[0]
        places = list(range(partitions)) if kind == "plain" else transactional
        hold = rng.choice([0.0, 0.0, 0.0, 0.3, 1.0]) if kind != "plain" else 0.0
        batches.append(Batch(rng.uniform(0.0, FEED_SECS), kind, hold, [message(places) for _ in range(count)]))
    batches.sort(key=lambda batch: batch.at)
    # The very last of a partition is poison, in some with an aborted transaction or a marker behind it.
    last = [Message(p, *draw_reject(rng, next(ids)), next(times)) for p in range(partitions) if rng.random() < 0.5]
    ahead = [m for m in last if rng.random() < 0.5 or m.partition not in transactional]
    batches.append(Batch(FEED_SECS, "plain", 0.0, ahead))
    behind = [m for m in last if m.partition in transactional]
    if behind:
        batches.append(Batch(FEED_SECS, rng.choice(["commit", "abort"]), 0.0, behind))
    return batches


def draw_record(rng, number):
    """A good record; the spread of its fields is what JSON allows, not what a network does."""
    start_us = (AT_MS + rng.randrange(-36 * 3_600_000, 3_600_000)) * 1_000
    is_answered = rng.random() < 0.7
    fields = {
        "record_id": f"r{number}",
        "record_type": rng.choice(["originating", "terminating", "forwarded", "incoming_gateway", "outgoing_gateway"]),
        "caller": f"0962{rng.randrange(1_000_000):06}",
        "caller_nature": "national",
        "callee": f"8491{rng.randrange(10_000_000):07}",
        "callee_nature": "international",
        "start_at": start_us if rng.random() < 0.5 else instant(start_us),
        "duration_s": rng.randint(1, 900) if is_answered else 0,
        "is_answered": is_answered,
    }
    if rng.random() < 0.1:
        fields |= {"caller": None, "caller_nature": "restricted"}
    if rng.random() < 0.1:
        fields |= {"caller": "NGÂN HÀNG", "caller_nature": "name"}
    for name, value in {
        "call_ref": f"c{number % 1_000}",
        "partial_seq": rng.randrange(4),
        "ring_s": rng.randrange(60),
        "release_cause": rng.choice([16, 17, 19]),
        "trunk": "T" + str(rng.randrange(9)),
        "cell": rng.randrange(1 << 36),
        "imei": 35_000_000_000_000 + rng.randrange(1 << 30),
        "imsi": 452_040_000_000_000 + rng.randrange(1 << 30),
    }.items():
        if rng.random() < 0.5:
            fields[name] = value
    return json.dumps(fields, ensure_ascii=rng.random() < 0.5).encode()


def draw_reject(rng, number):
    """A body that is refused, and the reason."""
    good = {
        "record_id": f"b{number}", "record_type": "originating", "caller": "0962000001", "caller_nature": "national",
        "callee": "84912345678", "callee_nature": "international", "start_at": instant(AT_MS * 1_000),
        "duration_s": 60, "is_answered": True,
    }
    bad, reason = rng.choice([
        (b"poison %d" % number, "malformed_json"),
        (b"", "malformed_json"),
        (b'{"record_id":"b%d",' % number, "malformed_json"),
        (b'{"record_id":"\xff%d"}' % number, "invalid_utf8"),
        (b"\x00\x00\x00\x00\x63" + b"x" * 20, "unknown_schema"),
        ({"duration_s": "sixty"}, "wrong_type"),
        ({"duration_s": -60}, "negative"),
        ({"caller": "KHACH HANG"}, "not_a_number"),
        ({"caller_nature": "martian"}, "unknown_nature"),
        ({"record_type": "sideways"}, "unknown_word"),
        ({"record_id": ""}, "empty"),
        ({"start_at": "1970-01-01T00:00:00Z"}, "too_old"),
        ({"start_at": "2099-01-01T00:00:00Z"}, "too_far_ahead"),
    ])
    return (bad if isinstance(bad, bytes) else json.dumps(good | bad).encode()), reason


def instant(micros):
    at = datetime.datetime.fromtimestamp(micros / 1_000_000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if micros % 1_000_000 == 0 else at.isoformat().replace("+00:00", "Z")


# --- a clock of one's own ---

# Preloaded into a worker. libfaketime is not enough: librdkafka waits by `cnd_timedwait`, which it leaves alone, so
# that a faked deadline is waited for by the real clock. Here a wait ends when the faked clock has reached its
# deadline, and follows a step as the kernel's would: it ends at once, or lasts as much longer as the clock was put
# back.
CLOCK_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const int64_t *ahead;

__attribute__((constructor)) static void find(void) {
    int file = open(getenv("CLOCK_FILE"), O_RDONLY);
    void *page = mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    ahead = page == MAP_FAILED ? 0 : page;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int done = syscall(SYS_clock_gettime, clock, at);
    if ((clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && ahead)
        at->tv_sec += __atomic_load_n(ahead, __ATOMIC_RELAXED);
    return done;
}

int timespec_get(struct timespec *at, int base) { return clock_gettime(CLOCK_REALTIME, at) ? 0 : base; }

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return done;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict lock, const struct timespec *restrict until) {
    static int (*wait)(cnd_t *, mtx_t *, const struct timespec *);
    const int64_t SECOND = 1000000000, SLICE = 50000000;
    if (!wait) wait = dlsym(RTLD_NEXT, "cnd_timedwait");
    for (;;) {
        struct timespec now, slice;
        clock_gettime(CLOCK_REALTIME, &now);
        int64_t left = (until->tv_sec - now.tv_sec) * SECOND + until->tv_nsec - now.tv_nsec;
        if (left <= 0) return thrd_timedout;
        syscall(SYS_clock_gettime, CLOCK_REALTIME, &slice);
        int64_t end = slice.tv_nsec + (left < SLICE ? left : SLICE);
        slice.tv_sec += end / SECOND;
        slice.tv_nsec = end % SECOND;
        int done = wait(condition, lock, &slice);
        if (done != thrd_timedout) return done;
    }
}
"""


def build(folder, name, source):
    """A library to preload, or `None` where nothing compiles it."""
    library = folder / f"{name}.so"
    order = ["cc", "-O1", "-shared", "-fPIC", "-o", library, "-x", "c", "-", "-ldl"]
    try:
        subprocess.run(order, input=source.encode(), check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return library


def set_clock(file, hours):
    """In place, since it is mapped."""
    with file.open("r+b" if file.exists() else "wb") as clock:
        clock.write(struct.pack("=q", hours * 3_600))


# --- the broker and what is sent to it ---


class Broker:
    """One of our own, which may be killed, or somebody's."""

    def __init__(self, address, folder):
        self.folder = None if address else folder
        self.address = address or self.order("start").communicate()[0].strip()
        if not self.address:
            raise SystemExit("no broker")

    def order(self, verb):
        order = [PROJECT / "tests/broker", verb, self.folder]
        return subprocess.Popen(order, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def stop(self):
        if self.folder:
            self.order("stop").wait()


class Sender(threading.Thread):
    """Sends the batches of a plan, each at its time."""

    def __init__(self, address, topic, the_plan):
        super().__init__(name="sender", daemon=True)
        self.settings = {"bootstrap.servers": address, "linger.ms": 5, "logger": Quiet(), "log_level": 0}
        self.topic, self.plan = topic, the_plan
        self.plain = Producer(self.settings | {"enable.idempotence": True})
        self.transactional = self.transactor()
        self.began = self.problem = None
        self.torn = 0
        self.is_cancelled = threading.Event()

    def transactor(self):
        producer = Producer(self.settings | {"transactional.id": self.topic, "transaction.timeout.ms": 30_000})
        producer.init_transactions(30)
        return producer

    def run(self):
        self.began = time.monotonic() + self.plan.feed_from
        try:
            for batch in self.plan.batches:
                if self.is_cancelled.wait(max(0.0, self.began + batch.at - time.monotonic())):
                    return
                if batch.kind == "plain":
                    self.produce(self.plain, batch)
                else:
                    self.transact(batch)
            if self.plain.flush(60):
                self.problem = "the broker does not take all messages"
        except Exception as problem:
            self.problem = f"sender: {problem}"

    def produce(self, producer, batch):
        for message in batch.messages:
            # The header says what the message is to become; callsieve only stores it, in `reject`.
            headers = [("expect", message.expect.encode())]
            producer.produce(self.topic, message.body, f"k{message.at_ms}", message.partition,
                             timestamp=message.at_ms, headers=headers)
            producer.poll(0)
        if producer is self.plain:
            return
        if producer.flush(60):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "flush"))

    def transact(self, batch):
        """A transaction that the broker's death tears is aborted: the topic says what was committed, not the plan."""
        try:
            self.transactional.begin_transaction()
            self.produce(self.transactional, batch)
            self.is_cancelled.wait(batch.hold)
            if batch.kind == "commit":
                self.insist(self.transactional.commit_transaction)
            else:
                self.insist(self.transactional.abort_transaction)
        except KafkaException:
            self.torn += 1
            self.transactional = self.transactor()

    def insist(self, act):
        for _ in range(20):
            try:
                return act(10)
            except KafkaException as problem:
                if not problem.args[0].retriable():
                    raise
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "transaction"))


class Quiet:
    """librdkafka's complaints about a broker that we have just killed."""

    def log(self, *_):
        pass


@dataclass
class Seen:
    """A message as a consumer sees it."""

    body: bytes | None
    key: bytes
    expect: str
    at_ms: int


def read_topic(address, topic, partitions):
    """All that a plain consumer sees of a topic, by partition and offset; and where each partition ends for it."""
    consumer = Consumer({
        "bootstrap.servers": address, "group.id": f"truth-{topic}", "enable.auto.commit": False, "log_level": 0,
        "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "error",
        "logger": Quiet(),
    })
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    seen, ended = {}, {}
    deadline = time.monotonic() + 60
    while len(ended) < partitions:
        if time.monotonic() > deadline:
            raise RuntimeError(f"our own consumer reaches no end of partitions {set(range(partitions)) - set(ended)}")
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(message.error())
            ended[message.partition()] = message.offset()
            continue
        expect = dict(message.headers())["expect"].decode()
        place = message.partition(), message.offset()
        seen[place] = Seen(message.value(), message.key(), expect, message.timestamp()[1])
    consumer.close()
    return seen, ended


# --- one seed ---


class Failed(Exception):
    """callsieve did not hold what it promises."""


@dataclass
class Worker:
    name: str
    config: Path
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen | None = None
    is_frozen: bool = False
    is_excused: bool = False  # its identity was given to another: it may end
    is_leaving: float | None = None  # since when
    is_replaced: bool = False
    start_at: float | None = None  # when to start it (again)
    started_at: float = 0.0


class Seed:
    def __init__(self, the_plan, broker, clock, folder):
        self.plan, self.broker, self.clock, self.folder = the_plan, broker, clock, folder
        self.topic = f"kill-{the_plan.seed}-{uuid.uuid4().hex[:8]}"
        self.lake = folder / "lake"
        self.is_mounted = False
        self.workers: list[Worker] = []
        self.queue: list = []
        self.order = itertools.count()
        self.excuses: dict[str, float] = {}  # what ails, and until when it may be a cause
        self.wrong: list[str] = []
        self.restarts: list[str] = []
        self.others: list[subprocess.Popen] = []
        self.sender = None
        self.versions_read = 0
        self.stands: dict[int, int] = {}
        self.truth: dict[tuple[int, int], Seen] = {}
        self.ends: dict[int, int] = {}
        self.began = time.monotonic()
        self.events = (folder / "events.log").open("w", buffering=1)

    def now(self):
        return time.monotonic() - self.began

    def note(self, text):
        self.events.write(f"{self.now():7.2f} {text}\n")

    # The whole.

    def run(self):
        self.prepare()
        self.rage()
        self.truth, self.ends = read_topic(self.broker.address, self.topic, self.plan.partitions)
        self.note(f"the topic holds {len(self.truth)} messages")
        reference = self.ingest("reference", self.folder / "reference", "--until-caught-up")
        self.catch_up()
        if self.plan.runs_beside:
            beside = self.ingest("beside", self.lake, "--until-caught-up", group="workers", member="beside")
            self.ends_well("beside", beside, supervised=True)
        self.stop_workers()
        self.ends_well("last", self.ingest("last", self.lake, "--until-caught-up"))
        self.ends_well("reference", reference)
        self.wrong += check_tables(self.lake, self.truth, self.topic)
        self.wrong += compare_tables(self.lake, self.folder / "reference")
        self.wrong += self.check_ledger()
        if self.wrong:
            raise Failed("; ".join(self.wrong))

    def prepare(self):
        self.lake.mkdir()
        kinds = {fault.kind for fault in self.plan.faults}
        if kinds & DISK_FAULTS and os.geteuid() == 0:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.lake]
            self.is_mounted = subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0}, logger=Quiet())
        admin.create_topics([NewTopic(self.topic, self.plan.partitions, 1)])[self.topic].result(30)
        self.sender = Sender(self.broker.address, self.topic, self.plan)
        for _ in range(self.plan.workers):
            self.add_worker()

    def rage(self):
        """The messages come and the faults strike, until all is sent and healed."""
        self.began = time.monotonic()
        for worker in self.workers:
            self.start(worker)
        for fault in self.plan.faults:
            self.later(fault.at, lambda fault=fault: self.strike(fault))
        self.sender.start()
        deadline = time.monotonic() + 120
        while self.sender.is_alive() or self.queue:
            if time.monotonic() > deadline:
                raise RuntimeError("the faults do not come to an end")
            self.turn()
        if self.sender.problem:
            raise RuntimeError(self.sender.problem)
        self.note(f"all is sent and healed, {self.sender.torn} transactions torn")

    def turn(self):
        """One turn of the supervisor."""
        while self.queue and self.queue[0][0] <= self.now():
            heapq.heappop(self.queue)[2]()
        self.supervise()
        time.sleep(0.02)

    def later(self, at, act):
        heapq.heappush(self.queue, (at, next(self.order), act))

    # Workers.

    def config(self, name, lake, group, member):
        path = self.folder / f"{name}.toml"
        settings = {}
        if group == "workers":
            settings = dict(self.plan.settings)
            if self.plan.is_static:
                settings["group.instance.id"] = member
        lines = [
            f'lake = "{lake}"', "[kafka]", f'brokers = "{self.broker.address}"', f'group = "kill-{group}"',
            "[kafka.topics]", f'call_record = "{self.topic}"',
            "[kafka.settings]", *(f'"{key}" = "{value}"' for key, value in settings.items()),
            "[ingest]", "flush_secs = 1", "settle_secs = 1", f"stall_secs = {self.plan.stall_secs}",
        ]
        if group == "workers":
            lines.append(f"flush_rows = {self.plan.flush_rows}")
        path.write_text("\n".join(lines) + "\n")
        return path

    def add_worker(self, config=None):
        name = f"w{len(self.workers)}"
        config = config or self.config(name, self.lake, "workers", name)
        worker = Worker(name, config, self.folder / f"{name}.log")
        self.workers.append(worker)
        return worker

    def start(self, worker):
        worker.start_at, worker.is_leaving, worker.is_frozen = None, None, False
        worker.started_at = self.now()
        worker.process = self.spawn(worker.config, worker.log, worker.environment)
        self.note(f"{worker.name} starts, pid {worker.process.pid} {worker.environment or ''}")

    def spawn(self, config, log, environment, *more):
        with log.open("a") as stderr:
            order = [PROGRAM, "ingest", "--topic", "call_record", "--config", config, *more]
            # A session of its own: ^C is for us alone.
            return subprocess.Popen(
                order, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True,
                env=os.environ | {"CALLSIEVE_LOG": WORKER_LOG} | environment)

    def supervise(self):
        for worker in self.workers:
            if worker.process is None:
                if worker.start_at is not None and worker.start_at <= self.now():
                    self.start(worker)
                continue
            code = worker.process.poll()
            if code is None:
                if worker.is_leaving is not None and self.now() - worker.is_leaving > STOP_SICK_SECS:
                    self.wrong.append(f"{worker.name} lives {STOP_SICK_SECS} s after SIGTERM, {waits(worker.process)}")
                    self.hit(worker, signal.SIGKILL)
                    worker.is_leaving = None
                continue
            worker.process = None
            was_asked = worker.is_leaving is not None
            self.note(f"{worker.name} ends with {code}{' as asked' if was_asked else ''}")
            # Before its first steps a program has no say in what SIGTERM does to it.
            is_newborn = code == -signal.SIGTERM and was_asked and worker.is_leaving - worker.started_at < 1
            if (not was_asked or code != 0) and not is_newborn:
                self.judge_end(worker, code)
            worker.environment = {}
            if not worker.is_replaced:
                worker.start_at = self.now() if was_asked else self.now() + 0.5

    def judge_end(self, worker, code):
        causes = [cause for cause, until in self.excuses.items() if self.now() <= until]
        if worker.is_excused:
            causes.append("usurped")
        said = last_line(worker.log)
        # A worker that was frozen dies of a disk that is well again.
        if not causes and any(fault.kind in DISK_FAULTS for fault in self.plan.faults) and "(os error " in said:
            causes.append("disk, earlier")
        self.restarts.append(f"{worker.name} {code} ({'+'.join(causes) or 'no cause'}): {said}")
        if not causes:
            self.wrong.append(f"{worker.name} ended by itself with {code}: {said}")

    def hit(self, worker, what):
        self.note(f"{worker.name} gets {what.name}")
        worker.process.send_signal(what)

    # Faults.

    def strike(self, fault):
        self.note(f"fault {fault}")
        skip = {
            "full": not self.is_mounted, "readonly": not self.is_mounted, "clock": self.clock is None,
            "broker-kill": self.broker.folder is None, "broker-restart": self.broker.folder is None,
        }
        if skip.get(fault.kind):
            fault.is_skipped = True
            return
        act = getattr(self, "strike_" + fault.kind.replace("-", "_"))
        if fault.kind in DISK_FAULTS | BROKER_FAULTS or fault.kind == "join":
            act(fault)
            return
        healthy = [w for w in self.workers if w.process and w.process.poll() is None and not w.is_frozen
                   and w.is_leaving is None and not w.is_replaced]
        if healthy:
            act(fault, healthy[fault.pick % len(healthy)])
        else:
            # All are down or frozen: a little later.
            self.later(self.now() + 0.3, lambda: self.strike(fault))

    def end_now(self, worker):
        self.hit(worker, signal.SIGKILL)
        worker.process.wait()
        worker.process, worker.environment = None, {}

    def strike_kill(self, fault, worker):
        self.end_now(worker)
        worker.start_at = self.now() + fault.secs / 2

    def strike_freeze(self, fault, worker):
        self.hit(worker, signal.SIGSTOP)
        worker.is_frozen = True
        self.later(self.now() + fault.secs, lambda: self.thaw(worker))

    def thaw(self, worker):
        if worker.process and worker.is_frozen:
            self.hit(worker, signal.SIGCONT)
            worker.is_frozen = False

    strike_zombie = strike_freeze

    def strike_usurp(self, fault, worker):
        self.strike_freeze(fault, worker)
        usurper = self.add_worker(worker.config)
        # Of two with one name the broker keeps one, and a third may come before either has gone.
        worker.is_replaced, worker.is_excused, usurper.is_excused = True, self.plan.is_static, self.plan.is_static
        usurper.start_at = self.now()

    def strike_term(self, fault, worker):
        self.hit(worker, signal.SIGTERM)
        worker.is_leaving = self.now()

    def strike_join(self, fault):
        if len(self.workers) < WORKERS_AT_MOST:
            self.add_worker().start_at = self.now()

    def strike_clock(self, fault, worker):
        self.end_now(worker)
        file = self.folder / f"{worker.name}.clock"
        set_clock(file, fault.hours[0])
        worker.environment = {"LD_PRELOAD": str(self.clock), "CLOCK_FILE": str(file)}
        worker.start_at = self.now()

        def step():
            self.note(f"the clock of {worker.name} steps")
            set_clock(file, fault.hours[1])

        self.later(self.now() + 1 + fault.secs, step)

    def strike_full(self, fault):
        filler = self.lake / "filler"
        try:
            file = filler.open("ab", buffering=0)
        except OSError:
            # It is read-only just now.
            self.later(self.now() + 0.3, lambda: self.strike_full(fault))
            return
        self.excuses["disk"] = float("inf")
        with file:
            try:
                while file.write(b"x" * (1 << 16)):
                    pass
            except OSError:
                pass
        self.later(self.now() + fault.secs, lambda: self.heal_disk(lambda: filler.unlink(missing_ok=True)))

    def strike_readonly(self, fault, tries=50):
        # Refused while a file is open for writing.
        if subprocess.run(["mount", "-o", "remount,ro", self.lake], stderr=subprocess.DEVNULL).returncode == 0:
            self.note("read-only")
            self.excuses["disk"] = float("inf")
            back = ["mount", "-o", "remount,rw", self.lake]
            self.later(self.now() + fault.secs, lambda: self.heal_disk(lambda: subprocess.run(back, check=True)))
        elif tries:
            self.later(self.now() + 0.02, lambda: self.strike_readonly(fault, tries - 1))
        else:
            fault.is_skipped = True

    def heal_disk(self, act):
        try:
            act()
        except OSError:
            # The other disk fault is still on.
            self.later(self.now() + 0.2, lambda: self.heal_disk(act))
            return
        self.note("the disk is well")
        self.excuses["disk"] = self.now() + DISK_GRACE_SECS

    def strike_broker_kill(self, fault):
        self.excuses["broker"] = float("inf")
        self.broker.order("kill").wait()
        self.later(self.now() + fault.secs, lambda: self.await_broker(self.broker.order("start")))

    def strike_broker_restart(self, fault):
        self.excuses["broker"] = float("inf")
        self.await_broker(self.broker.order("restart"))

    def await_broker(self, order):
        code = order.poll()
        if code is None:
            self.later(self.now() + 0.05, lambda: self.await_broker(order))
            return
        if code:
            raise RuntimeError(f"tests/broker ends with {code}")
        self.note("the broker is back")
        self.excuses["broker"] = self.now() + BROKER_GRACE_SECS

    # Afterwards.

    def catch_up(self):
        """The workers themselves reach the end of every partition that holds a message, markers behind it included."""
        ends = {partition: self.ends[partition] for partition, _ in self.truth}
        deadline = time.monotonic() + CATCH_UP_SECS
        while True:
            self.turn()
            self.read_log()
            behind = {p: (self.stands.get(p, 0), end) for p, end in ends.items() if self.stands.get(p, 0) < end}
            if not behind:
                self.note("the workers have caught up")
                return
            if time.monotonic() > deadline:
                held = "; ".join(f"{w.name} {waits(w.process) if w.process else 'is down'}" for w in self.workers)
                self.wrong.append(
                    f"after {CATCH_UP_SECS} s in peace partitions stand at (offset, end) {behind}: {held}")
                return

    def read_log(self):
        """Where the table stands, by the transactions in its log."""
        while True:
            path = self.lake / f"call_record/_delta_log/{self.versions_read:020}.json"
            if not path.exists():
                return
            for line in path.read_text().splitlines():
                transaction = json.loads(line).get("txn")
                if transaction and not transaction["appId"].startswith("ledger/"):
                    partition = int(transaction["appId"].split("/")[2])
                    if transaction["version"] < self.stands.get(partition, 0):
                        self.wrong.append(f"version {self.versions_read} takes partition {partition} back from "
                                          f"{self.stands[partition]} to {transaction['version']}")
                    self.stands[partition] = transaction["version"]
            self.versions_read += 1

    def ingest(self, name, lake, *more, group=None, member=None):
        lake.mkdir(exist_ok=True)
        config = self.config(name, lake, group or name, member)
        self.note(f"{name} starts")
        process = self.spawn(config, self.folder / f"{name}.log", {}, *more)
        self.others.append(process)
        return process

    def ends_well(self, name, process, supervised=False):
        deadline = time.monotonic() + RUN_SECS
        while process.poll() is None:
            if time.monotonic() > deadline:
                self.wrong.append(f"run {name} does not end within {RUN_SECS} s, {waits(process)}")
                process.kill()
                process.wait()
                return
            self.turn() if supervised else time.sleep(0.02)
        self.note(f"{name} ends with {process.returncode}")
        if process.returncode != 0:
            said = last_line(self.folder / f"{name}.log")
            self.wrong.append(f"run {name} ends with {process.returncode}: {said}")

    def stop_workers(self):
        live = [worker for worker in self.workers if worker.process]
        for worker in live:
            self.hit(worker, signal.SIGTERM)
        asked_at, deadline = self.now(), time.monotonic() + STOP_SECS
        for worker in live:
            try:
                code = worker.process.wait(max(0.1, deadline - time.monotonic()))
                self.note(f"{worker.name} ends with {code}")
                is_newborn = code == -signal.SIGTERM and asked_at - worker.started_at < 1
                if code != 0 and not worker.is_excused and not is_newborn:
                    self.wrong.append(f"{worker.name} ends with {code} on SIGTERM: {last_line(worker.log)}")
            except subprocess.TimeoutExpired:
                self.wrong.append(f"{worker.name} lives {STOP_SECS} s after the last SIGTERM, {waits(worker.process)}")
                worker.process.kill()
                worker.process.wait()
            worker.process = None

    def check_ledger(self):
        order = [PROGRAM, "ledger", "--lake", self.lake, "--json"]
        ran = subprocess.run(order, capture_output=True, text=True, timeout=RUN_SECS)
        (self.folder / "ledger.json").write_text(ran.stdout + ran.stderr)
        if ran.returncode != 0:
            return [f"ledger ends with {ran.returncode}: {ran.stdout[-600:]} {ran.stderr.strip()[-300:]}"]
        wrong = []
        shown = {told["partition"]: told for told in json.loads(ran.stdout)["partitions"]}
        for partition in range(self.plan.partitions):
            offsets = [offset for p, offset in self.truth if p == partition]
            if not offsets:
                continue
            sums = collections.Counter(what_of(seen) for (p, _), seen in self.truth.items() if p == partition)
            told = shown.get(partition)
            if told is None:
                wrong.append(f"ledger knows no partition {partition}")
                continue
            first, until = min(offsets), self.ends[partition]
            gaps = told["until"] - told["from"] - len(offsets)
            mine = {"records": sums["row"], "rejects": sums["reject"], "tombstones": sums["tombstone"], "gaps": gaps}
            theirs = {name: told[name] for name in mine}
            if mine != theirs or told["from"] not in (0, first) or told["until"] != until:
                wrong.append(f"ledger tells of partition {partition} {theirs} from {told['from']} to {told['until']}, "
                             f"the consumer saw {mine} from {first} to {until}")
        return wrong

    def clean_up(self):
        if self.sender:
            self.sender.is_cancelled.set()
        for process in [worker.process for worker in self.workers if worker.process] + self.others:
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.is_mounted:
            subprocess.run(["mount", "-o", "remount,rw", self.lake], stderr=subprocess.DEVNULL)
            (self.lake / "filler").unlink(missing_ok=True)
            kept = self.folder / "lake.kept"
            shutil.copytree(self.lake, kept, dirs_exist_ok=True)
            subprocess.run(["umount", "-l", self.lake])
            self.lake.rmdir()
            kept.rename(self.lake)
        if self.sender and self.sender.ident:
            self.sender.join(5)
        self.events.close()

    def keep(self, why):
        """What explains a failure, beside the logs and the tables."""
        (self.folder / "failure").write_text(why + "\n")
        with (self.folder / "topic.jsonl").open("w") as file:
            for (partition, offset), seen in sorted(self.truth.items()):
                body = None if seen.body is None else seen.body.decode(errors="backslashreplace")
                file.write(json.dumps([partition, offset, seen.expect, body], ensure_ascii=False) + "\n")


def last_line(log):
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    # A failure is told over several lines, its cause last.
    errors = [index for index, line in enumerate(lines) if line.startswith(("Error", "error"))]
    return " ".join(" ".join(lines[errors[-1]:] if errors else lines[-1:]).split())[:400]


def waits(process):
    """What a process that should do something else is waiting for."""
    threads = []
    for task in sorted(Path(f"/proc/{process.pid}/task").glob("*")):
        try:
            threads.append(f"{(task / 'comm').read_text().strip()}:{(task / 'wchan').read_text().strip()}")
        except OSError:
            continue
    return "threads " + ", ".join(f"{name} x{count}" for name, count in collections.Counter(threads).items())


# --- the second opinion ---


def what_of(seen):
    return seen.expect if seen.expect in ("row", "tombstone") else "reject"


def rows_of(lake, table):
    return DeltaTable(str(lake / table)).to_pyarrow_table().to_pylist()


def check_tables(lake, truth, topic):
    """Every message is in the one table where it belongs, once, and is what was sent."""
    wrong = []
    rejects = rows_of(lake, "reject")
    for name, what, rows in [("call_record", "row", rows_of(lake, "call_record")), ("reject", "reject", rejects)]:
        places = collections.Counter((row["source_partition"], row["source_offset"]) for row in rows)
        wanted = {place for place, seen in truth.items() if what_of(seen) == what}
        doubled = sorted(place for place, count in places.items() if count > 1)
        for finding, found in [("lost", sorted(wanted - set(places))), ("doubled", doubled),
                               ("made up", sorted(set(places) - wanted))]:
            if found:
                wrong.append(f"{name}: {len(found)} {finding}: {runs(found)}")
        same = same_record if what == "row" else same_reject
        other = [place for row in rows if (place := (row["source_partition"], row["source_offset"])) in wanted
                 and not same(row, truth[place])]
        if other:
            wrong.append(f"{name}: {len(other)} are not what was sent: {runs(sorted(other))}")
    if any(row["topic"] != topic for row in rejects):
        wrong.append("reject: a row of another topic")
    return wrong


def same_record(row, seen):
    sent = json.loads(seen.body)
    at = row["start_at"].timestamp() * 1_000_000
    start = sent["start_at"]
    if isinstance(start, str):
        start = datetime.datetime.fromisoformat(start).timestamp() * 1_000_000
    plain = ["record_id", "record_type", "duration_s", "is_answered"]
    optional = ["call_ref", "partial_seq", "ring_s", "release_cause", "trunk", "cell", "imei", "imsi"]
    return (
        all(row[name] == sent[name] for name in plain)
        and all(row[name] == sent.get(name) for name in optional)
        and row["caller_raw"] == (sent["caller"] or "")
        and row["callee_raw"] == sent["callee"]
        and row["callee"] == int(sent["callee"])
        and abs(at - start) < 1
    )


def same_reject(row, seen):
    at_ms = round(row["kafka_at"].timestamp() * 1_000)
    header = json.dumps([["expect", seen.expect.encode().hex()]], separators=(",", ":"))
    return (row["reason"], row["payload"], row["key"], at_ms, row["headers"]) == (
        seen.expect, seen.body, seen.key, seen.at_ms, header)


def compare_tables(lake, reference):
    """Both lakes read one topic: their rows differ in nothing but the moment of loading."""
    wrong = []
    for table in ["call_record", "reject"]:
        # A reject lies on the day on which it was refused, and a clock that steps changes that.
        aside = {"loaded_at", "day"} if table == "reject" else {"loaded_at"}
        one, other = digest(rows_of(lake, table), aside), digest(rows_of(reference, table), aside)
        if one != other:
            wrong.append(f"{table}: hash {one[:12]}, undisturbed {other[:12]}")
    return wrong


def digest(rows, aside):
    lines = sorted(repr(sorted((name, value) for name, value in row.items() if name not in aside)) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def runs(places):
    """`0:7-9 2:4` of sorted places."""
    told = []
    for _, group in itertools.groupby(enumerate(places), lambda pair: (pair[1][0], pair[1][1] - pair[0])):
        group = [place for _, place in group]
        (partition, first), (_, last) = group[0], group[-1]
        told.append(f"{partition}:{first}" + (f"-{last}" if last > first else ""))
    return " ".join(told[:10]) + (f" and {len(told) - 10} more runs" if len(told) > 10 else "")


# --- all seeds ---


def run_seed(number, only, broker, clock, scratch):
    """The outcome of a seed as a line of the record, and whether it is well."""
    folder = scratch / f"seed-{number}"
    folder.mkdir()
    the_plan = plan(number, only)
    seed = Seed(the_plan, broker, clock, folder)
    began = time.monotonic()
    try:
        outcome = outcome_of(seed.run, folder, seed.wrong)
    finally:
        seed.clean_up()
    line = {
        "date": datetime.date.today().isoformat(), "seed": number, "protocol": the_plan.protocol,
        "workers": the_plan.workers, "partitions": the_plan.partitions, "messages": len(seed.truth),
        "faults": " ".join(map(str, the_plan.faults)), "restarts": len(seed.restarts),
        "seconds": f"{time.monotonic() - began:.1f}", "outcome": outcome,
    }
    (folder / "restarts").write_text("\n".join(seed.restarts))
    if outcome == "ok":
        shutil.rmtree(folder)
    else:
        seed.keep(outcome)
    return line, seed.restarts


def outcome_of(play, folder, wrong=()):
    """`ok`, or what failed; where the harness itself fell over, also what was found `wrong` until then."""
    try:
        play()
    except Failed as failure:
        return f"FAILED: {failure}"
    except Exception as problem:
        (folder / "traceback").write_text(traceback.format_exc())
        return "; ".join([f"FAILED: harness: {problem!r}", *wrong])
    return "ok"


def said(order):
    return subprocess.run(order, capture_output=True, text=True, check=True, cwd=PROJECT).stdout.strip()


def append(record, line, columns=RECORD):
    is_new = not record.exists() or record.stat().st_size == 0
    with record.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(line)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--record", type=Path, default=PROJECT / "tests/kill-record.csv", help="what outcomes join")
    parser.add_argument("--brokers", help="a broker that is not ours, and so is not killed")
    parser.add_argument("--only", default="", help=f"of {', '.join(PROTOCOLS)} and {', '.join(FAULTS)} these alone")
    given = parser.parse_args()
    given.only = [name for name in given.only.split(",") if name]
    unknown = set(given.only) - set(PROTOCOLS) - set(FAULTS)
    if unknown:
        parser.error(f"--only knows no {', '.join(unknown)}")
    return given


def main():
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    commit = said(["git", "rev-parse", "--short=12", "HEAD"])
    stamp = {"commit": commit, "version": said([PROGRAM, "--version"]).split()[-1]}
    scratch = Path(tempfile.mkdtemp(prefix="callsieve-kill-"))
    failed, seconds, skipped, ends = [], 0.0, 0, collections.Counter()
    broker = None
    try:
        broker = Broker(given.brokers, scratch / "kafka")
        clock = build(scratch, "clock", CLOCK_SOURCE)
        for number in range(given.first, given.first + given.seeds):
            line, restarts = run_seed(number, given.only, broker, clock, scratch)
            append(given.record, line | stamp)
            print("seed {seed:4} {protocol:11} workers {workers} partitions {partitions} messages {messages:4} "
                  "restarts {restarts} {seconds:>5} s {outcome} [{faults}]".format(**line), flush=True)
            seconds += float(line["seconds"])
            skipped += line["faults"].count("(skipped)")
            ends.update(re.sub(r"/\S+|\d{2,}", "*", end.split(" ", 1)[1])[:110] for end in restarts)
            if line["outcome"] != "ok":
                failed.append(number)
                only = f" --only {','.join(given.only)}" if given.only else ""
                print(f"  kept in {scratch / f'seed-{number}'}; "
                      f"again: tests/kill.py --seeds 1 --first {number}{only}", flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        failed.append("interrupted")
    finally:
        if broker:
            broker.stop()
        shutil.rmtree(scratch / "kafka", ignore_errors=True)
        (scratch / "clock.so").unlink(missing_ok=True)
        if not any(scratch.iterdir()):
            scratch.rmdir()
    for end, count in ends.most_common():
        print(f"  ended by itself {count} times: {end}")
    each = seconds / max(given.seeds, 1)
    print(f"{given.seeds} seeds, {len(failed)} failed, {each:.1f} s each, {skipped} faults skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
