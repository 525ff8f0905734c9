"""The kill harness for what leaves the house: exports and deliveries that end at any moment, and the run after.

    V/bin/python tests/kill_export.py --seeds 200 --demo callsieve-demo     # on the lake of a finished demo
    V/bin/python tests/kill_export.py --seeds 1 --first 7                   # one seed again
    V/bin/python tests/kill_export.py --seeds 7 --only sftp                 # of the scenes these alone
    V/bin/python tests/kill_export.py --self-test                           # that it finds what is broken on purpose

In: a finished demo and seeds. Out: one line on stdout for each seed, a line in the record, exit 1 when any failed; the
folder of a failed seed stays. Never: touches the demo; asks callsieve whether it did well, except for `verify`, beside
our own look at every byte.

What a seed is. A scene is one command on a lake of its own: an export of a package, a dossier, a block list with delta
and commands or notices, or the delivery of a package to a folder, to a webhook or over SFTP. Each scene is played once
undisturbed; that run is the reference, and says how long it takes and in how many steps: calls by which the process
changes a disk or sends. A seed draws a share of either and kills the process there, by the clock or right before that
step. Then the same command runs to its end, and once more. A command may be faster than the clock: such a seed says
`ended before` and is counted as no kill. A step is never missed: a seed that was to die at one and did not has failed,
and a library that counts no step ends all.

What it proves of each seed.
1. After the kill no half is seen: every folder in its place names each of its files with its hash and has no other,
   nothing in it looks unfinished, and `verify` holds for what is signed. Of SFTP a file is whole once it has its name,
   and the manifest comes last; of a webhook likewise.
2. After the second run all files are those of the reference, to the last byte, and nothing is left beside them.
3. What stood after the kill was not written again: the same inode and the same time.
4. A webhook has accepted each file under one key, and never another body under a key that it knew.
5. `package`, `blocklist_export` and `notice` hold the rows of the reference (without when), each once. `delivery` tells
   of the reference's target, folder and hashes and of no other, once that it is done, at most twice that it was
   intended, and never that it failed; how many files and attempts it took is not compared.
6. The third run changes nothing, and sends nothing.
7. No dossier is seen that the trail does not know.

What it cannot prove. The process dies, the machine does not: nothing is said about fsync. Steps of the kernel alone
(`renameat2`) are not counted, so a kill there is left to the clock.

SFTP is played where CALLSIEVE_SFTP names a server of `tests/sshd`; steps are counted where there is a C compiler,
elsewhere every kill is by the clock. CALLSIEVE_BIN names the program, as for `kill.py`.
"""

import argparse
import collections
import datetime
import hashlib
import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse

from deltalake import DeltaTable

from kill import PROGRAM, PROJECT, Failed, append, build, outcome_of, said

RECORD = ["date", "seed", "commit", "version", "scene", "kill", "seen", "seconds", "outcome"]
DAY, WEEK, BEFORE = "2025-01-19", "2025-W03", "2025-W02"
# What exports and deliveries write, and nothing else does.
WRITTEN = ["package", "blocklist_export", "notice", "delivery"]
# What a delivery is of: where it goes, what it is, and by which bytes.
DELIVERED = ("target", "folder", "manifest_sha256", "signature_sha256")
# When something was so differs from run to run.
INSTANTS = {"published_at", "noted_at"}
# For a run that is left alone, on a machine that has other things to do as well.
RUN_SECS = 600
# A receiver that answers at once leaves no time to be killed in.
ANSWER_SECS = 0.03


# --- steps ---

# Counts what changes a disk or goes out by a socket, and kills right before one of them: [0] counts, [1] is which.
STEP_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int64_t *steps;

__attribute__((constructor)) static void find(void) {
    int file = open(getenv("STEP_FILE"), O_RDWR);
    void *page = mmap(0, 2 * sizeof *steps, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    steps = page == MAP_FAILED ? 0 : page;
    close(file);
}

static void step(void) {
    if (steps && __atomic_add_fetch(&steps[0], 1, __ATOMIC_SEQ_CST) == steps[1]) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

/* An eventfd or a pipe wakes a thread, and nobody else sees it. */
static int is_seen(int file) {
    struct stat facts;
    return !fstat(file, &facts) && (S_ISREG(facts.st_mode) || S_ISSOCK(facts.st_mode));
}

#define STEP(type, name, parameters, arguments, counts) \
    type name parameters { \
        static type (*real) parameters; \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        if (counts) step(); \
        return real arguments; \
    }

STEP(int, mkdir, (const char *path, mode_t mode), (path, mode), 1)
STEP(int, rmdir, (const char *path), (path), 1)
STEP(int, rename, (const char *from, const char *to), (from, to), 1)
STEP(int, link, (const char *from, const char *to), (from, to), 1)
STEP(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), 1)
STEP(int, unlink, (const char *path), (path), 1)
STEP(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), 1)
STEP(int, fsync, (int file), (file), 1)
STEP(int, fdatasync, (int file), (file), 1)
STEP(int, ftruncate64, (int file, off64_t size), (file, size), 1)
STEP(ssize_t, write, (int file, const void *bytes, size_t size), (file, bytes, size), is_seen(file))
STEP(ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count), is_seen(file))
STEP(ssize_t, pwrite64, (int file, const void *bytes, size_t size, off64_t at), (file, bytes, size, at), 1)
STEP(ssize_t, send, (int file, const void *bytes, size_t size, int flags), (file, bytes, size, flags), 1)
STEP(ssize_t, sendmsg, (int file, const struct msghdr *message, int flags), (file, message, flags), 1)
"""


class Steps:
    """The page that a process shares with us."""

    def __init__(self, library, folder, kill_at):
        self.environment = {}
        self.page = None
        if library:
            path = folder / "steps"
            path.write_bytes(struct.pack("=qq", 0, kill_at))
            with path.open("r+b") as file:
                self.page = mmap.mmap(file.fileno(), 16)
            self.environment = {"LD_PRELOAD": str(library), "STEP_FILE": str(path)}

    def count(self):
        return struct.unpack("=qq", self.page[:])[0] if self.page else 0


# --- a receiver ---


@dataclass
class Post:
    key: str
    place: str
    file: str
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Takes each key once, as a webhook's owner is told to; whoever is cut off has sent nothing."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.posts: list[Post] = []
        self.accepted: dict[str, Post] = {}
        self.wrong: list[str] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, post):
        with self.lock:
            self.posts.append(post)
            known = self.accepted.setdefault(post.key, post)
            if known.body != post.body or (known.place, known.file) != (post.place, post.file):
                self.wrong.append(f"{post.file} came under the key of another file or body")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        place, name = self.headers["X-Callsieve-Folder"], self.headers["X-Callsieve-File"]
        self.server.take(Post(self.headers["Idempotency-Key"], place, name, body))
        time.sleep(ANSWER_SECS)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, BrokenPipeError):
            pass  # the other end was killed

    def log_message(self, *_):
        pass


# --- scenes ---


@dataclass
class Site:
    """A folder of one seed: a lake, a desk, and where things go."""

    folder: Path
    receiver: Receiver | None = None

    @property
    def lake(self):
        return self.folder / "lake"

    @property
    def out(self):
        return self.folder / "out"

    @property
    def share(self):
        return self.folder / "share"

    @property
    def config(self):
        return self.folder / "site.toml"


@dataclass
class Scene:
    name: str
    arguments: object  # from a site and the base, the command's
    seen: str  # below a site, where one looks
    target: str = ""  # of a delivery, `[delivery.there]`


def exports(*words):
    def arguments(site, base):
        more = {"regulator": ["--key", base.key], "dossier": ["--key", base.key, "--config", site.config]}
        number = [base.number] if words[0] == "dossier" else []
        return ["export", words[0], *number, *words[1:], "--lake", site.lake, "--out", site.out,
                *more.get(words[0], [])]
    return arguments


def delivers(site, base):
    return ["deliver", base.published / "regulator" / WEEK, "--to", "there", "--config", site.config]


SCENES = [
    Scene("package", exports("regulator", "--week", WEEK), "out"),
    Scene("dossier", exports("dossier", "--from", "2025-01-13", "--until", DAY, "--case", "K-1", "--by", "an"), "out"),
    Scene("blocklist", exports("blocklist", "--day", DAY, "--delta", "--mml", "schemas/mml/example.toml"), "out"),
    Scene("notices", exports("notices", "--day", DAY), "out"),
    Scene("folder", delivers, "share", "folder"),
    Scene("webhook", delivers, "", "webhook"),
    Scene("sftp", delivers, "share", "sftp"),
]


def sftp_server():
    """Host, port, user and folder of `tests/sshd`, or `None`."""
    named = os.environ.get("CALLSIEVE_SFTP")
    return urlparse(named) if named else None


class Base:
    """What every seed begins with: the demo's lake before anything left it, but for the week before."""

    def __init__(self, demo, folder):
        self.folder, self.key = folder / "base", folder / "base/package.key"
        self.published = folder / "published"
        self.folder.mkdir()
        copy(demo / "lake", self.folder / "lake", without=WRITTEN)
        for name in ("package.key", "package.key.pub"):
            shutil.copy(demo / name, self.folder / name)
        site = Site(self.folder)
        write_config(site, "")
        must(site, ["user", "add", "an", "--role", "supervisor", "--by", "an", "--config", site.config])
        package, other = ["export", "regulator", "--key", self.key, "--week"], folder / "other"
        must(site, [*package, BEFORE, "--out", site.out, "--lake", site.lake])
        copy(site.lake, other)
        must(site, [*package, WEEK, "--out", self.published, "--lake", other])
        must(site, ["export", "blocklist", "--day", DAY, "--out", self.published, "--lake", other])
        rows = (self.published / "blocklist" / DAY / "blocklist.csv").read_text().splitlines()
        self.number = rows[1].split(",")[1]

    def site(self, folder, scene):
        copy(self.folder, folder)
        site = Site(folder)
        if scene.target == "webhook":
            site.receiver = Receiver()
            (folder / "secret").write_text("0123456789abcdef\n")
        if scene.target == "sftp":
            # What a server of its own shows is looked at by a path.
            there = Path(sftp_server().path) / "data" / folder.name
            there.mkdir()
            site.share.symlink_to(there)
        if scene.target == "folder":
            site.share.mkdir()
        write_config(site, scene.target)
        if scene.name == "notices":
            # Only what a list has asked for is told. Its folder is none of those that are looked at.
            must(site, ["export", "blocklist", "--day", DAY, "--out", folder / "listed", "--lake", site.lake])
        return site


def copy(folder, place, without=()):
    """A folder's copy; of files of Delta tables, which are never written to again, another name is enough."""
    def link(source, target):
        if source.endswith(".parquet"):
            try:
                return os.link(source, target)
            except OSError:
                pass  # another file system
        return shutil.copyfile(source, target)

    def left_out(at, _):
        return without if Path(at) == folder else []

    shutil.copytree(folder, place, copy_function=link, ignore=left_out)


def write_config(site, target):
    lines = [f'lake = "{site.lake}"', "[kafka]", 'brokers = "127.0.0.1:1"',
             "[desk]", f'store = "sqlite:{site.folder}/desk.db"']
    if target:
        lines += ["[delivery.there]", f'kind = "{target}"']
    if target == "folder":
        lines.append(f'path = "{site.share}"')
    if target == "webhook":
        port = site.receiver.server_address[1]
        lines += [f'url = "http://127.0.0.1:{port}/in"', f'secret_file = "{site.folder}/secret"']
    if target == "sftp":
        server = sftp_server()
        fingerprint = (Path(server.path) / "fingerprint").read_text().strip()
        lines += ['host = "127.0.0.1"', f"port = {server.port}", f'user = "{server.username}"',
                  f'key_file = "{server.path}/client_key"', f'host_keys = ["{fingerprint}"]',
                  f'folder = "{site.folder.name}"']
    site.config.write_text("\n".join(lines) + "\n")


def start(site, arguments, environment=None):
    with (site.folder / "log").open("a") as log:
        # A session of its own: all that it has started dies with it, and ^C is for us alone.
        return subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=log, start_new_session=True, env=os.environ | (environment or {}))


def run(site, arguments, environment=None):
    """Leaves it alone until it ends; its exit code."""
    process = start(site, arguments, environment)
    try:
        return process.wait(RUN_SECS)
    finally:
        # Also when we are interrupted.
        if process.poll() is None:
            end(process)


def end(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def must(site, arguments):
    code = run(site, arguments)
    if code:
        raise Failed(f"{arguments[0]} ended with {code}: {(site.folder / 'log').read_text().strip()[-400:]}")


# --- what is seen ---


def tree(place):
    """Every file below a place with its bytes' hash."""
    if not place.exists():
        return {}
    files = (path for path in sorted(place.resolve().rglob("*")) if path.is_file())
    return {str(path.relative_to(place.resolve())): sha256(path.read_bytes()) for path in files}


def stamps(place):
    """Of every file that has its name, which it is and when it was written."""
    found = {}
    for name in tree(place):
        if not is_aside(name):
            facts = (place / name).stat()
            found[name] = facts.st_ino, facts.st_mtime_ns
    return found


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def is_aside(name):
    return any(part.startswith(".") for part in Path(name).parts)


def folders(place):
    """The folders in their places below one, each with its files."""
    found = collections.defaultdict(dict)
    for name, digest in tree(place).items():
        parent = Path(name).parent
        # Whatever lies aside has a dot before the name of its folder; a dot within one in its place does not count.
        if not is_aside(str(parent)):
            found[str(parent)][Path(name).name] = digest
    return found


def look_at_folder(place, name, files):
    """What is wrong with a folder that is seen."""
    wrong = [f"{name} shows {file}, which is unfinished" for file in files if is_aside(file)]
    marker = next((file for file in ("manifest.json", "summary.json") if file in files), None)
    if not marker:
        return [*wrong, f"{name} is seen without what says what it holds: {sorted(files)}"]
    said_of = json.loads((place / name / marker).read_text())
    if marker == "manifest.json":
        hashes = {file["name"]: file["sha256"] for file in said_of["files"]}
    else:
        hashes = {said_of["file"]: said_of["sha256"], **said_of.get("beside", {})}
    sealed = {marker, "SHA256SUMS", "SHA256SUMS.minisig"}
    others = (set(files) - sealed) ^ set(hashes)
    if others:
        wrong.append(f"{name} and {marker} differ in their files: {sorted(others)}")
    wrong += [f"{name}/{file} is not what {marker} says" for file in hashes if files.get(file) != hashes[file]]
    return wrong


def look(scene, site, base):
    """What is wrong with what can be seen, whatever happened."""
    place = site.folder / scene.seen
    source = tree(base.published / "regulator" / WEEK)
    if scene.target == "webhook":
        with site.receiver.lock:
            posts, wrong = list(site.receiver.accepted.values()), list(site.receiver.wrong)
        wrong += [f"{post.file} came with other bytes" for post in posts if source.get(post.file) != sha256(post.body)]
        if any(post.file == "manifest.json" for post in posts) and {post.file for post in posts} != set(source):
            wrong.append("the manifest came before the rest")
        wrong += [f"{file} was accepted {count} times" for file, count in
                  collections.Counter(post.file for post in posts).items() if count > 1]
        return wrong
    wrong = []
    for name, files in folders(place).items():
        if scene.target == "sftp":
            named = {file: digest for file, digest in files.items() if not is_aside(file)}
            wrong += [f"{file} is not whole there" for file, digest in named.items() if source.get(file) != digest]
            if "manifest.json" in named and set(named) != set(source):
                wrong.append("the manifest is there before the rest")
            continue
        wrong += look_at_folder(place, name, files)
        if "SHA256SUMS.minisig" in files:
            verify = [PROGRAM, "verify", place / name, "--key", base.folder / "package.key.pub"]
            verified = subprocess.run(verify, capture_output=True, text=True, check=False)
            if verified.returncode:
                wrong.append(f"verify {name}: {verified.stdout.strip()} {verified.stderr.strip()}")
        if name.startswith("dossier/") and not handed_out(site):
            wrong.append("the trail does not know the dossier")
    return wrong


def handed_out(site):
    listing = [PROGRAM, "audit", "list", "--json", "--config", site.config]
    return '"dossier"' in subprocess.run(listing, capture_output=True, text=True, check=True).stdout


def rows(site):
    """The rows of what exports and deliveries write, in any order and without when."""
    found = {}
    for table in WRITTEN:
        if (site.lake / table / "_delta_log").exists():
            read = DeltaTable(site.lake / table).to_pyarrow_table().to_pylist()
            lines = [json.dumps({k: v for k, v in row.items() if k not in INSTANTS}, default=str, sort_keys=True)
                     for row in read]
            found[table] = collections.Counter(lines)
    return found


def compare_rows(found, wanted):
    """The tables are the reference's; of deliveries, what was intended may stand there once more, and what was done
    says how many files the run that ended had to send."""
    def delivered(lines):
        return {tuple(json.loads(line)[column] for column in DELIVERED) for line in lines}

    wrong = []
    for table in WRITTEN:
        ours, theirs = found.get(table, collections.Counter()), wanted.get(table, collections.Counter())
        if table != "delivery":
            if ours != theirs:
                wrong.append(f"{table} has {sum((ours - theirs).values())} rows too many and lacks "
                             f"{sum((theirs - ours).values())}")
            continue
        if delivered(ours) != delivered(theirs):
            wrong.append(f"delivery is of {sorted(map(str, delivered(ours)))}")
        states = collections.Counter(json.loads(line)["state"] for line in ours.elements())
        if states["done"] != (1 if theirs else 0) or states["intended"] > 2 or states["failed"]:
            wrong.append(f"delivery says {dict(states)}")
    return wrong


# --- one seed ---


@dataclass
class Reference:
    seconds: float
    steps: int
    files: dict
    rows: dict


def shown(scene, site):
    """All that has arrived or stands there."""
    if scene.target == "webhook":
        return {post.file: sha256(post.body) for post in site.receiver.accepted.values()}
    return tree(site.folder / scene.seen)


def play_reference(scene, base, library, folder):
    """Three times undisturbed, with one outcome: the time is that of a machine that knows the files."""
    times, counts, outcomes = [], [], []
    for turn in range(3):
        site = base.site(folder / f"reference-{scene.name}-{turn}", scene)
        steps = Steps(library, site.folder, 0)
        began = time.monotonic()
        code = run(site, scene.arguments(site, base), steps.environment)
        times.append(time.monotonic() - began)
        counts.append(steps.count())
        wrong = look(scene, site, base)
        if code or wrong:
            raise Failed(f"{scene.name}, undisturbed, ended with {code}: {wrong} {(site.folder / 'log').read_text()}")
        outcomes.append(shown(scene, site))
        # A step that only some runs come to is none to be killed at.
        reference = Reference(sorted(times)[len(times) // 2], min(counts), outcomes[0], rows(site))
        clean_up(site)
    if any(outcome != outcomes[0] for outcome in outcomes):
        raise Failed(f"{scene.name} comes out differently when it is left alone")
    if library and not reference.steps:
        raise Failed(f"of {scene.name} no step was counted: the library is not loaded, or wraps nothing that is called")
    return reference


class Seed:
    def __init__(self, number, scene, base, reference, library, folder):
        self.number, self.scene, self.base, self.reference = number, scene, base, reference
        self.site = base.site(folder, scene)
        rng = random.Random(number)
        self.by_step, share = rng.random() < 0.5 and library is not None, rng.random()
        self.secs, self.step = share * reference.seconds, 1 + int(share * reference.steps)
        self.planned = f"step {self.step} of {reference.steps}" if self.by_step else \
            f"{self.secs:.3f} of {reference.seconds:.3f} s"
        self.steps = Steps(library, folder, self.step if self.by_step else 0)
        self.seen, self.is_killed = "", False

    def run(self):
        self.die()
        self.check("after the kill")
        before = shown(self.scene, self.site)
        stood = self.stamps()
        self.finish("second")
        self.check("after the second run")
        self.is_as_reference()
        changed = [name for name, stamp in stood.items() if self.stamps().get(name) != stamp]
        if changed:
            raise Failed(f"the second run wrote {changed} once more")
        if self.scene.target == "webhook" and before.keys() - shown(self.scene, self.site).keys():
            raise Failed("what had arrived is gone")
        self.is_quiet()

    def die(self):
        began = time.monotonic()
        process = start(self.site, self.scene.arguments(self.site, self.base), self.steps.environment)
        try:
            process.wait(RUN_SECS if self.by_step else self.secs)
            is_killed = process.returncode == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            end(process)
            if self.by_step:
                raise Failed(f"it was to die at step {self.step} and goes on for {RUN_SECS} s") from None
            is_killed = True
        if not is_killed and process.returncode:
            raise Failed(f"it ended by itself with {process.returncode}")
        if not is_killed and self.by_step:
            raise Failed(f"it was to die at step {self.step} and ended after {self.steps.count()}")
        self.is_killed = is_killed
        if not is_killed:
            # The machine has become faster: the next ones are not to come too late as well.
            self.reference.seconds = min(self.reference.seconds, time.monotonic() - began)
        if self.scene.target:
            time.sleep(2 * ANSWER_SECS)  # what was under way arrives
        arrived = shown(self.scene, self.site)
        aside = sum(map(is_aside, arrived))
        self.seen = f"{len(arrived) - aside} files, {aside} aside" + ("" if is_killed else ", ended before")

    def finish(self, which):
        code = run(self.site, self.scene.arguments(self.site, self.base))
        if code:
            raise Failed(f"the {which} run ended with {code}")

    def check(self, when):
        wrong = look(self.scene, self.site, self.base)
        if wrong:
            raise Failed(f"{when}: {'; '.join(wrong)}")

    def stamps(self):
        return {} if self.scene.target == "webhook" else stamps(self.site.folder / self.scene.seen)

    def is_as_reference(self):
        found = shown(self.scene, self.site)
        if found != self.reference.files:
            differing = sorted(name for name in found.keys() | self.reference.files.keys()
                               if found.get(name) != self.reference.files.get(name))
            raise Failed(f"not as the run that was never killed: {differing}")
        wrong = compare_rows(rows(self.site), self.reference.rows)
        if wrong:
            raise Failed("; ".join(wrong))

    def is_quiet(self):
        receiver = self.site.receiver
        before = self.stamps(), rows(self.site), len(receiver.posts) if receiver else 0
        self.finish("third")
        after = self.stamps(), rows(self.site), len(receiver.posts) if receiver else 0
        if before != after:
            raise Failed("the third run did something")


def clean_up(site):
    if site.receiver:
        site.receiver.shutdown()
        site.receiver.server_close()
    if site.share.is_symlink():
        shutil.rmtree(site.share.resolve())
    shutil.rmtree(site.folder)


def play(number, scene, base, reference, library, scratch):
    began = time.monotonic()
    seed = Seed(number, scene, base, reference, library, scratch / f"seed-{number}")
    outcome = outcome_of(seed.run, seed.site.folder)
    if outcome == "ok":
        clean_up(seed.site)
    return {
        "date": datetime.date.today().isoformat(), "seed": number, "scene": scene.name, "kill": seed.planned,
        "seen": seed.seen, "seconds": f"{time.monotonic() - began:.1f}", "outcome": outcome,
    }, seed.is_killed


# --- what is broken on purpose ---

# Each stands in the place of callsieve, does one thing as it must not be done, and has to be found out by these words.
BROKEN = {
    # A package that comes into its place file by file, and whose first run dies between two of them.
    "half": ("package", "after the kill: ", r"""
out=; for ((i = 1; i <= $#; i++)); do [[ ${!i} == --out ]] && { j=$((i + 1)); out=${!j}; }; done
[[ $1 == export && $out == */seed-* ]] || exec "$REAL" "$@"
env -u LD_PRELOAD "$REAL" "${@//"$out"/"$out/.aside"}" || exit
copied=0
for file in "$out"/.aside/regulator/*/*; do
    [[ $((copied++)) == 4 && ! -e $out/../begun ]] && { touch "$out/../begun"; kill -KILL $$; }
    place=$out/${file#"$out"/.aside/}; mkdir -p "${place%/*}"; cp "$file" "$place"
done
rm -r "$out/.aside"
"""),
    # A run that takes what was begun for done.
    "lost": ("package", "not as the run that was never killed", r"""
out=; for ((i = 1; i <= $#; i++)); do [[ ${!i} == --out ]] && { j=$((i + 1)); out=${!j}; }; done
[[ $1 == export && $out == */seed-* ]] || exec "$REAL" "$@"
[[ -e $out/../begun ]] && exit 0
touch "$out/../begun"
exec "$REAL" "$@"
"""),
    # A delivery that forgets what it has sent.
    "twice": ("webhook", "the third run did something", r"""
[[ $1 == deliver ]] && for last; do :; done && rm -rf "${last%/*}/lake/delivery"
exec "$REAL" "$@"
"""),
}


def self_test(given, scratch):
    """Plays seeds with each broken program; whether all were found out."""
    mine, is_well = Path(__file__), True
    for name, (scene, words, body) in BROKEN.items():
        program = scratch / f"broken-{name}"
        program.write_text(f"#!/usr/bin/env bash\nREAL={PROGRAM}\n{body}")
        program.chmod(0o755)
        order = [sys.executable, mine, "--seeds", "8", "--only", scene, "--demo", given.demo, "--record", os.devnull]
        played = subprocess.run(order, capture_output=True, text=True, check=False,
                                env=os.environ | {"CALLSIEVE_BIN": str(program), "TMPDIR": str(scratch)})
        found = [line for line in played.stdout.splitlines() if f"FAILED: {words}" in line]
        print(f"{name}: found out by {len(found)} of 8 seeds", flush=True)
        print("  " + (found[0].split("FAILED: ")[1] if found else played.stdout + played.stderr), flush=True)
        is_well &= bool(found)
    return is_well


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [scene.name for scene in SCENES]
    parser.add_argument("--seeds", type=int, default=14, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--demo", type=Path, default=PROJECT / "callsieve-demo", help="the folder of a finished demo")
    record = PROJECT / "tests/kill-export-record.csv"
    parser.add_argument("--record", type=Path, default=record, help="what outcomes join")
    parser.add_argument("--only", default="", help=f"of {', '.join(names)} these alone")
    parser.add_argument("--self-test", action="store_true", help="play programs that are broken on purpose")
    given = parser.parse_args()
    only = [name for name in given.only.split(",") if name]
    if set(only) - set(names):
        parser.error(f"--only knows no {', '.join(set(only) - set(names))}")
    given.demo = given.demo.resolve()
    given.scenes = [scene for scene in SCENES if not only or scene.name in only]
    if not sftp_server():
        given.scenes = [scene for scene in given.scenes if scene.target != "sftp"]
    if not given.scenes:
        parser.error("CALLSIEVE_SFTP names no server; tests/sshd starts one")
    return given


def main():
    given = arguments()
    scratch = Path(tempfile.mkdtemp(prefix="callsieve-kill-"))
    if given.self_test:
        is_well = self_test(given, scratch)
        shutil.rmtree(scratch)
        sys.exit(0 if is_well else 1)
    commit = said(["git", "rev-parse", "--short=12", "HEAD"])
    stamp = {"commit": commit, "version": said([PROGRAM, "--version"]).split()[-1]}
    library = build(scratch, "steps", STEP_SOURCE)
    base = Base(given.demo, scratch)
    references, failed, kills = {}, [], 0
    for number in range(given.first, given.first + given.seeds):
        scene = given.scenes[number % len(given.scenes)]
        if scene.name not in references:
            references[scene.name] = play_reference(scene, base, library, scratch)
        line, is_killed = play(number, scene, base, references[scene.name], library, scratch)
        kills += is_killed
        append(given.record, line | stamp, RECORD)
        end_at = "killed at" if is_killed else "NOT killed at"
        print("seed {seed:4} {scene:9} {end_at} {kill:>20}: {seen}, {seconds} s {outcome}".format(**line, end_at=end_at),
              flush=True)
        if line["outcome"] != "ok":
            failed.append(number)
            print(f"  kept in {scratch / f'seed-{number}'}", flush=True)
    if not failed:
        shutil.rmtree(scratch)
    print(f"{given.seeds} seeds, {kills} killed, {len(failed)} failed, scenes {', '.join(scene.name for scene in given.scenes)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
