"""Records Debian's borgmatic with Debian's borg, and the newest borgmatic with the newest borg.

A run of borgmatic prints one array of borg's documents on standard output at its end, and writes a log file,
whose summary shows how each configuration ended. A line of the log starts with the repository that it is
about: its label (from 1.7.10 on), or else its path.
"""
import json
import os
import re
import shutil
from contextlib import contextmanager

from corpus import borg
from corpus.borg import DATA, PARTIAL, REPOSITORY, added_bytes, nothing
from corpus.common import ENVIRONMENT, PEERS, SRV, Corpus, Pipe, kill, ordinary_user, output, shows, wait_until

SECOND = SRV / "second"
LOG = SRV / "borgmatic.log"
PID = SRV / "borg.pid"
STATE = SRV / "home/state"

ENVIRONMENT |= {"XDG_STATE_HOME": str(STATE), "XDG_RUNTIME_DIR": str(SRV / "home/run")}

NO_DOCUMENT = "borgmatic prints no document of a configuration in which anything failed"

# The lines that start an action in a log, and the section of each key in the configuration of borgmatic 1.7.
ACTIONS = {"Creating archive": "backup", "Pruning archives": "prune", "Compacting segments": "compact",
           "Running consistency checks": "check"}
SECTIONS = {"location": ("source_directories", "repositories", "local_path", "read_special"),
            "storage": ("encryption_passphrase", "retries", "retry_wait"),
            "retention": ("keep_secondly",), "consistency": ("checks",), "hooks": ("before_backup",)}


def record():
    for version in ("1.7.7", "2.1.10"):
        borgmatic = Borgmatic(version)
        recorder = Recorder(borgmatic, Corpus("borgmatic", version))
        recorder.record_good()
        recorder.record_troubles()
        recorder.record_ends()
        recorder.record_listings()
        if version != "1.7.7":
            recorder.record_formats()


class Borgmatic:
    """One version of borgmatic, the borg that it calls, and its configurations."""

    def __init__(self, version):
        self.old = version == "1.7.7"
        if self.old:
            self.program = ["/usr/bin/borgmatic"]
            self.borg = borg.Borg("1.2.4")
        else:
            folder = PEERS / f"borgmatic-{version}/bin"
            self.program = [folder / "python", folder / "borgmatic"]
            self.borg = borg.Borg("1.4.5")
        text = output([*self.program, "--version"])
        assert text == f"{version}\n".encode(), text
        self.borg.begin("three")
        self.known = {archive["id"] for archive in self.borg.archives()}
        # A wrapper around borg that writes its process id to a file.
        (SRV / "bin").mkdir(exist_ok=True)
        wrapper = SRV / "bin/borg"
        wrapper.write_text(f"#!/bin/sh\necho $$ > {PID}\nexec {' '.join(map(str, self.borg.program))} \"$@\"\n")
        wrapper.chmod(0o755)
        # The first repository has a label, if this version supports labels.
        self.first = str(REPOSITORY) if self.old else "local"
        self.second = str(SECOND)

    def begin(self, state="three"):
        self.borg.begin(state)
        shutil.rmtree(SECOND, ignore_errors=True)
        for folder in (STATE, SRV / "home/.borgmatic"):
            shutil.rmtree(folder, ignore_errors=True)
        LOG.unlink(missing_ok=True)

    def configuration(self, name="config", repositories=(REPOSITORY,), sources=(DATA,), **options):
        """Writes a configuration as JSON, which is YAML as well."""
        if SECOND in repositories:
            output(self.borg.command("init", "--encryption=none", SECOND))
        keys = {"source_directories": list(map(str, sources)), "local_path": str(SRV / "bin/borg"),
                "keep_secondly": 2, **options}
        if self.old:
            keys |= {"repositories": list(map(str, repositories)), "checks": ["repository", "archives"]}
            keys = {section: {key: keys[key] for key in names if key in keys} for section, names in SECTIONS.items()}
        else:
            keys["repositories"] = [{"path": str(path)} | ({"label": "local"} if path == REPOSITORY else {})
                                    for path in repositories]
            keys["checks"] = [{"name": "repository"}, {"name": "archives"}]
        path = SRV / f"{name}.yaml"
        path.write_text(json.dumps(keys, indent=1))
        return path

    def hook(self, command):
        """The configuration keys for a command before `create`."""
        if self.old:
            return {"before_backup": [command]}
        return {"commands": [{"before": "action", "when": ["create"], "run": [command]}]}

    def command(self, *arguments, configurations, log=True):
        logging = ["--log-file", LOG, "--log-file-verbosity", "1"] if log else []
        if self.old:
            chosen = ["--config", *configurations]
        else:
            chosen = [word for path in configurations for word in ("--config", path)]
        return [*self.program, *chosen, *logging, *arguments]

    def made(self):
        """The newest archive of each repository, if it is newer than the states from which runs start."""
        found = {}
        for name, path in ((self.first, REPOSITORY), (self.second, SECOND)):
            if path.exists():
                archives = json.loads(output(self.borg.command("list", "--json", path)))["archives"]
                if archives and archives[-1]["id"] not in self.known:
                    found[name] = archives[-1]["id"]
        return found


def stopping(action):
    """Calls the action during `create`, whose last source is a pipe that does not end."""
    @contextmanager
    def around():
        with Pipe() as pipe:
            def stop(process):
                pipe.wait_for_reader()
                action(process.pid, int(PID.read_text()))
            yield {"during": stop}
    return around


def is_reaped(pid):
    """An orphan becomes a child of this process, the first one of its namespace. Until reaped it seems to run."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


class Recorder:
    def __init__(self, borgmatic, corpus):
        self.borgmatic = borgmatic
        self.corpus = corpus

    def run(self, name, what, result, arguments=("create",), *, exit_code=0, operation="backup", state="three",
            configuration=None, configurations=None, log=True, around=nothing, wrap=list, **streams):
        """A case of one run, with its log file as borgmatic.log."""
        self.borgmatic.begin(state)
        configurations = configurations or [self.borgmatic.configuration(**(configuration or {}))]
        case = self.corpus.case(name, what, operation)
        command = wrap(self.borgmatic.command(*arguments, configurations=configurations, log=log))
        with around() as options:
            case.run(command, exit_code=exit_code, **streams, **options)
        files = list(streams.values())
        if log:
            LOG.touch()  # without messages borgmatic makes no file
            case.keep(LOG, "borgmatic.log")
            files.append("borgmatic.log")
        # The archives that this run made; that of the first repository is in truth.json.
        case.ids = self.borgmatic.made()
        case.id = case.ids.get(self.borgmatic.first)
        text = "".join(map(case.read, files))
        case.truth(result, id=case.id, added_bytes=self.added(text, case.id) if case.id else None)
        return case

    @staticmethod
    def added(text, id):
        """The added bytes from the element of that archive in an array, or else from the table of --stats."""
        match = re.search(rf'"id": "{id}".*?"deduplicated_size": (\d+)', text)
        return int(match[1]) if match else added_bytes(text)

    def array(self, case, file, cannot_tell=None):
        """A capture of a stream that contains the array of documents."""
        text = case.read(file)
        case.capture(file, "standard output" if file == "stdout.json" else "both streams", "borgmatic",
                     [shows("success", backup=name, evidence="report", id=id, added_bytes=self.added(text, id))
                      for name, id in case.ids.items()], cannot_tell=cannot_tell)

    def statistics(self, case, file="borgmatic.log"):
        """The archive and its added bytes from the table of --stats."""
        return {"id": case.id, "added_bytes": added_bytes(case.read(file))}

    def log(self, case, expect, file="borgmatic.log", way="log file", cannot_tell=None):
        case.capture(file, way, "borgmatic", expect, cannot_tell=cannot_tell)

    def nothing_printed(self, case, cannot_tell=NO_DOCUMENT):
        assert case.read("stdout.json") == "", case.read("stdout.json")
        case.capture("stdout.json", "standard output", "borgmatic", [], cannot_tell=cannot_tell)

    def first(self, result, operation="backup", **details):
        return shows(result, operation, backup=self.borgmatic.first, **details)

    def second(self, result, operation="backup", **details):
        return shows(result, operation, backup=self.borgmatic.second, **details)

    def actions(self, case, file="borgmatic.log"):
        """The actions of a successful run, from its log."""
        starts = f"(?:{'|'.join(ACTIONS)})(?! at)"  # "Creating archive at" is borg's own
        return [self.first("success", ACTIONS[action], evidence="report")
                for action in re.findall(starts, case.read(file))]

    def record_good(self):
        borgmatic = self.borgmatic
        good = [self.first("success", evidence="report")]

        case = self.run("create-json", "one repository", "success", ["create", "--json"], stdout="stdout.json")
        self.array(case, "stdout.json")
        self.log(case, good)
        case = self.run("create-json-two", "two repositories", "success", ["create", "--json"],
                        configuration={"repositories": [REPOSITORY, SECOND]}, stdout="stdout.json")
        self.array(case, "stdout.json")
        self.log(case, [*good, self.second("success", evidence="report")])
        case = self.run("create-json-verbose", "--verbosity 1: text around the array", "success",
                        ["--verbosity", "1", "create", "--json"], both="both.log")
        self.array(case, "both.log")
        self.log(case, good)

        borgmatic.begin()
        case = self.corpus.case("create-json-twice", "two runs append to one file: the arrays stick together")
        config = borgmatic.configuration()
        runs = []
        for _ in range(2):
            case.run(borgmatic.command("create", "--json", configurations=[config]), stdout="stdout.json")
            id = borgmatic.made()[borgmatic.first]
            added = self.added(case.read("stdout.json"), id)
            runs.append(self.first("success", evidence="report", id=id, added_bytes=added))
        case.truth("success", id=id, added_bytes=runs[-1]["added_bytes"])
        case.capture("stdout.json", "standard output", "borgmatic", runs)
        case.keep(LOG, "borgmatic.log")
        self.log(case, good * 2)

        case = self.run("create", "without --json", "success", both="both.log")
        self.log(case, good)
        self.log(case, [], "both.log", "both streams", "a successful run prints nothing at the default verbosity")
        case = self.run("create-stats", "--stats: the log shows the archive", "success", ["create", "--stats"])
        self.log(case, [self.first("success", evidence="report", **self.statistics(case))])
        case = self.run("create-list", "--list and --stats, on both streams", "success",
                        ["--verbosity", "1", "create", "--list", "--stats"], both="both.log")
        for file, way in (("borgmatic.log", "log file"), ("both.log", "both streams")):
            self.log(case, [self.first("success", evidence="report", **self.statistics(case, file))], file, way)
        case = self.run("create-quiet", "the log file has verbosity 0", "success",
                        ["--log-file-verbosity", "0", "create"])
        self.log(case, [], cannot_tell="at verbosity 0 a successful run prints nothing")

        case = self.run("default", "all default actions", "success", [])
        self.record_markers(case)
        self.log(case, self.actions(case))
        case = self.run("default-verbose", "all default actions, --stats, on both streams", "success",
                        ["--verbosity", "1", "--stats"], both="both.log")
        for file, way in (("borgmatic.log", "log file"), ("both.log", "both streams")):
            self.log(case, [run | (self.statistics(case, file) if run["operation"] == "backup" else {})
                            for run in self.actions(case, file)], file, way)
        case = self.run("check", "check alone", "success", ["check"], operation="check")
        self.record_markers(case)
        self.log(case, [self.first("success", "check", evidence="report")])
        case = self.run("prune-compact", "prune and compact", "success", ["prune", "--list", "compact"],
                        operation="prune")
        self.log(case, [self.first("success", "prune", evidence="report"),
                        self.first("success", "compact", evidence="report")])
        case = self.run("extract", "a restore", "success",
                        ["extract", "--archive", "latest", "--destination", SRV / "home"], operation="restore")
        self.log(case, [self.first("success", "restore", evidence="report")])

        case = self.run("dry-run", "--dry-run", "success", ["--dry-run", "create", "prune", "compact"])
        self.log(case, [], cannot_tell=borg.DRY_RUN)
        case = self.run("dry-run-json", "--dry-run with --json", "success", ["--dry-run", "create", "--json"],
                        stdout="stdout.json")
        self.nothing_printed(case, borg.DRY_RUN)
        self.log(case, [], cannot_tell=borg.DRY_RUN)

    def record_markers(self, case):
        """The files whose modification times are those of the last successful checks."""
        if self.borgmatic.old:
            return
        files = sorted(path for path in (STATE / "borgmatic/checks").rglob("*") if path.is_file())
        lines = [f"{path.relative_to(STATE)} {path.stat().st_mtime:.3f}\n" for path in files]
        assert lines
        (case.folder / "markers.txt").write_text("".join(lines))

    def record_troubles(self):
        borgmatic = self.borgmatic
        old = borgmatic.old

        def failure(name, what, runs, result="failure", exit_code=1, **options):
            """NAME with --json and the log file, NAME-log without --json."""
            options["exit_code"] = exit_code
            case = self.run(name, what, result, ["create", "--json"], stdout="stdout.json", **options)
            self.nothing_printed(case)
            self.log(case, runs)
            case = self.run(name + "-log", what, result, both="both.log", **options)
            self.log(case, runs)
            self.log(case, runs, "both.log", "both streams")
            return case

        failed = [self.first("failure")]
        missing_repository = {"repositories": [REPOSITORY, SRV / "none"]}
        two = [self.first("success"), shows("failure", backup=str(SRV / "none"))]
        case = self.run("second-missing", "of two repositories the second is missing", "failure", ["create", "--json"],
                        exit_code=1, configuration=missing_repository, stdout="stdout.json")
        self.nothing_printed(case)
        self.log(case, two)
        case = self.run("second-missing-log", "of two repositories the second is missing", "failure", exit_code=1,
                        configuration=missing_repository, both="both.log")
        self.log(case, two)
        self.log(case, two[1:], "both.log", "both streams", "successful actions print nothing at the default verbosity")
        case = self.run("second-missing-default", "all default actions, and the second repository is missing",
                        "failure", [], exit_code=1, configuration=missing_repository)
        runs = [*map(self.without_evidence, self.actions(case))]
        # The last action in the log is the one that failed in the other repository.
        self.log(case, [*runs[:-1], two[1] | {"operation": runs[-1]["operation"]}])

        # borgmatic's own result can differ from borg's: it interprets borg's exit codes itself, and the newest
        # version first tests the paths in a dry run, and makes no archive if that fails.
        warned = [self.first("warning")]

        def unreadable(name, what, sources, result, made):
            runs = [self.first(result)]
            options = {"configuration": {"sources": sources}, "wrap": ordinary_user}
            case = self.run(name, what, result, ["create", "--json"], exit_code=1, stdout="stdout.json", **options)
            assert bool(case.id) == made
            self.nothing_printed(case)
            self.log(case, runs)
            case = self.run(name + "-log", what, result, exit_code=0 if old else 1, both="both.log", **options)
            assert bool(case.id) == made
            self.log(case, runs)
            if old:
                self.log(case, [], "both.log", "both streams", "borgmatic is silent about warnings of borg")
            else:
                self.log(case, runs, "both.log", "both streams")
        file = SRV / "partial-file"
        shutil.copytree(DATA, file, dirs_exist_ok=True)
        (file / "b.bin").chmod(0)
        unreadable("unreadable", "a file is unreadable", [file], "warning", True)
        if old:
            unreadable("unreadable-folder", "a folder is unreadable", [PARTIAL], "warning", True)
        else:
            unreadable("unreadable-folder", "a folder is unreadable, so borgmatic makes no archive", [PARTIAL],
                       "failure", False)

        missing = {"sources": [DATA, SRV / "missing"]}
        if old:
            case = self.run("missing-source", "one of two sources is missing", "failure", ["create", "--json"],
                            exit_code=1, configuration=missing, stdout="stdout.json")
            self.nothing_printed(case)
            self.log(case, warned, cannot_tell="with --json borg's words are not in the log, only its exit code 1")
            case = self.run("missing-source-log", "one of two sources is missing", "failure", configuration=missing)
            self.log(case, failed)
        else:
            failure("missing-source", "one of two sources is missing", failed, configuration=missing)
            allowed = {"configuration": missing | {"source_directories_must_exist": False}}
            what = "one of two sources is missing, and borgmatic allows it"
            case = self.run("missing-source-allowed", what, "failure", ["create", "--json"], stdout="stdout.json",
                            **allowed)
            self.array(case, "stdout.json", borg.ONLY_CODE)
            self.log(case, failed)
            case = self.run("missing-source-allowed-log", what, "failure", **allowed)
            self.log(case, failed)

        failure("wrong-passphrase", "the passphrase is wrong", failed, state="encrypted",
                configuration={"encryption_passphrase": "wrong"})
        failure("locked", "another run holds the lock", failed, around=borgmatic.borg.locked)

        @contextmanager
        def released():
            """Releases the lock after the first attempt."""
            with borgmatic.borg.locked():
                def release(process):
                    wait_until(lambda: LOG.exists() and "attempt 1/1" in LOG.read_text(), "a second attempt")
                    borgmatic.borg.holder.kill()
                    borgmatic.borg.holder.wait()  # otherwise its lock is not stale
                yield {"during": release}
        case = self.run("retried", "the first attempt finds a lock, the second none", "success", ["create", "--json"],
                        configuration={"retries": 1, "retry_wait": 1}, around=released, stdout="stdout.json")
        self.array(case, "stdout.json")
        self.log(case, [self.first("success", evidence="report")])
        failure("retried-in-vain", "both attempts find a lock", failed, around=borgmatic.borg.locked,
                configuration={"retries": 1})

        for name, what, code, result in (("hook-soft", "a hook requests a skip", 75, "skipped"),
                                         ("hook-failed", "a hook fails", 1, "failure")):
            # The old version names only the configuration if a hook requests a skip.
            runs = [shows(result) if old and code == 75 else self.first(result)]
            case = self.run(name, what, result, ["create", "--json"], exit_code=0 if code == 75 else 1,
                            configuration=borgmatic.hook(f"echo a hook; exit {code}"), stdout="stdout.json")
            case.capture("stdout.json", "standard output", "borgmatic", [], cannot_tell="there is no archive")
            self.log(case, runs)

        borgmatic.begin()
        bad = SRV / "bad.yaml"
        bad.write_text("repositories: [\n")
        good = borgmatic.configuration()
        case = self.run("bad-configuration", "one of two configurations is no YAML", "failure", ["create", "--json"],
                        exit_code=1, configurations=[bad, good], stdout="stdout.json")
        self.array(case, "stdout.json", "only the log shows the other configuration")
        # A failure without a name belongs to the backup that was named last.
        self.log(case, [self.first("failure")])

        case = self.run("check-damaged", "a segment file is damaged", "failure", ["check"], operation="check",
                        state="damaged", exit_code=1, both="both.log")
        self.log(case, [self.first("failure", "check")])
        self.log(case, [self.first("failure", "check")], "both.log", "both streams")
        case = self.run("check-damaged-default", "all default actions, and a segment file is damaged", "failure", [],
                        state="damaged", exit_code=1)
        self.log(case, [*map(self.without_evidence, self.actions(case)[:-1]), self.first("failure", "check")])

    @staticmethod
    def without_evidence(run):
        return {key: value for key, value in run.items() if key != "evidence"}

    def record_ends(self):
        """Signals during a run."""
        piped = {"sources": [DATA, SRV / "pipe"], "read_special": True}

        def ended(name, what, exit_code, action, both=None, cannot_tell=None):
            """`both`: the runs that the streams show at the default verbosity."""
            interrupted = [self.first("interrupted")]
            options = {"exit_code": exit_code, "configuration": piped, "around": stopping(action)}
            case = self.run(name, what, "interrupted", ["create", "--json"], stdout="stdout.json", **options)
            self.nothing_printed(case, "there is no archive")
            self.log(case, interrupted)
            case = self.run(name + "-log", what, "interrupted", both="both.log", **options)
            self.log(case, interrupted)
            self.log(case, interrupted if both is None else both, "both.log", "both streams", cannot_tell)

        def kill_both(borgmatic, borg):
            kill(borgmatic, "KILL")
            kill(borg, "KILL")
            wait_until(lambda: is_reaped(borg), "the end of borg")
        old = self.borgmatic.old
        nameless = [shows("interrupted", None)]
        ended("term", "SIGTERM to borgmatic", 143, lambda borgmatic, borg: kill(borgmatic, "TERM"),
              nameless, "nothing shows what it was about")
        ended("int", "SIGINT to both, as Ctrl-C sends it", 130, lambda borgmatic, borg: kill(-borgmatic, "INT"),
              [], "there is only the trace of Python")
        ended("term-borg", "SIGTERM to borg", 1 if old else 0, lambda borgmatic, borg: kill(borg, "TERM"),
              None if old else nameless, None if old else "nothing shows what it was about")
        ended("kill-borg", "SIGKILL to borg", 1, lambda borgmatic, borg: kill(borg, "KILL"))
        ended("kill", "SIGKILL to borgmatic and borg", 137, kill_both, [], "there is nothing in the file")

    def record_listings(self):
        borgmatic = self.borgmatic
        list_action, info_action = ("list", "rinfo") if borgmatic.old else ("repo-list", "repo-info")

        def listing(name, what, arguments, archives, cannot_tell=None):
            borgmatic.begin()
            found = borgmatic.borg.archives()
            case = self.run(name, what, "success", arguments, operation="other", log=False, stdout="stdout.json")
            case.capture("stdout.json", "standard output", "borgmatic",
                         [self.first("success", evidence="archive", id=archive["id"]) for archive in found[archives]],
                         cannot_tell=cannot_tell)
        listing("info-latest", "info --archive latest", ["info", "--archive", "latest", "--json"], slice(-1, None))
        listing("list", "all archives", [list_action, "--json"], slice(None))
        listing("repo-info", "the repository as a whole", [info_action, "--json"], slice(0, 0),
                "no archive is named")

    def record_formats(self):
        """Features that only the newest version has."""
        borgmatic = self.borgmatic
        path = str(REPOSITORY)  # JSON lines have no label
        case = self.run("log-json", "--log-json", "success", ["--log-json", "create"])
        self.log(case, [shows("success", backup=path, evidence="report")])
        case = self.run("log-json-stats", "--log-json with --stats", "success", ["--log-json", "create", "--stats"])
        self.log(case, [shows("success", backup=path, evidence="report", **self.statistics(case))])
        case = self.run("log-json-default", "--log-json, all default actions", "success", ["--log-json"])
        self.log(case, [run | {"backup": path} for run in self.actions(case)])
        case = self.run("log-json-array", "--log-json with --json: a record sticks to the array", "success",
                        ["--log-json", "--verbosity", "1", "create", "--json"], both="both.log")
        self.array(case, "both.log")
        self.log(case, [shows("success", evidence="report")], cannot_tell="no record names the repository")
        case = self.run("log-json-unreadable", "--log-json, a file is unreadable", "warning",
                        ["--log-json", "create"], exit_code=1, configuration={"sources": [SRV / "partial-file"]},
                        wrap=ordinary_user)
        self.log(case, [shows("warning", backup=path)])
        missing = str(SRV / "none")
        case = self.run("log-json-missing", "--log-json, there is no repository", "failure", ["--log-json", "create"],
                        exit_code=1, configuration={"repositories": [missing]})
        self.log(case, [shows("failure", backup=missing)])
        case = self.run("log-json-second-missing", "--log-json, of two repositories the second is missing", "failure",
                        ["--log-json", "create"], exit_code=1, configuration={"repositories": [REPOSITORY, missing]})
        self.log(case, [shows("success", backup=path), shows("failure", backup=missing)])
        case = self.run("log-json-term-borg", "--log-json, SIGTERM to borg", "interrupted", ["--log-json", "create"],
                        configuration={"sources": [DATA, SRV / "pipe"], "read_special": True},
                        around=stopping(lambda borgmatic, borg: kill(borg, "TERM")))
        self.log(case, [shows("interrupted", backup=path)])

        form = {"log_file_format": "{created} {process} {levelname} {name} {prefix}{message}"}
        case = self.run("log-format", "a log_file_format with the time in seconds", "success", [], configuration=form)
        self.log(case, self.actions(case))
        case = self.run("log-format-missing", "a log_file_format with the time in seconds, and a missing repository",
                        "failure", exit_code=1, configuration=form | {"repositories": [REPOSITORY, missing]})
        self.log(case, [self.first("success"), shows("failure", backup=missing)])

        case = self.run("hook-after", "the words of a hook after everything stick to the array", "success",
                        ["create", "--json"], both="both.log", configuration={
                            "commands": [{"after": "everything", "run": ["echo the words of a hook"]}]})
        self.array(case, "both.log")
        self.log(case, [self.first("success", evidence="report")])
