"""Records Debian's borg, and the newest borg with its legacy and its modern exit codes.

Most runs are recorded twice: as NAME with --json and --log-json, each stream in its own file, and as NAME-text
with borg's text output. Only the exit code distinguishes a warning from a success. It is printed in the line
of --show-rc and nowhere else.
"""
import json
import os
import re
import shutil
import threading
from contextlib import contextmanager

from corpus.common import (ENVIRONMENT, PEERS, SRV, Corpus, Pipe, background, damage, kill, ordinary_user, output,
                           shows, small_disk)

REPOSITORY = SRV / "repo"
BASE = SRV / "borg"  # borg's caches, keys and records of repositories
DATA = SRV / "data"
PARTIAL = SRV / "partial"  # the same data, some of it unreadable
STATES = SRV / "states"
ARCHIVE = f"{REPOSITORY}::{{hostname}}-{{now:%Y-%m-%dT%H:%M:%S.%f}}"

ENVIRONMENT |= {
    "BORG_BASE_DIR": str(BASE),
    "BORG_HOST_ID": "web1",  # instead of the address of the network card
    "BORG_PASSPHRASE": "test",
    "BORG_SHOW_SYSINFO": "no",  # otherwise tracebacks contain the kernel version of this machine
    "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
}

# Called through its Python, since the first line of the script has the path where it was installed.
NEWEST = [PEERS / "borg-1.4.5/bin/python", PEERS / "borg-1.4.5/bin/borg"]
PROGRAMS = {"1.2.4": ["/usr/bin/borg"], "1.4.5": NEWEST}

JSON = ["--json", "--log-json", "--show-rc", "--info"]
TEXT = ["-v", "--stats", "--show-rc"]

NO_DOCUMENT = "borg prints no document when it makes no archive"
NO_OPERATION = "nothing shows which command it was"
ONLY_CODE = "the document is the same with warnings; only the exit code shows them"
DRY_RUN = "a dry run is not a run"


def record():
    for version in PROGRAMS:
        borg = Borg(version)
        corpus = Corpus("borg", version)
        record_successes(borg, corpus)
        record_sequences(borg, corpus)
        for modern in (False,) if version == "1.2.4" else (False, True):
            record_troubles(borg, corpus, modern)
            record_failed_commands(borg, corpus, modern)
        record_commands(borg, corpus)
        record_listings(borg, corpus)


class Borg:
    """One version of borg, and the states of its repository from which runs start."""

    def __init__(self, version):
        self.program = PROGRAMS[version]
        text = output(self.command("--version"))
        assert text == f"borg {version}\n".encode(), text
        for folder in (DATA, PARTIAL, STATES, REPOSITORY, BASE):
            shutil.rmtree(folder, ignore_errors=True)
        self.make_states()

    def command(self, *arguments):
        return [*self.program, *arguments]

    def make_states(self):
        document = DATA / "docs/c.txt"
        document.parent.mkdir(parents=True)
        document.write_text("a document\n")
        (DATA / "a.txt").write_text("".join(f"{i}\n" for i in range(200)))
        (DATA / "b.bin").write_bytes(os.urandom(20000))
        shutil.copytree(DATA, PARTIAL)
        (PARTIAL / "b.bin").chmod(0)
        (PARTIAL / "docs").chmod(0)

        output(self.command("init", "--encryption=none", REPOSITORY))
        self.save("empty")
        output(self.command("create", f"{REPOSITORY}::web1-1", DATA))
        self.save("one")
        for number in (2, 3):
            document.write_text(f"a document, changed {number} times\n")
            output(self.command("create", f"{REPOSITORY}::web1-{number}", DATA))
        self.save("three")
        self.seen = {archive["id"] for archive in self.archives()}
        # The next archive adds less than a kilobyte, a size that --stats does not round.
        document.write_text("a document, changed again\n")

        shutil.rmtree(REPOSITORY)
        output(self.command("init", "--encryption=repokey", REPOSITORY))
        self.save("encrypted")

        self.begin("three")
        output(self.command("delete", f"{REPOSITORY}::web1-2"))
        self.save("loose")  # something to compact
        self.begin("three")
        for segment in sorted((REPOSITORY / "data/0").iterdir(), key=lambda file: file.stat().st_size)[-1:]:
            damage(segment)
        self.save("damaged")

    def save(self, state):
        for folder in (REPOSITORY, BASE):
            shutil.copytree(folder, STATES / state / folder.name)

    def begin(self, state):
        for folder in (REPOSITORY, BASE):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(STATES / state / folder.name, folder)

    def archives(self):
        """All archives of the repository, the newest last."""
        return json.loads(output(self.command("list", "--json", REPOSITORY)))["archives"]

    def new_id(self):
        """The id of the new archive, which need not be the last one, since the time of an archive can be chosen."""
        new = {archive["id"] for archive in self.archives()} - self.seen
        self.seen |= new
        id, = new
        return id

    # Conditions of a run. Each yields options for run().

    @contextmanager
    def locked(self):
        """Another borg holds the lock of the repository."""
        with Pipe() as pipe, open(pipe.path, "rb", buffering=0) as stdin:
            with background(self.command("create", f"{REPOSITORY}::other", "-"), stdin=stdin) as self.holder:
                pipe.wait_for_reader()
                yield {}


@contextmanager
def nothing():
    yield {}


def stopped_by(signal):
    """Ends borg before it is done: when it has read its other sources and waits for more standard input."""
    @contextmanager
    def around():
        with Pipe() as pipe, open(pipe.path, "rb", buffering=0) as stdin:
            def stop(process):
                pipe.wait_for_reader()
                kill(process.pid, signal)
                if signal == "INT":
                    pipe.close()  # borg ends after the next read
            yield {"stdin": stdin, "during": stop}
    return around


@contextmanager
def touching():
    """The source changes all the time. It is a large hole, so that reading it takes borg a while."""
    large = SRV / "changing/large"
    large.parent.mkdir(exist_ok=True)
    with open(large, "wb") as stream:
        stream.truncate(200_000_000)
    done = threading.Event()

    def touch():
        while not done.wait(0.01):
            os.utime(large)
    thread = threading.Thread(target=touch)
    thread.start()
    try:
        yield {}
    finally:
        done.set()
        thread.join()


@contextmanager
def vanishing():
    """A file of the source is deleted after borg has listed the folder, while it reads a pipe that comes first."""
    folder = SRV / "vanishing"
    folder.mkdir()
    with Pipe(folder / "pipe") as pipe:
        file = folder / "file"
        file.write_text("text")

        def delete(process):
            pipe.wait_for_reader()
            file.unlink()
            pipe.close()
        yield {"during": delete}
    shutil.rmtree(folder)


@contextmanager
def full_disk():
    with small_disk(REPOSITORY, 300):
        yield {}


def added_bytes(text):
    """The added bytes from a document, or from the table of --stats, which rounds sizes of a kilobyte or more."""
    if match := re.search(r'"deduplicated_size": (\d+),\s+"nfiles": \d+,\s+"original_size"', text):
        return int(match[1])
    if match := re.search(r"This archive:.* (\d+) B\b", text):
        return int(match[1])
    return None


class Creation:
    """A way to call `borg create`, which can be recorded in several forms."""

    def __init__(self, borg, corpus, name, what, result="success", exit_code=0, *, state="three", sources=(DATA,),
                 archive=ARCHIVE, options=(), env=None, wrap=list, around=nothing, archived=None):
        self.borg = borg
        self.corpus = corpus
        self.name = name
        self.what = what
        self.result = result
        self.exit_code = exit_code
        self.state = state
        self.arguments = [*options, archive, *sources]
        self.env = env
        self.wrap = wrap
        self.around = around
        self.archived = result in ("success", "warning") if archived is None else archived

    def run(self, case, options, **streams):
        """Adds a run to the case; returns the id of the archive that it made."""
        command = self.wrap(self.borg.command("create", *options, *self.arguments))
        with self.around() as run_options:
            case.run(command, exit_code=self.exit_code, env=self.env, **streams, **run_options)
        return self.borg.new_id() if self.archived else None

    def record(self, options, suffix="", **streams):
        """Makes a case of one run; returns it and the id of the archive."""
        self.borg.begin(self.state)
        case = self.corpus.case(self.name + suffix, self.what)
        id = self.run(case, options, **streams)
        case.truth(self.result, id=id, added_bytes=added_bytes("".join(map(case.read, streams.values()))))
        return case, id

    def apart(self, options=JSON):
        case, id = self.record(options, stdout="stdout.json", stderr="stderr.jsonl")
        self.document(case, "stdout.json", id)
        self.log(case, "stderr.jsonl", "log file", id)

    def together(self, options=JSON):
        case, id = self.record(options, "-both", both="both.log")
        self.log(case, "both.log", "both streams", id)

    def text(self, options=TEXT):
        case, id = self.record(options, "-text", both="text.log")
        self.log(case, "text.log", "both streams", id)

    def only_log(self, options, file="stderr.jsonl"):
        case, id = self.record(options, stderr=file)
        self.log(case, file, "log file", id)

    def only_document(self, options=("--json",)):
        case, id = self.record(options, stdout="stdout.json")
        self.document(case, "stdout.json", id)

    def shown(self, text, id):
        """The run that a text shows. The text has the end of the run, or breaks off if the run was killed."""
        details = {"id": id, "added_bytes": added_bytes(text)} if id and id in text else {}
        operation = "backup" if re.search("Creating archive at|archive_progress|Archive fingerprint", text) else None
        # With warnings and failures, the text has both the report and the exit code, or a message about it.
        evidence = None if self.result != "success" else "report" if details else "exit_code"
        return shows(self.result, operation, evidence=evidence, **details)

    def log(self, case, file, way, id):
        run = self.shown(case.read(file), id)
        if run["operation"]:
            case.capture(file, way, "borg", [run])
        elif self.result == "success":
            configured(case, file, way, run, [])
        elif self.result == "warning":
            # For commands other than create, a warning would be a failure.
            case.capture(file, way, "borg", [run | {"operation": "backup"}], options={"operation": "backup"})
        else:
            configured(case, file, way, run)

    def document(self, case, file, id):
        text = case.read(file)
        if "archive" in text:
            case.capture(file, "standard output", "borg",
                         [shows("success", evidence="report", id=id, added_bytes=added_bytes(text))],
                         cannot_tell=None if self.result == "success" else ONLY_CODE)
        else:
            case.capture(file, "standard output", "borg", [], cannot_tell=NO_DOCUMENT)


def configured(case, file, way, run, otherwise=None, operation="backup"):
    """The captures of a file that does not show the command: without and with a configured operation."""
    case.capture(file, way, "borg", [run] if otherwise is None else otherwise, cannot_tell=NO_OPERATION)
    case.capture(file, way, "borg", [run | {"operation": operation}], options={"operation": operation})


def record_successes(borg, corpus):
    def creation(*arguments, **options):
        return Creation(borg, corpus, *arguments, **options)

    plain = creation("create", "one file was changed")
    plain.apart()
    plain.together()
    plain.text()
    first = creation("create-first", "the first archive of the repository", state="empty")
    first.apart()
    first.text()
    creation("create-encrypted", "the repository is encrypted", state="encrypted").apart()
    creation("create-timestamp", "--timestamp: the archive bears another time than that of the run",
             options=["--timestamp", "2024-02-29T12:00:00"]).apart()

    creation("create-list-progress", "everything that borg reports in JSON lines").only_log(
        ["--log-json", "--show-rc", "--stats", "--list", "--progress"])
    creation("create-list-text", "the options of borg's quick start").only_log(
        ["--verbose", "--filter", "AME", "--list", "--stats", "--show-rc"], "stderr.log")
    creation("create-progress-text", "progress for people, with carriage returns").only_log(
        ["--progress", "--stats", "--show-rc"], "stderr.log")
    creation("create-stats-no-rc", "--stats without --show-rc").only_log(["--log-json", "--stats"])
    creation("create-stats-no-rc-text", "--stats without --show-rc").only_log(["--stats"], "stderr.log")
    creation("create-only-rc", "nothing but --show-rc").only_log(["--log-json", "--show-rc"])
    creation("create-only-rc-text", "nothing but --show-rc").only_log(["--show-rc"], "stderr.log")
    case, _ = creation("create-no-rc", "JSON lines without an end").record(
        ["--log-json", "--info", "--list"], stderr="stderr.jsonl")
    case.capture("stderr.jsonl", "log file", "borg", [], cannot_tell="without --show-rc nothing shows a successful end")
    case, _ = creation("create-silent", "a successful run without options prints nothing").record([], both="both.log")
    case.capture("both.log", "both streams", "borg", [], cannot_tell="the file is empty")

    creation("create-json", "--json and nothing else").only_document()
    if corpus.version != "1.2.4":
        creation("create-quick-stats", "--quick-stats: no totals of the repository").only_document(
            ["--json", "--quick-stats"])
        creation("create-one-line", "BORG_JSON_INDENT=none", env={"BORG_JSON_INDENT": "none"}).only_document()
        creation("create-one-line-all", "BORG_JSON_INDENT=none, both streams in one file",
                 env={"BORG_JSON_INDENT": "none"}).together()

    # Except for its list, a dry run looks like a real one.
    dry = ["--dry-run", "--list", "--info", "--show-rc"]
    for name, options, file in (("create-dry-run", ["--log-json"], "both.jsonl"),
                                ("create-dry-run-text", [], "text.log")):
        case = corpus.case(name, "--dry-run")
        borg.begin("three")
        case.run(borg.command("create", *dry, *options, ARCHIVE, DATA), both=file)
        case.truth("success")
        case.capture(file, "both streams", "borg", [], cannot_tell=DRY_RUN)


def record_sequences(borg, corpus):
    """Two runs that append to one file; the second succeeds."""
    good = Creation(borg, corpus, "", "")

    def sequence(name, what, first, options=JSON, stream="both", file="both.log"):
        borg.begin(first.state)
        case = corpus.case(name, what)
        runs = []
        read = 0
        for creation in (first, good):
            id = creation.run(case, options, **{stream: file})
            text = case.read(file)[read:]
            read += len(text)
            runs.append(creation.shown(text, id))
        case.truth("success", id=id, added_bytes=added_bytes(text))
        case.capture(file, "both streams" if stream == "both" else "standard output", "borg", runs)

    killed = Creation(borg, corpus, "", "", "interrupted", 137, sources=[DATA, "-"], around=stopped_by("KILL"))
    wrong = Creation(borg, corpus, "", "", "failure", 2, state="encrypted", env={"BORG_PASSPHRASE": "wrong"})
    unreadable = Creation(borg, corpus, "", "", "warning", 1, sources=[PARTIAL], wrap=ordinary_user)
    sequence("twice", "two good runs", good)
    sequence("twice-documents", "two good runs", good, ["--json"], "stdout", "stdout.json")
    sequence("twice-text", "two good runs", good, TEXT, file="text.log")
    sequence("killed-then-good", "SIGKILL, then a run that removes the stale lock", killed)
    sequence("killed-then-good-text", "SIGKILL, then a run that removes the stale lock", killed, TEXT, file="text.log")
    sequence("failed-then-good", "a wrong passphrase, then a good run", wrong)
    sequence("warning-then-good", "unreadable files, then a good run", unreadable)


def record_troubles(borg, corpus, modern):
    """Warnings and failures of `borg create`; `modern`: with BORG_EXIT_CODES=modern."""
    def creation(name, what, result, codes, *, env=None, **options):
        return Creation(borg, corpus, name + ("-modern" if modern else ""), what, result, codes[modern],
                        env=(env or {}) | ({"BORG_EXIT_CODES": "modern"} if modern else {}), **options)

    def trouble(*arguments, **options):
        recording = creation(*arguments, **options)
        recording.apart()
        recording.text()
        return recording

    trouble("create-unreadable", "one file and one folder are unreadable", "warning", (1, 105),
            sources=[PARTIAL], wrap=ordinary_user).together()
    creation("create-unreadable-no-rc", "one file and one folder are unreadable; --stats without --show-rc",
             "warning", (1, 105), sources=[PARTIAL], wrap=ordinary_user).only_log(["--log-json", "--stats"])
    creation("create-unreadable-only-rc", "one file and one folder are unreadable; --show-rc alone",
             "warning", (1, 105), sources=[PARTIAL], wrap=ordinary_user).only_log(["--log-json", "--show-rc"])
    odd = SRV / "odd"
    odd.mkdir(exist_ok=True)
    for name in (b"bad\xff\xfename", "größe".encode(), b"two\nlines"):
        path = os.fsencode(odd) + b"/" + name
        open(path, "w").close()
        os.chmod(path, 0)
    trouble("create-odd-names", "unreadable files: no UTF-8, an umlaut, a line break in the name", "warning", (1, 105),
            sources=[odd], wrap=ordinary_user)
    trouble("create-changed", "a file changed while it was read", "warning", (1, 100), sources=[SRV / "changing"],
            around=touching)
    trouble("create-vanished", "a file vanished after its folder was listed", "warning", (1, 107),
            sources=[SRV / "vanishing"], options=["--read-special"], around=vanishing)

    missing = SRV / "missing"
    trouble("create-missing-source", "one of two sources is missing", "failure", (1, 107), archived=True,
            sources=[DATA, missing]).together()
    trouble("create-missing-source-folder", "one of two sources is missing, with the folder that it was in", "failure",
            (1, 107), archived=True, sources=[DATA, missing / "source"])
    trouble("create-missing-and-unreadable", "one source is missing, and of the other a file is unreadable", "failure",
            (1, 1), archived=True, sources=[missing, PARTIAL], wrap=ordinary_user)
    trouble("create-missing-only-source", "the only source is missing", "failure", (1, 107), archived=True,
            sources=[missing])

    trouble("create-no-repository", "there is no repository", "failure", (2, 13), archive=f"{SRV}/none::{{now}}")
    trouble("create-wrong-passphrase", "the passphrase is wrong", "failure", (2, 52), state="encrypted",
            env={"BORG_PASSPHRASE": "wrong"})
    # The prompt is on the same line as the next record.
    trouble("create-no-passphrase", "there is no passphrase, and no terminal", "failure", (2, 50), state="encrypted",
            env={"BORG_PASSPHRASE": None})
    trouble("create-archive-exists", "the name of the archive is taken", "failure", (2, 30),
            archive=f"{REPOSITORY}::web1-1")
    trouble("create-locked", "another run holds the lock", "failure", (2, 73), around=borg.locked)
    noise = SRV / "noise"
    noise.write_bytes(os.urandom(400_000))
    trouble("create-no-space", "the disk of the repository is full", "failure", (2, 2), sources=[noise],
            around=full_disk)
    trouble("create-usage", "an option that borg does not know", "failure", (2, 2), options=["--no-such-option"])

    for signal, code in (("TERM", 143), ("INT", 2), ("KILL", 137), ("HUP", 129)):
        trouble(f"create-{signal.lower()}", f"SIG{signal} in the middle", "interrupted", (code, code),
                sources=[DATA, "-"], options=["--progress"], around=stopped_by(signal))


def record_command(borg, corpus, name, what, operation, arguments, result="success", exit_code=0, *, known=True,
                   state="three", env=None, around=nothing):
    """A command that prints no document, in JSON lines and in text. `known`: the file shows the command."""
    for suffix, options, file in (("", ["--log-json"], "both.jsonl"), ("-text", [], "text.log")):
        borg.begin(state)
        case = corpus.case(name + suffix, what, operation)
        with around() as run_options:
            case.run(borg.command(*options, "--show-rc", *arguments), exit_code=exit_code, both=file, env=env,
                     **run_options)
        case.truth(result)
        if known:
            evidence = "exit_code" if result == "success" and operation != "check" else None
            case.capture(file, "both streams", "borg", [shows(result, operation, evidence=evidence)])
        else:
            run = shows(result, None, evidence="exit_code" if result == "success" else None)
            configured(case, file, "both streams", run, [] if result == "success" else None, operation)


def record_commands(borg, corpus):
    def command(*arguments, **options):
        record_command(borg, corpus, *arguments, **options)

    last = f"{REPOSITORY}::web1-3"
    command("check", "no problems", "check", ["check", "--info", REPOSITORY])
    command("check-progress", "no problems", "check", ["check", "--progress", "--info", "--verify-data", REPOSITORY])
    command("check-silent", "no problems, and only --show-rc", "check", ["check", REPOSITORY], known=False)
    command("prune", "one of three archives is removed", "prune", ["prune", "--list", "--keep-last", "2", REPOSITORY])
    command("prune-stats", "--stats of what was deleted", "prune",
            ["prune", "--stats", "--list", "--progress", "--keep-last", "1", REPOSITORY])
    command("prune-silent", "only --show-rc", "prune", ["prune", "--keep-last", "1", REPOSITORY], known=False)
    command("compact", "some space is freed", "compact", ["compact", "--progress", "--info", REPOSITORY], state="loose")
    command("extract", "an archive is restored", "restore", ["extract", "--list", "--progress", last])
    command("extract-silent", "only --show-rc", "restore", ["extract", last], known=False)
    shutil.rmtree(SRV / "srv")  # restored there, since the working directory is /srv


def record_failed_commands(borg, corpus, modern):
    def command(name, what, operation, arguments, codes, **options):
        env = (options.pop("env", None) or {}) | ({"BORG_EXIT_CODES": "modern"} if modern else {})
        record_command(borg, corpus, name + ("-modern" if modern else ""), what, operation, arguments, "failure",
                       codes[modern], env=env, **options)

    command("check-damaged", "a segment file is damaged", "check", ["check", "--info", REPOSITORY], (1, 1),
            state="damaged")
    command("check-damaged-silent", "a segment file is damaged; without --info", "check", ["check", REPOSITORY], (1, 1),
            state="damaged")
    command("check-locked", "another run holds the lock", "check", ["check", "--info", REPOSITORY], (2, 73),
            known=False, around=borg.locked)
    command("prune-locked", "another run holds the lock", "prune", ["prune", "--list", "--keep-last", "1", REPOSITORY],
            (2, 73), known=False, around=borg.locked)


def record_listings(borg, corpus):
    """Listings that show existing archives, and listings that show none."""
    def listing(name, what, arguments, archives, cannot_tell=None):
        case = corpus.case(name, what, "other")
        case.run(borg.command(*arguments), stdout="stdout.json")
        case.truth("success")
        case.capture("stdout.json", "standard output", "borg",
                     [shows("success", evidence="archive", id=archive["id"]) for archive in archives],
                     cannot_tell=cannot_tell)

    borg.begin("three")
    archives = borg.archives()
    listing("list", "all archives", ["list", "--json", REPOSITORY], archives)
    listing("list-last", "--last 1", ["list", "--json", "--last", "1", REPOSITORY], archives[-1:])
    listing("list-format", "--format adds keys", ["list", "--json", "--format", "{hostname}{end}{comment}", REPOSITORY],
            archives)
    listing("info-last", "--last 1", ["info", "--json", "--last", "1", REPOSITORY], archives[-1:])
    listing("info-glob", "--glob-archives", ["info", "--json", "--glob-archives", "web1-*", REPOSITORY], archives)
    listing("info-archive", "one archive by name", ["info", "--json", f"{REPOSITORY}::web1-2"], archives[1:2])
    listing("info-repository", "the repository as a whole", ["info", "--json", REPOSITORY], [],
            "no archive is named")
    borg.begin("empty")
    listing("list-none", "no archive", ["list", "--json", REPOSITORY], [], "there is no archive")

    borg.begin("three")
    case = corpus.case("info-checkpoint", "SIGINT has left a checkpoint, which is no backup", "other")
    with stopped_by("INT")() as options:
        case.run(borg.command("create", ARCHIVE, DATA, "-"), exit_code=2, **options)
    case.run(borg.command("info", "--json", "--last", "2", REPOSITORY), stdout="stdout.json")
    assert ".checkpoint" in case.read("stdout.json")
    case.truth("success")
    case.capture("stdout.json", "standard output", "borg",
                 [shows("success", evidence="archive", id=archives[-1]["id"])])
