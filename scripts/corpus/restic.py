"""Records the newest restic and Debian's. tests/testdata/restic has more recordings of the latter.

The case NAME keeps only standard output. NAME-both is a second run with both streams in one file. restic
reports errors on standard error only.
"""
import json
import os
import shutil
import subprocess

from corpus.common import (ENVIRONMENT, PEERS, SRV, Corpus, Pipe, background, damage, kill, ordinary_user,
                           output, run, shows, small_disk, wait_until)

WORK = SRV / "work"  # everything that changes; next to the sources it would change their parent folder
REPOSITORY = WORK / "repo"
CACHE = WORK / "cache"
RESTORED = WORK / "restored"
STATES = WORK / "states"
PIPE = WORK / "pipe"
PROCESS_ID = WORK / "pid"
DATA = SRV / "data"
PARTIAL = SRV / "partial"  # has an unreadable file and an unreadable folder
MISSING = SRV / "missing"
LARGE = SRV / "large"  # for backups that take a while
ODD = SRV / "odd"  # has files with odd names

ENVIRONMENT |= {
    "RESTIC_REPOSITORY": str(REPOSITORY),
    "RESTIC_PASSWORD": "test",
    "RESTIC_CACHE_DIR": str(CACHE),
    "RESTIC_PROGRESS_FPS": "1",
}
WRONG_PASSWORD = {"RESTIC_PASSWORD": "wrong"}

VERSIONS = {"0.14.0": "/usr/bin/restic", "0.19.1": PEERS / "restic-0.19.1/restic"}

ON_STDERR = "restic reports it on standard error only"
NO_SNAPSHOT = "a dry run is not a run"
TEXT = "there is only text, which does not show what was done"

# The README's script for cron.
WRAPPER = """"$@"
code=$?
printf '{"message_type":"wrapper_exit","code":%d,"time":%d}\\n' "$code" "$(date +%s)"
exit "$code"
"""


class Restic:
    """One version of restic, and the states of a repository that it made."""

    def __init__(self, version):
        self.version = version
        self.program = VERSIONS[version]
        text = output(self.command("version")).decode()
        assert text.startswith(f"restic {version} "), text
        run(["true"])  # creates its files in /srv, the parent folder of the sources, which must not change later
        self.make_sources()
        self.make_states()

    def command(self, *arguments):
        return [self.program, *arguments]

    def backup(self, *arguments):
        return self.command("backup", "--json", "--host", "web1", *arguments)

    def make_sources(self):
        for folder in (DATA, PARTIAL, LARGE, ODD):
            shutil.rmtree(folder, ignore_errors=True)
        (DATA / "docs").mkdir(parents=True)
        (DATA / "docs/c.txt").write_text("a document\n")
        (DATA / "a.txt").write_text("".join(f"{i}\n" for i in range(500)))
        (DATA / "b.bin").write_bytes(os.urandom(30000))
        shutil.copytree(DATA, PARTIAL)
        (PARTIAL / "b.bin").chmod(0)
        (PARTIAL / "docs").chmod(0)
        LARGE.mkdir()
        (LARGE / "large.bin").write_bytes(os.urandom(400_000))
        ODD.mkdir()
        for name in (b"bad\xff\xfename", b'<>&"quoted"', b"two\nlines", b"tab\tcontrol\x01", "größe".encode(),
                     "line\u2028separator".encode(), b"back\\slash", b"does not exist, skipping", b"Fatal: no"):
            open(os.fsencode(ODD) + b"/" + name, "w").close()

    def make_states(self):
        shutil.rmtree(WORK, ignore_errors=True)
        STATES.mkdir(parents=True)
        output(self.command("init"))
        self.save("empty")
        output(self.backup("--tag", "daily", DATA))
        (DATA / "a.txt").write_text("".join(f"{i}\n" for i in range(510)))
        self.save("one")  # the next backup has a change
        output(self.backup("--tag", "daily", DATA))
        output(self.backup("--tag", "weekly", DATA))
        self.save("three")
        output(self.command("forget", "latest"))
        self.save("unpruned")
        self.begin("three")
        output(self.command("backup", "--host", "db1", DATA / "docs"))
        self.save("two-hosts")
        self.begin("three")
        for pack in self.files("data/*/*", lambda file: file.stat().st_size > 10000):
            damage(pack, pack.stat().st_size // 2)  # in b.bin, which is most of the pack
        self.save("damaged")
        self.begin("three")
        for index in self.files("index/*"):
            damage(index)
        self.save("damaged-index")

    def files(self, pattern, condition=lambda file: True):
        return [file for file in REPOSITORY.glob(pattern) if condition(file)]

    def save(self, state):
        shutil.copytree(REPOSITORY, STATES / state)

    def begin(self, state):
        for folder in (REPOSITORY, CACHE, RESTORED):
            shutil.rmtree(folder, ignore_errors=True)
        CACHE.mkdir()
        shutil.copytree(STATES / state, REPOSITORY)

    def ids(self):
        return {file.name for file in self.files("snapshots/*")}

    def added_bytes(self, id):
        """From the snapshot in the repository; None before restic 0.17, which does not store it."""
        snapshot = json.loads(output(self.command("cat", "snapshot", id)))
        return snapshot.get("summary", {}).get("data_added")

    def is_locked(self):
        return bool(self.files("locks/*", lambda file: len(file.name) == 64))

    def while_locked(self, action):
        """Calls the action while a frozen check holds an exclusive lock."""
        with background(self.command("check", "--read-data", "--limit-download", "1")) as holder:
            wait_until(self.is_locked, "a lock")
            kill(holder.pid, "STOP")
            action()


def messages(text):
    """The JSON documents among the lines."""
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            pass


def is_backup_status(message):
    members = ("files_done", "bytes_done", "current_files", "error_count", "seconds_remaining")
    return any(member in message for member in members)


class Recorder:
    """Makes the cases of one version."""

    def __init__(self, restic, corpus):
        self.restic = restic
        self.corpus = corpus

    def run(self, case, file, stream, command, **options):
        """Runs the command, appending its stream to the file. Returns the appended text and the new snapshot."""
        path = case.folder / file
        path.touch()
        begin, ids = path.stat().st_size, self.restic.ids()
        case.run(command, **{stream: file}, **options)
        new = list(self.restic.ids() - ids)
        assert len(new) <= 1
        return path.read_bytes()[begin:].decode(), new[0] if new else None

    def shown(self, text, stream, operation, result, id, added, named):
        """The runs that a reader finds in the output of one run."""
        documents = list(messages(text))

        def of_type(name):
            return [each for each in documents if isinstance(each, dict) and each.get("message_type") == name]

        statuses, summaries = of_type("status"), of_type("summary")
        exit_code = next((each["code"] for each in of_type("wrapper_exit")), 0)
        reported = summaries or any(isinstance(each, list) for each in documents) or "no errors were found" in text
        backing_up = any(map(is_backup_status, statuses))
        if any(summary.get("dry_run") for summary in summaries):
            return []
        if stream == "stdout" and exit_code == 3:
            result = "warning"  # a missing source has the same code
        elif stream == "stdout" and not exit_code and not (operation == "check" and summaries):
            # Standard output does not show errors, except for those that status lines count.
            if not reported:
                return [shows("interrupted", "backup" if backing_up else None)] if statuses else []
            result = "warning" if any(status.get("error_count") for status in statuses) else "success"
        if result == "success":
            return [shows(result, operation, evidence="report", id=id, added_bytes=added)] if reported else []
        return [shows(result, operation if named or summaries or backing_up else None, id=id, added_bytes=added)]

    def one(self, name, what, stream, command, *, result="success", operation="backup", state="one",
            named=False, cannot_tell=None, begin=None, **run_options):
        """One case of one run. `named`: its messages on standard error show which operation it was."""
        if begin:
            begin()
        else:
            self.restic.begin(state)
        case = self.corpus.case(name, what, operation)
        file = "stdout.jsonl" if stream == "stdout" else "both.jsonl"
        during = run_options.pop("during", None)
        if during:
            run_options["during"] = lambda process: during(process, case.folder / file)
        text, id = self.run(case, file, stream, command, **run_options)
        if operation != "backup":
            id = None
        added = self.restic.added_bytes(id) if id else None
        case.truth(result, id=id, added_bytes=added)
        if id and added is None:
            added = next((message["data_added"] for message in messages(text) if "files_new" in message), None)
        expect = self.shown(text, stream, operation, result, id, added, named)
        true = bool(expect) and expect[-1]["result"] == result
        way = "standard output" if stream == "stdout" else "both streams"
        case.capture(file, way, "restic", expect, cannot_tell=None if true else cannot_tell or ON_STDERR)

    def each(self, name, what, command, **options):
        """The two cases of a command."""
        self.one(name, what, "stdout", command, **options)
        self.one(f"{name}-both", what, "both", command, **options)


def stopped_by(signal, restic, *, late=False):
    """Options for a backup of a pipe that a signal ends before it is complete. `late`: the signal is sent after
    the first status lines, which contain only zeros, like those of the next run."""
    pipes = []

    def begin():
        restic.begin("one")
        pipes.append(Pipe(PIPE))

    def during(process, path):
        begin = path.stat().st_size

        def under_way():
            text = path.read_bytes()[begin:]
            return text.count(b'"message_type":"status"') > 1 and (not late or b'"seconds_elapsed"' in text)

        with pipes.pop() as pipe:
            pipe.wait_for_reader()
            wait_until(under_way, "status lines")
            kill(int(PROCESS_ID.read_text()), signal)
            # If restic handles the signal, the run ends only after the last read.
            try:
                process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                pass

    return {"begin": begin, "during": during, "env": {"RESTIC_PROGRESS_FPS": "10"}}


def from_pipe(restic):
    """A backup of the pipe that writes its process id to a file, with the default action for every signal."""
    return ["env", "--default-signal", "sh", "-c", f'echo $$ >{PROCESS_ID}; exec "$@" <{PIPE}', "sh",
            *restic.backup("--stdin", "--stdin-filename", "dump.sql")]


def in_wrapper(command):
    return ["sh", "-c", WRAPPER, "sh", *command]


def record_newest(restic, corpus):
    recorder = Recorder(restic, corpus)
    one, each = recorder.one, recorder.each
    backup, command = restic.backup, restic.command

    # Backups that end well.
    one("backup", "one file was changed", "stdout", backup(DATA))
    one("backup-first", "the first backup", "stdout", backup("--tag", "daily,nightly", DATA), state="empty")
    one("backup-both", "one file was changed", "both", backup(DATA))
    one("backup-unchanged", "nothing was changed, and a snapshot is made all the same", "stdout", backup(DATA),
        state="three")
    each("backup-skipped", "--skip-if-unchanged: nothing was changed, and no snapshot is made",
         backup("--skip-if-unchanged", DATA), state="three")
    one("backup-changed-skip", "--skip-if-unchanged, and one file was changed", "stdout",
        backup("--skip-if-unchanged", DATA))
    each("backup-dry-run", "--dry-run", backup("--dry-run", DATA), cannot_tell=NO_SNAPSHOT)
    one("backup-quiet", "-q", "stdout", backup("-q", DATA))
    one("backup-verbose", "-vv", "both", backup("-vv", DATA), state="empty")
    one("backup-slow", "status lines: the upload takes some seconds", "stdout", backup("--limit-upload", "100", LARGE),
        state="empty", env={"RESTIC_PROGRESS_FPS": "2"})
    one("backup-no-scan", "--no-scan", "stdout", backup("--no-scan", "--limit-upload", "200", LARGE), state="empty",
        env={"RESTIC_PROGRESS_FPS": "2"})
    terminal = ["script", "--quiet", "--return", "--command", " ".join(map(str, backup(DATA))), "/dev/null"]
    one("backup-terminal", "both streams are a pseudo terminal", "both", terminal)
    one("backup-beside-stale-lock", "the lock of a dead process is in the way of nothing", "both", backup(DATA),
        begin=lambda: leave_lock(restic))
    one("backup-odd-names", "-vv; names with bad UTF-8, markup, quotes, a line break, a tab, a control byte", "both",
        backup("-vv", ODD), state="empty")

    # Partial backups.
    each("backup-unreadable", "one file and one folder are unreadable", ordinary_user(backup(PARTIAL)),
         result="warning", exit_code=3, named=True, state="empty")
    each("backup-unreadable-quiet", "-q; one file and one folder are unreadable", ordinary_user(backup("-q", PARTIAL)),
         result="warning", exit_code=3, named=True, state="empty")
    one("backup-unreadable-slow", "one file and one folder are unreadable; the upload takes some seconds", "stdout",
        ordinary_user(backup("--limit-upload", "100", PARTIAL, LARGE)), result="warning", exit_code=3, state="empty",
        env={"RESTIC_PROGRESS_FPS": "2"})
    each("backup-unreadable-source", "the source itself is unreadable", ordinary_user(backup(PARTIAL / "docs")),
         result="warning", exit_code=3, named=True, state="empty")
    each("backup-missing-source", "one of two sources is missing", backup(DATA, MISSING), result="failure", exit_code=3,
         named=True)
    each("backup-missing-and-unreadable", "one source is missing, and a file of the other unreadable",
         ordinary_user(backup(PARTIAL, MISSING)), result="failure", exit_code=3, named=True, state="empty")
    one("backup-unreachable-source", "the folder of one of two sources may not be entered", "both",
        ordinary_user(backup(DATA, PARTIAL / "docs/c.txt")), result="failure", exit_code=3, named=True)

    # Backups that fail.
    each("backup-missing-sources", "no source is there", backup(MISSING, SRV / "gone"), result="failure", exit_code=1,
         named=True)
    one("backup-no-sources", "none was named", "both", backup(), result="failure", exit_code=1, named=True)
    each("backup-wrong-password", "the password is wrong", backup(DATA), result="failure", exit_code=12,
         env=WRONG_PASSWORD)
    one("backup-no-password", "there is no password", "both", backup(DATA), result="failure", exit_code=1,
        env={"RESTIC_PASSWORD": None})
    each("backup-no-repository", "there is no repository", backup("--repo", SRV / "none", DATA), result="failure",
         exit_code=10)
    one("backup-unknown-flag", "the command line is wrong", "both", backup("--no-such-flag", DATA), result="failure",
        exit_code=1)
    one("backup-no-cache", "no folder can be made for the cache, which restic once did without", "both", backup(DATA),
        result="failure", exit_code=1, env={"RESTIC_CACHE_DIR": "/dev/null/cache"})
    one("backup-damaged-index", "the index cannot be decrypted", "both", backup(DATA), result="failure", exit_code=1,
        state="damaged-index")
    restic.begin("three")
    restic.while_locked(lambda: each("backup-locked", "a check holds an exclusive lock", backup(DATA), result="failure",
                                     exit_code=11, begin=lambda: None))
    restic.begin("three")
    restic.while_locked(lambda: one("backup-locked-wait", "--retry-lock: an exclusive lock is not given up in time",
                                    "both", backup("--retry-lock", "3s", DATA), result="failure", exit_code=11,
                                    begin=lambda: None))
    for stream in ("stdout", "both"):
        restic.begin("one")
        with small_disk(REPOSITORY, 200):
            name = "backup-no-space" + ("-both" if stream == "both" else "")
            one(name, "the disk of the repository is full", stream, backup(LARGE), result="failure", exit_code=1,
                named=True, begin=lambda: None)

    # Backups that are stopped.
    for signal, code in (("INT", 130), ("TERM", 130), ("KILL", 137)):
        for stream in ("stdout", "both"):
            name = f"backup-{signal.lower()}" + ("-both" if stream == "both" else "")
            one(name, f"SIG{signal} in the middle", stream, from_pipe(restic), result="interrupted", exit_code=code,
                named=True, **stopped_by(signal, restic))
    one("backup-int-late", "SIGINT after a while", "both", from_pipe(restic), result="interrupted", exit_code=130,
        named=True, **stopped_by("INT", restic, late=True))
    one("backup-hup", "SIGHUP, which restic ignores while it holds a lock", "both", from_pipe(restic),
        **stopped_by("HUP", restic))
    record_running(recorder)

    # With the exit code appended by a script.
    one("wrapper-success", "a script appends the exit code", "both", in_wrapper(backup(DATA)))
    one("wrapper-unreadable", "a script appends the exit code; one file is unreadable", "both",
        ordinary_user(in_wrapper(backup(PARTIAL))), result="warning", exit_code=3, named=True, state="empty")
    one("wrapper-unreadable-stdout", "a script appends the exit code to standard output; one file is unreadable",
        "stdout", ordinary_user(in_wrapper(backup(PARTIAL))), result="warning", exit_code=3, state="empty")
    one("wrapper-missing-source-stdout", "a script appends the exit code to standard output; one source is missing",
        "stdout", in_wrapper(backup(DATA, MISSING)), result="failure", exit_code=3)
    one("wrapper-wrong-password-stdout", "a script appends the exit code to standard output; the password is wrong",
        "stdout", in_wrapper(backup(DATA)), result="failure", exit_code=12, env=WRONG_PASSWORD)
    one("wrapper-killed-stdout", "SIGKILL; a script appends the exit code to standard output", "stdout",
        in_wrapper(from_pipe(restic)), result="interrupted", exit_code=137,
        **stopped_by("KILL", restic))
    one("wrapper-int", "SIGINT; a script appends the exit code", "both", in_wrapper(from_pipe(restic)),
        result="interrupted", exit_code=130, **stopped_by("INT", restic))

    record_sequences(recorder)
    record_upkeep(recorder)
    record_listings(recorder)


def leave_lock(restic):
    """Leaves a lock that is not exclusive and whose process has ended."""
    restic.begin("one")
    with Pipe(PIPE) as pipe:
        with background(from_pipe(restic)):
            wait_until(restic.is_locked, "a lock")
            pipe.wait_for_reader()


def record_running(recorder):
    """Copies the file while the backup is in progress, which then succeeds."""
    restic = recorder.restic
    restic.begin("one")
    case = recorder.corpus.case("backup-running", "the file was copied while the backup went on; it ended well")

    def during(process):
        with pipe:
            pipe.wait_for_reader()
            wait_until(lambda: case.read("both.jsonl").count('"message_type":"status"') > 2, "status lines")
            case.keep(case.folder / "both.jsonl", "running.jsonl")

    pipe = Pipe(PIPE)
    text, id = recorder.run(case, "both.jsonl", "both", from_pipe(restic), env={"RESTIC_PROGRESS_FPS": "10"},
                            during=during)
    added = restic.added_bytes(id)
    case.truth("success", id=id, added_bytes=added)
    case.capture("running.jsonl", "both streams", "restic", [], open=True, cannot_tell="the run has not ended yet")
    case.capture("both.jsonl", "both streams", "restic",
                 [shows("success", evidence="report", id=id, added_bytes=added)])


def record_sequences(recorder):
    """Several runs that append to one file."""
    restic = recorder.restic
    backup = restic.backup
    good = dict(command=backup(DATA))
    wrong = dict(command=backup(DATA), result="failure", exit_code=12, env=WRONG_PASSWORD)
    missing = dict(command=backup(MISSING), result="failure", exit_code=1, named=True)
    partial = dict(command=ordinary_user(backup(PARTIAL)), result="warning", exit_code=3, named=True)
    killed = dict(command=from_pipe(restic), result="interrupted", exit_code=137, signal="KILL")
    stopped = dict(command=from_pipe(restic), result="interrupted", exit_code=130, signal="TERM")
    slow = dict(command=backup("--limit-upload", "100", LARGE), env={"RESTIC_PROGRESS_FPS": "4"})
    dry = dict(command=backup("--dry-run", DATA))
    check = dict(command=restic.command("check", "--json"), operation="check")
    forget = dict(command=restic.command("forget", "--json", "--keep-last", "1", "--prune"), operation="forget")

    def sequence(name, what, *runs, streams=("stdout", "both")):
        for stream in streams:
            case = recorder.corpus.case(name if stream == "stdout" or len(streams) == 1 else f"{name}-both", what,
                                        runs[-1].get("operation", "backup"))
            file = f"{stream}.jsonl"
            restic.begin("one")
            expect, true = [], True
            for each in runs:
                each = dict(each)
                result, operation = each.pop("result", "success"), each.pop("operation", "backup")
                signal, named, continued = (each.pop(key, None) for key in ("signal", "named", "continued"))
                if signal:
                    options = stopped_by(signal, restic, late=each.pop("late", False))
                    during = options["during"]
                    # The run uses the repository of the runs before it, not a fresh one.
                    repository = WORK / "kept"
                    REPOSITORY.rename(repository)
                    options.pop("begin")()
                    shutil.rmtree(REPOSITORY)
                    repository.rename(REPOSITORY)
                    each |= options | {"during": lambda process: during(process, case.folder / file)}
                text, id = recorder.run(case, file, stream, each.pop("command"), **each)
                id = id if operation == "backup" else None
                added = restic.added_bytes(id) if id else None
                shown = recorder.shown(text, stream, operation, result, id, added, named)
                if not continued:
                    expect += shown
                true = bool(shown) and shown[-1]["result"] == result
            case.truth(result, id=id, added_bytes=added)
            case.capture(file, "standard output" if stream == "stdout" else "both streams", "restic", expect,
                         cannot_tell=None if true else ON_STDERR)

    sequence("two-successes", "two good runs", good, good, streams=["stdout"])
    sequence("failure-then-success", "no source was there; then a good run", missing, good)
    sequence("killed-then-success", "SIGKILL, then a good run that is at its end when its first line comes: that "
             "might be the end of the first run too", killed | {"continued": True}, good)
    sequence("killed-then-slow-success", "SIGKILL, then a good run whose status lines begin anew",
             killed | {"late": True}, slow)
    sequence("stopped-then-success", "SIGTERM, then a good run", stopped, good, streams=["both"])
    sequence("stopped-then-slow-success", "SIGTERM, then a good run whose status lines begin anew",
             stopped | {"late": True}, slow, streams=["both"])
    sequence("warning-then-success", "something was unreadable; then a good run", partial, good)
    sequence("success-then-wrong-password", "a good run; then the password was wrong", good, wrong)
    sequence("success-then-killed", "a good run; then SIGKILL", good, killed, streams=["both"])
    sequence("dry-run-then-failure", "a dry run; then no source was there", dry, missing, streams=["both"])
    sequence("backup-check-forget", "a backup, a check, and forget --prune", good, check, forget, streams=["both"])


def record_upkeep(recorder):
    """check, forget, prune and restore."""
    restic = recorder.restic
    command, one, each = restic.command, recorder.one, recorder.each
    check = command("check", "--json")
    one("check", "all is well", "both", check, operation="check", state="three")
    one("check-text", "without --json: all is well", "both", command("check"), operation="check", state="three")
    one("check-read-data", "--read-data: all is well", "stdout", [*check, "--read-data"], operation="check",
        state="three")
    each("check-damaged", "--read-data: packs are damaged", [*check, "--read-data"], operation="check", state="damaged",
         result="failure", exit_code=1)
    one("check-damaged-text", "without --json: packs are damaged", "both", command("check", "--read-data"),
        operation="check", state="damaged", result="failure", exit_code=1, named=True)
    one("check-damaged-unseen", "packs are damaged, which a check without --read-data does not see", "both", check,
        operation="check", state="damaged")
    one("check-damaged-index", "the index cannot be decrypted", "both", check, operation="check",
        state="damaged-index", result="failure", exit_code=1)
    each("check-wrong-password", "the password is wrong", check, operation="check", result="failure", exit_code=12,
         env=WRONG_PASSWORD)
    restic.begin("three")
    restic.while_locked(lambda: one("check-locked", "another check holds the lock", "both", check, operation="check",
                                    result="failure", exit_code=11, begin=lambda: None))

    forget = command("forget", "--json", "--keep-last")
    one("forget", "one of three snapshots remains", "stdout", [*forget, "1"], operation="forget", state="three")
    one("forget-nothing", "all snapshots remain", "stdout", [*forget, "9"], operation="forget", state="three")
    one("forget-prune", "--prune: one of three snapshots remains", "both", [*forget, "1", "--prune"],
        operation="forget", state="three")
    one("forget-by-id", "a snapshot was named; nothing is printed", "both", command("forget", "--json", "latest"),
        operation="forget", state="three", cannot_tell="nothing is printed")
    each("forget-wrong-password", "the password is wrong", [*forget, "1"], operation="forget", state="three",
         result="failure", exit_code=12, env=WRONG_PASSWORD)
    each("forget-unremovable", "the snapshots cannot be removed", ordinary_user([*forget, "1"]), operation="forget",
         begin=lambda: (restic.begin("three"), (REPOSITORY / "snapshots").chmod(0o500)), result="failure",
         exit_code=3, named=True)
    one("prune", "something was pruned", "both", command("prune", "--json"), operation="prune", state="unpruned",
        cannot_tell=TEXT)
    restic.begin("three")
    restic.while_locked(lambda: one("prune-locked", "a check holds an exclusive lock", "both",
                                    command("prune", "--json"), operation="prune", result="failure", exit_code=11,
                                    begin=lambda: None))

    restore = command("restore", "--json", "--target", RESTORED, "latest")
    one("restore", "all was restored", "both", restore, operation="restore", state="three")
    each("restore-damaged", "packs are damaged", restore, operation="restore", state="damaged", result="failure",
         exit_code=1, named=True)
    each("restore-no-snapshot", "there is no snapshot", restore, operation="restore", state="empty", result="failure",
         exit_code=1)


def record_listings(recorder):
    """The output of `snapshots` proves the backups in it; the other listings show no runs."""
    restic, corpus = recorder.restic, recorder.corpus

    def listing(name, what, state, arguments, *, result="success", select=lambda snapshot: True, cannot_tell=None):
        case = corpus.case(name, what)
        case.run(restic.command(*arguments), stdout="stdout.json")
        listed = json.loads(output(restic.command("snapshots", "--json")))
        listed.sort(key=lambda snapshot: snapshot["time"])
        newest = listed[-1]
        case.truth(result, id=newest.get("original", newest["id"]), added_bytes=newest["summary"]["data_added"])
        expect = [shows("success", evidence="archive", id=snapshot.get("original", snapshot["id"]),
                        added_bytes=snapshot["summary"]["data_added"])
                  for snapshot in listed if select(snapshot)]
        case.capture("stdout.json", "standard output", "restic", expect, cannot_tell=cannot_tell)

    restic.begin("three")
    listing("snapshots", "three snapshots", "three", ["snapshots", "--json"])
    listing("snapshots-latest", "the newest of three snapshots", "three", ["snapshots", "--json", "--latest", "1"],
            select=lambda snapshot: snapshot["tags"] == ["weekly"])
    listing("snapshots-by-host", "--group-by host", "three", ["snapshots", "--json", "--group-by", "host"])
    nothing = "it shows no run"
    for mode in ("raw-data", "restore-size"):
        listing(f"stats-{mode}", f"stats in mode {mode}", "three", ["stats", "--json", "--mode", mode],
                select=lambda snapshot: False, cannot_tell=nothing)
    listing("ls", "the files of a snapshot", "three", ["ls", "--json", "latest"], select=lambda snapshot: False,
            cannot_tell=nothing)
    output(restic.command("tag", "--add", "kept", "latest"))
    listing("snapshots-tagged", "the newest of three snapshots was given a tag, and so a new id", "three",
            ["snapshots", "--json"])
    restic.begin("two-hosts")
    listing("snapshots-two-hosts", "snapshots of two hosts; nothing shows to which host this file belongs", "two-hosts",
            ["snapshots", "--json"], select=lambda snapshot: False, cannot_tell="it may be of another backup")
    restic.begin("empty")
    run(ordinary_user(restic.backup(PARTIAL)))
    listing("snapshots-partial", "the only snapshot is of a backup that could not read everything", "empty",
            ["snapshots", "--json"], result="warning",
            cannot_tell="a snapshot does not show that something was unreadable")


def record_debian(restic, corpus):
    """Only a few cases, mostly with an exit code appended by a script: without it, this version shows little."""
    recorder = Recorder(restic, corpus)
    one, backup = recorder.one, restic.backup
    one("backup", "one file was changed", "stdout", backup(DATA))
    one("backup-skipped-source", "one of two sources is missing, which restic before 0.19 calls a success", "both",
        backup(DATA, MISSING), result="failure", named=True)
    one("wrapper-success", "a script appends the exit code", "both", in_wrapper(backup(DATA)))
    one("wrapper-unreadable", "a script appends the exit code; one file is unreadable", "both",
        ordinary_user(in_wrapper(backup(PARTIAL))), result="warning", exit_code=3, named=True, state="empty")
    one("wrapper-unreadable-stdout", "a script appends the exit code to standard output; one file is unreadable",
        "stdout", ordinary_user(in_wrapper(backup(PARTIAL))), result="warning", exit_code=3, state="empty")
    one("wrapper-wrong-password", "a script appends the exit code; the password is wrong", "both",
        in_wrapper(backup(DATA)), result="failure", exit_code=1, env=WRONG_PASSWORD)
    for signal, code in (("TERM", 143), ("KILL", 137), ("INT", 130)):
        one(f"wrapper-{signal.lower()}", f"SIG{signal}; a script appends the exit code", "both",
            in_wrapper(from_pipe(restic)), result="interrupted", exit_code=code,
            **stopped_by(signal, restic))
    one("check", "all is well", "both", restic.command("check", "--json"), operation="check", state="three")
    one("check-damaged", "--read-data: packs are damaged", "both", restic.command("check", "--json", "--read-data"),
        operation="check", state="damaged", result="failure", exit_code=1, named=True)


def record():
    record_newest(Restic("0.19.1"), Corpus("restic", "0.19.1"))
    record_debian(Restic("0.14.0"), Corpus("restic", "0.14.0"))
