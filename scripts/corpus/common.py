"""What all recordings share: the namespace they run in, running a tool, and the format of truth.json.

    corpus = Corpus("borg", "1.4.5")                # empties tests/testdata/corpus/borg-1.4.5
    case = corpus.case("create-warning", "one file is unreadable")
    case.run([...], stdout="stdout.json", stderr="stderr.jsonl", exit_code=1)
    case.truth("warning", id="…", added_bytes=17)
    case.capture("stdout.json", "standard output", "borg", [shows("success", evidence="report", id="…")],
                 cannot_tell="only the exit code tells of warnings")

truth.json of a case:

    tool, version, case, what       which run this was
    operation                       backup, check, prune, forget, compact, restore or other
    exit_code                       how the process ended, 128 + n for a signal
    truth                           result (success, warning, failure, interrupted or skipped), id and added_bytes
    started, ended                  seconds since 1970, around the process
    captures[]                      file, way (how it was written), format (of the reader), timezone,
                                    expect (the runs that the file shows), cannot_tell (where that is not
                                    the truth: why not), options (settings of the reader), open (the
                                    tool still ran and had the file open when it was copied)

A run in `expect` has backup (null: called as the file is), operation (null: the file does not say which),
result, evidence (missing: more than one would do), and id and added_bytes where the file tells them. Where a
case has several runs, the truth is that of the last.
"""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path

WAYS = ("standard output", "both streams", "log file", "status file")
RESULTS = ("success", "warning", "failure", "interrupted", "skipped")
OPERATIONS = ("backup", "check", "prune", "forget", "compact", "restore", "other")
EVIDENCE = ("report", "exit_code", "archive")

SRV = Path("/srv")
PEERS = Path("/opt")  # where scripts/peers has put its tools, seen from inside
LOST = SRV / "lost"  # what the last run printed that is not recorded
TESTDATA = Path("tests/testdata/corpus")  # relative: /srv may be mounted over the sources
TIMEZONE = "Europe/Berlin"

# All that a tool sees of the environment.
ENVIRONMENT = {
    "HOME": "/srv/home",
    "USER": "root",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "TMPDIR": "/srv/tmp",
    "TZ": TIMEZONE,
    "LC_ALL": "C.UTF-8",
}


class Failed(Exception):
    """A recording that is not what it should be."""


def enter_namespace(script):
    """Starts the script again in a namespace of its own, or, when that is done, prepares it."""
    if "RECORD_CORPUS_ROOT" not in os.environ:
        cache = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
        peers = os.environ.get("BACKUP_EXPORTER_PEERS", f"{cache}/backup_exporter/peers")
        os.environ |= {"RECORD_CORPUS_ROOT": str(script.parent.parent), "RECORD_CORPUS_PEERS": str(peers)}
        namespace = ["--user", "--map-root-user", "--mount", "--mount-proc", "--uts", "--pid", "--fork", "--kill-child"]
        os.execvp("unshare", ["unshare", *namespace, script, *sys.argv[1:]])
    os.chdir(os.environ["RECORD_CORPUS_ROOT"])
    peers = os.environ["RECORD_CORPUS_PEERS"]
    if os.path.isdir(peers):
        subprocess.run(["mount", "--bind", peers, PEERS], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", SRV], check=True)
    subprocess.run(["hostname", "web1"], check=True)
    for folder in ("home", "tmp"):
        (SRV / folder).mkdir()


def shows(result, operation="backup", *, backup=None, evidence=None, id=None, added_bytes=None):
    """A run that a reader must find in a capture. Without backup it is called as the file is."""
    assert result in RESULTS and operation in (None, *OPERATIONS) and evidence in (None, *EVIDENCE)
    run = {"backup": backup, "operation": operation, "result": result}
    if evidence:
        run["evidence"] = evidence
    if id:
        run["id"] = id
    if added_bytes is not None:
        run["added_bytes"] = added_bytes
    return run


class Corpus:
    """The recordings of one version of one tool."""

    def __init__(self, tool, version):
        self.tool = tool
        self.version = version
        self.folder = TESTDATA / f"{tool}-{version}"
        shutil.rmtree(self.folder, ignore_errors=True)

    def case(self, name, what, operation="backup"):
        return Case(self, name, what, operation)


class Case:
    """One folder. truth.json is there as soon as truth() was called, and grows with each capture()."""

    def __init__(self, corpus, name, what, operation):
        assert operation in OPERATIONS
        self.folder = corpus.folder / name
        self.folder.mkdir(parents=True)
        self.record = {"tool": corpus.tool, "version": corpus.version, "case": name, "what": what,
                       "operation": operation}

    def run(self, command, *, exit_code=0, stdout=None, stderr=None, both=None, **options):
        """Runs the command with its streams appended to files of the case; see run() for the options."""
        paths = {key: self.folder / name
                 for key, name in (("stdout", stdout), ("stderr", stderr), ("both", both)) if name}
        code, started, ended = run(command, **paths, **options)
        if code != exit_code:
            for path in (*paths.values(), LOST):
                sys.stderr.write(path.read_text(errors="replace")[-3000:])
            raise Failed(f"{self.folder}: {' '.join(map(str, command))}: ended with {code} instead of {exit_code}")
        self.record |= {"exit_code": code, "started": round(started, 3), "ended": round(ended, 3)}
        print(f"{self.folder.relative_to(TESTDATA)}: exit {code}, {ended - started:.1f} s", flush=True)

    def read(self, name):
        return (self.folder / name).read_text(errors="replace")

    def keep(self, path, name):
        """Copies a file that the tool wrote elsewhere."""
        shutil.copyfile(path, self.folder / name)

    def truth(self, result, *, id=None, added_bytes=None):
        assert result in RESULTS
        record = self.record
        times = {key: record.pop(key) for key in ("started", "ended")}
        self.record |= {"truth": {"result": result, "id": id, "added_bytes": added_bytes}, **times, "captures": []}
        self._write()

    def capture(self, file, way, format, expect, *, cannot_tell=None, options=None, open=False):
        assert way in WAYS and (self.folder / file).is_file()
        capture = {"file": file, "way": way, "format": format, "timezone": TIMEZONE}
        if options:
            capture["options"] = options
        if open:
            capture["open"] = True
        capture["expect"] = expect
        if cannot_tell:
            capture["cannot_tell"] = cannot_tell
        self.record["captures"].append(capture)
        self._write()

    def _write(self):
        text = json.dumps(self.record, indent=1, ensure_ascii=False)
        (self.folder / "truth.json").write_text(text + "\n")


@contextmanager
def background(command, *, stdin=None, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=None, cwd=SRV):
    """The running process, which leads a process group of its own, and is killed if it still runs at the end.

    A variable of `env` that is None is one that the process does not have.
    """
    variables = {name: value for name, value in (ENVIRONMENT | (env or {})).items() if value is not None}
    process = subprocess.Popen([str(word) for word in command], stdin=stdin or subprocess.DEVNULL, stdout=stdout,
                               stderr=stderr, env=variables, cwd=cwd, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run(command, *, stdout=None, stderr=None, both=None, during=None, **options):
    """Runs the command and returns its exit code and the times before and after.

    stdout, stderr and both are files to append to; what has none is lost with the next run. `during` is
    called with the running process. The other options are those of background().
    """
    def appending(path):
        return open(path or LOST, "ab", buffering=0)

    LOST.write_bytes(b"")
    with appending(both or stdout) as out, appending(both or stderr) as err:
        started = time.time()
        with background(command, stdout=out, stderr=subprocess.STDOUT if both else err, **options) as process:
            if during:
                during(process)
            code = process.wait(timeout=120)
        ended = time.time()
    return (128 - code if code < 0 else code), started, ended


def output(command):
    """What the command prints on standard output; it has to succeed."""
    done = subprocess.run([str(word) for word in command], env=ENVIRONMENT, cwd=SRV, stdin=subprocess.DEVNULL,
                          capture_output=True)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def wait_until(condition, what="something"):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"waited in vain for {what}")
        time.sleep(0.02)


def ordinary_user(command):
    """The command by root without its capabilities: bound by file modes, and still called root."""
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]


def damage(file, offset=100):
    """Overwrites some bytes of a file."""
    file.chmod(0o600)
    with open(file, "r+b") as stream:
        stream.seek(offset)
        stream.write(b"damaged")


class Pipe:
    """A named pipe that ends only when this object is closed. So who reads it is surely not done before."""

    def __init__(self, path=SRV / "pipe", content=b"x" * 20000):
        self.path = path
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self.descriptor = os.open(path, os.O_RDWR)
        os.write(self.descriptor, content)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def wait_for_reader(self):
        """Until somebody has read all that there is, and waits for more."""
        wait_until(lambda: not any(fcntl.ioctl(self.descriptor, termios.FIONREAD, bytes(4))), "a reader of the pipe")


@contextmanager
def small_disk(folder, kilobytes):
    """What is in the folder, on a file system that has only some kilobytes of room in all."""
    small = SRV / "small"
    small.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", small], check=True)
    shutil.copytree(folder, small, dirs_exist_ok=True)
    subprocess.run(["mount", "--move", small, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def kill(pid, name):
    os.kill(pid, getattr(signal, f"SIG{name}"))
