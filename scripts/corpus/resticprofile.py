"""Records resticprofile with the newest restic and with Debian's: its status file and its output.

The status file has the last result of each command of a profile. The profile is named home.
"""
import json

from corpus.common import PEERS, SRV, Corpus, kill, ordinary_user, shows, wait_until
from corpus.restic import DATA, LARGE, MISSING, PARTIAL, PROCESS_ID, REPOSITORY, WORK, Restic

PROGRAM = PEERS / "resticprofile-0.33.1/resticprofile"
CONFIGURATION = WORK / "profiles.json"
STATUS = WORK / "status.json"
PASSWORD = WORK / "password"
WRONG_PASSWORD = WORK / "wrong"


class Profile:
    """The profile `home` with one version of restic. The names of its cases end with that version, unless it is
    the newest one."""

    def __init__(self, restic, corpus):
        self.restic = restic
        self.corpus = corpus
        self.suffix = "" if restic.version != "0.14.0" else "-restic-0.14"
        PASSWORD.write_text("test\n")
        WRONG_PASSWORD.write_text("wrong\n")

    def configure(self, *, sources=(DATA,), backup=None, binary=None, **profile):
        backup = {"source": [str(source) for source in sources], "host": "web1"} | (backup or {})
        home = {"repository": str(REPOSITORY), "password-file": str(PASSWORD), "status-file": str(STATUS),
                "backup": backup} | profile
        home = {key: value for key, value in home.items() if value is not None}
        CONFIGURATION.write_text(json.dumps({
            "version": "1",
            "global": {"restic-binary": str(binary or self.restic.program)},
            "home": home}))

    def command(self, *arguments):
        return [PROGRAM, "--no-ansi", "--config", CONFIGURATION, "--name", "home", *arguments]

    def status(self):
        return json.loads(STATUS.read_text())["profiles"]["home"]

    def case(self, name, what, *, operation="backup", command=("backup",), state="one", result="success", exit_code=0,
             expect=None, wrap=lambda command: command, cannot_tell=None, figures=False, options=None, keep=False,
             begin=None, during=None, log=None, **configuration):
        """One run. The status file shows its result, or `expect`. `figures`: it shows the added bytes as well.
        `log`: makes the runs expected in restic's JSON lines, which resticprofile prints."""
        if not keep:
            STATUS.unlink(missing_ok=True)
        if begin:
            begin()
        else:
            self.restic.begin(state)
        self.configure(**configuration)
        case = self.corpus.case(name + self.suffix, f"{what} (restic {self.restic.version})", operation)
        before = self.restic.ids()
        case.run(wrap(self.command(*command)), exit_code=exit_code, both="log.txt",
                 **({"during": during} if during else {}))
        new = self.restic.ids() - before
        id = new.pop() if operation == "backup" and new else None
        added = self.restic.added_bytes(id) if id else None
        case.truth(result, id=id, added_bytes=added)
        if log is not None:
            case.capture("log.txt", "both streams", "restic", log(id, added))
        if not STATUS.exists():
            return case
        case.keep(STATUS, "status.json")
        if expect is None:
            known = None
            if figures:
                known = self.status()["backup"]["bytes_added"]
                assert added in (None, known)
            expect = [shows(result, operation, backup="home", added_bytes=known,
                            evidence="report" if result == "success" else None)]
        if expect[-1]["result"] == result:
            cannot_tell = None
        case.capture("status.json", "status file", "resticprofile", expect, options=options, cannot_tell=cannot_tell)
        return case


def record_profile(profile):
    """What is recorded with every version of restic."""
    restic, case = profile.restic, profile.case
    newest = profile.suffix == ""
    extended = {"extended-status": True}

    case("backup", "one file was changed", backup=extended, figures=True)
    case("backup-plain", "one file was changed; without extended-status")
    case("backup-first", "the first backup", backup=extended, figures=True, state="empty")
    case("backup-first-plain", "the first backup; without extended-status", state="empty")
    unchanged = case("backup-unchanged", "nothing was changed", backup=extended, state="three")
    unchanged.capture("status.json", "status file", "resticprofile",
                      [shows("success", backup="home", evidence="report", added_bytes=0)],
                      options={"extended_status": True})
    case("backup-unchanged-plain", "nothing was changed; without extended-status", state="three")
    case("backup-terminal", "without extended-status on a terminal, where no figures are collected",
         wrap=lambda command: ["script", "--quiet", "--return", "--command", " ".join(map(str, command)), "/dev/null"])

    partial = dict(sources=[PARTIAL], wrap=ordinary_user, state="empty", result="warning")
    case("backup-unreadable", "a file is unreadable", backup=extended, exit_code=1, **partial)
    case("backup-unreadable-plain", "a file is unreadable; without extended-status", exit_code=1, **partial)
    case("backup-unreadable-accepted", "a file is unreadable; no-error-on-warning",
         backup=extended | {"no-error-on-warning": True}, figures=True, **partial)
    case("backup-unreadable-accepted-plain", "a file is unreadable; no-error-on-warning without extended-status",
         backup={"no-error-on-warning": True}, **partial)

    case("backup-missing-source", "one of two sources is missing", sources=[DATA, MISSING], backup=extended,
         result="failure", exit_code=1 if newest else 0)
    case("backup-missing-source-plain", "one of two sources is missing; without extended-status",
         sources=[DATA, MISSING], result="failure", exit_code=1 if newest else 0)
    case("backup-missing-source-accepted", "one of two sources is missing; no-error-on-warning",
         sources=[DATA, MISSING], backup=extended | {"no-error-on-warning": True}, result="failure")
    case("backup-missing-sources", "the only source is missing", sources=[MISSING], backup=extended, result="failure",
         exit_code=1)
    case("backup-wrong-password", "the password is wrong", backup=extended, result="failure", exit_code=1,
         **{"password-file": str(WRONG_PASSWORD)})
    case("backup-wrong-password-plain", "the password is wrong; without extended-status", result="failure", exit_code=1,
         **{"password-file": str(WRONG_PASSWORD)})
    case("backup-no-repository", "there is no repository", backup=extended, result="failure", exit_code=1,
         repository=str(SRV / "none"))
    restic.begin("three")
    restic.while_locked(lambda: case("backup-locked", "a check holds an exclusive lock", backup=extended,
                                     result="failure", exit_code=1, begin=lambda: None))

    slow = dict(sources=[LARGE], backup=extended | {"limit-upload": 50}, state="empty", result="interrupted",
                exit_code=1)

    def uploading():
        return restic.files("data/*/*", lambda file: "-tmp-" in file.name)

    def stop_restic(process):
        wait_until(uploading, "an upload")
        kill(int(PROCESS_ID.read_text()), "KILL")

    def interrupt(process):
        wait_until(uploading, "an upload")
        kill(process.pid, "INT")

    # A wrapper around restic that writes its process id to a file.
    binary = WORK / "restic"
    binary.write_text(f'#!/bin/sh\necho $$ >{PROCESS_ID}\nexec {restic.program} "$@"\n')
    binary.chmod(0o755)
    case("backup-killed", "SIGKILL for restic in the middle", during=stop_restic, binary=binary, **slow)
    case("backup-interrupted", "SIGINT in the middle", during=interrupt, **slow)

    case("check", "all is well", operation="check", command=["check"], state="three")
    case("check-damaged", "--read-data: packs are damaged", operation="check", command=["check", "--read-data"],
         state="damaged", result="failure", exit_code=1)
    case("retention", "one of three snapshots remains", operation="forget", command=["forget"], state="three",
         forget={"keep-last": 1})
    after = {"after-backup": True, "keep-last": 1}
    case("backup-retention", "a backup, and its retention", backup=extended, state="three", retention=after,
         expect=[shows("success", backup="home", evidence="report"),
                 shows("success", "forget", backup="home", evidence="report")])
    # A step before the backup fails: the status file keeps the old success.
    case("backup-before", "a good backup, of the day before", backup=extended, figures=True)
    case("backup-check-before", "the check before the backup finds damages, and the backup is not run",
         operation="check", keep=True, begin=lambda: restic.begin("damaged"), result="failure", exit_code=1,
         backup=extended | {"check-before": True}, check={"read-data": True},
         expect=[shows("success", backup="home", evidence="report"), shows("failure", "check", backup="home")])


def record_logs(profile):
    """With `json` and no status file: restic's lines between those of resticprofile."""
    def log(result, *, named=True):
        def expect(id, added):
            evidence = "report" if result == "success" else None
            return [shows(result, "backup" if named else None, evidence=evidence, id=id, added_bytes=added)]
        return expect

    options = {"backup": {"json": True}, "status-file": None}
    profile.case("log", "one file was changed; JSON in the log", log=log("success"), **options)
    profile.case("log-unreadable", "a file is unreadable; JSON in the log", sources=[PARTIAL], wrap=ordinary_user,
                 state="empty", result="warning", exit_code=1, log=log("warning"), **options)
    profile.case("log-missing-source", "one of two sources is missing; JSON in the log", sources=[DATA, MISSING],
                 result="failure", exit_code=1, log=log("failure"), **options)
    profile.case("log-wrong-password", "the password is wrong; JSON in the log", result="failure", exit_code=1,
                 log=log("failure", named=False), **options, **{"password-file": str(WRONG_PASSWORD)})


def record():
    corpus = Corpus("resticprofile", "0.33.1")
    newest = Profile(Restic("0.19.1"), corpus)
    record_profile(newest)
    record_logs(newest)
    record_profile(Profile(Restic("0.14.0"), corpus))
