"""Shared by all recordings: the namespace that they run in, running a tool, and the format of truth.json.

    corpus = Corpus("borg", "1.4.5")                # an empty tests/testdata/corpus/borg-1.4.5
    case = corpus.case("create-warning", "one file is unreadable")
    case.run([...], stdout="stdout.json", stderr="stderr.jsonl", exit_code=1)
    case.truth("warning", id="…", added_bytes=17)
    case.capture("stdout.json", "standard output", "borg", [shows("success", evidence="report", id="…")],
                 cannot_tell="only the exit code shows warnings")

truth.json of a case:

    tool, version, case, what       the recorded run
    operation                       backup, check, prune, forget, compact, restore or other
    exit_code                       of the process; 128 + n for signal n
    truth                           result (success, warning, failure, interrupted or skipped), id and added_bytes
    started, ended                  seconds since 1970, around the process
    captures[]                      file, way (how it was written), format (of the reader), timezone,
                                    expect (the runs that the file shows), cannot_tell (the reason, if
                                    expect differs from the truth), options (settings of the reader), open
                                    (the tool was running and had the file open when it was copied)

A run in `expect` has backup (null: named after the file), operation (null: the file does not show it), result,
evidence (missing: any evidence is acceptable), and id and added_bytes if the file shows them. If a case has
several runs, the truth is that of the last one.
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
PEERS = Path("/opt")  # the tools that scripts/peers installed, as mounted in the namespace
DISCARDED = SRV / "discarded"  # output of the last run that is not recorded
TESTDATA = Path("tests/testdata/corpus")  # relative, since /srv may be mounted over the sources
TIMEZONE = "Europe/Berlin"

# The whole environment of a tool.
ENVIRONMENT = {
    "HOME": "/srv/home",
    "USER": "root",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "TMPDIR": "/srv/tmp",
    "TZ": TIMEZONE,
    "LC_ALL": "C.UTF-8",
}


class Failed(Exception):
    """A recording that did not go as expected."""


def enter_namespace(script):
    """Restarts the script in a namespace of its own; in the restarted script, prepares that namespace."""
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
    """A run that a reader must find in a capture. Without `backup` it is named after the file."""
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
    """One folder. truth() writes truth.json, and each capture() adds to it."""

    def __init__(self, corpus, name, what, operation):
        assert operation in OPERATIONS
        self.folder = corpus.folder / name
        self.folder.mkdir(parents=True)
        self.record = {"tool": corpus.tool, "version": corpus.version, "case": name, "what": what,
                       "operation": operation}

    def run(self, command, *, exit_code=0, stdout=None, stderr=None, both=None, **options):
        """Runs the command, appending its streams to files of the case. The function run() describes the options."""
        paths = {key: self.folder / name
                 for key, name in (("stdout", stdout), ("stderr", stderr), ("both", both)) if name}
        code, started, ended = run(command, **paths, **options)
        if code != exit_code:
            for path in (*paths.values(), DISCARDED):
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
    """Yields the running process, in a session of its own. Kills it at the end if it is still running.

    `env` adds variables to the environment; None removes one.
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

    stdout, stderr and both are files to append to; a stream without a file goes to DISCARDED, which the next
    run empties. `during` is called with the running process. The other options are those of background().
    """
    def appending(path):
        return open(path or DISCARDED, "ab", buffering=0)

    DISCARDED.write_bytes(b"")
    with appending(both or stdout) as out, appending(both or stderr) as err:
        started = time.time()
        with background(command, stdout=out, stderr=subprocess.STDOUT if both else err, **options) as process:
            if during:
                during(process)
            code = process.wait(timeout=120)
        ended = time.time()
    return (128 - code if code < 0 else code), started, ended


def output(command):
    """The standard output of the command, which must succeed."""
    done = subprocess.run([str(word) for word in command], env=ENVIRONMENT, cwd=SRV, stdin=subprocess.DEVNULL,
                          capture_output=True)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def wait_until(condition, what="something"):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"timed out waiting for {what}")
        time.sleep(0.02)


def ordinary_user(command):
    """The command run by root without its capabilities: file modes apply, and the user name is still root."""
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]


def damage(file, offset=100):
    """Overwrites some bytes of a file."""
    file.chmod(0o600)
    with open(file, "r+b") as stream:
        stream.seek(offset)
        stream.write(b"damaged")


class Pipe:
    """A named pipe that ends only when this object is closed, so its reader cannot finish before that."""

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
        """Waits until a reader has read everything in the pipe."""
        wait_until(lambda: not any(fcntl.ioctl(self.descriptor, termios.FIONREAD, bytes(4))), "a reader of the pipe")


@contextmanager
def small_disk(folder, kilobytes):
    """Moves the content of the folder to a file system of only some kilobytes, until the end of the block."""
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
