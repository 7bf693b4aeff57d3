"""Steps that configure and start DPVS (deployment guide 2.4)."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from dpvs_acceptance.bringup.shell import restore_file, same_content, sh, write_file
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.hosts.gate_script import GIVE_UP
from dpvs_acceptance.model.bench import LcorePlacement
from dpvs_acceptance.model.deployment import Deployment

START_LOG = "/var/log/dpvs.start.log"
LOG_BEGUN = "/var/log/dpvs.begun"
"""The length of the log, and the time, right before the start: what was logged earlier is not of
this dpvs."""
EXIT_STATUS = "/var/log/dpvs.exit"
"""Where the shell that has started dpvs writes how it ended, as a shell tells it."""
# The shell's own words about a signal are not dpvs's.
_STARTED = f'exec 3>&2 2>/dev/null; "$@" 2>&3 3>&-; echo $? >{EXIT_STATUS}'
_STARTING = ": dpvs-start"
_STARTER = f"^(setsid )?sh -c {_STARTING};"
ENDS_WITH_DPVS = ":  # goes with the dpvs process"


def configuration(deployment: Deployment, text: str) -> Change:
    """dpvs.conf as rendered for this deployment."""
    path = deployment.bench.dut.dpvs.conf
    return Change(
        id="dpvs.conf",
        title=f"write {path}",
        done=same_content(path, text),
        capture_undo=restore_file(path),
        apply=write_file(path, text),
    )


def start(deployment: Deployment, facts: VersionFacts) -> Change:
    """Start of dpvs with the required descriptor limit; ready when its tools answer."""
    pid_file = shlex.quote(facts.pid_file)
    alive = f'[ -s {pid_file} ] && kill -0 "$(cat {pid_file})" 2>/dev/null'
    dpip = f"{deployment.bench.dut.dpvs.home}/bin/dpip"
    command = command_line(deployment, facts)
    return Change(
        id="dpvs.start",
        title="start dpvs and wait until it answers",
        done=f"{alive} && timeout 5 {sh(dpip)} link show >/dev/null 2>&1",
        undo=f"{_stop(pid_file, facts.ipc_path)}; {_files_of_eal(deployment)}",
        apply=(
            # Where the machine cannot give as many, S12 says so; DPVS still starts.
            f"{{ {_length(deployment.topology.dpvs.log_file)}; date +%s; }} >{LOG_BEGUN}; "
            f": >{START_LOG}; rm -f {EXIT_STATUS}; "
            f"ulimit -n {deployment.topology.open_files} || ulimit -n $(ulimit -Hn); cd /; "
            f"setsid sh -c '{_STARTING}; {_STARTED}' sh {command} >{START_LOG} 2>&1 </dev/null &"
        ),
        verify=_answers(sh(dpip), deployment.topology.dpvs.log_file),
    )


def _stop(pid_file: str, ipc_path: str) -> str:
    """Ends dpvs, by its name: it writes its pid file last, and a run may be killed before that.

    No other dpvs runs here, or the bring-up had been refused. The shell that starts it is known by
    its first words.
    """
    starting = shlex.quote(_STARTER)
    return (
        f"ours() {{ pgrep -x dpvs; pgrep -f {starting}; }}; n=0; "
        'while pids=$(ours); [ -n "$pids" ] && [ $n -lt 100 ]; '
        "do [ $((n % 20)) != 0 ] || kill $pids 2>/dev/null; n=$((n+1)); sleep 0.1; done; "
        '[ -z "$pids" ] || kill -9 $pids; '
        'while [ -n "$(ours)" ] && [ $n -lt 150 ]; do n=$((n+1)); sleep 0.1; done; '
        f"rm -f {pid_file} {shlex.quote(ipc_path)} {START_LOG} {EXIT_STATUS} {LOG_BEGUN}"
    )


def _files_of_eal(deployment: Deployment) -> str:
    """Removes what EAL leaves: the files that hold its hugepages, and its run-time folder.

    No other process has files of this prefix, or dpvs had not started.
    """
    prefix = _given(deployment, "--file-prefix") or "rte"
    place = _given(deployment, "--huge-dir") or deployment.topology.hugepages.mount
    maps = f"{place}/{prefix}map_*"
    return (
        f"rm -f {maps}; rm -rf /var/run/dpdk/{prefix}; rmdir /var/run/dpdk 2>/dev/null; "
        f"left=$(ls {maps} 2>/dev/null | head -n 3); "
        '[ -z "$left" ] || { echo "files that hold hugepages are still there:" $left; exit 1; }; '
        'left=$(ours); [ -z "$left" ] || { echo "dpvs cannot be ended: process" $left; exit 1; }'
    )


def _given(deployment: Deployment, option: str) -> str | None:
    """The value of one of the bench's EAL arguments, `--file-prefix=X` or two words; else None."""
    words = deployment.bench.dut.dpvs.eal_arguments
    for word, following in zip(words, (*words[1:], ""), strict=False):
        name, _, value = word.partition("=")
        if name == option:
            return value or following
    return None


def log_folder(deployment: Deployment) -> list[Change]:
    """The folder of the log, where it is not /var/log, which every system has. DPVS does not make
    it; with its log in it, it stays afterwards."""
    log = deployment.topology.dpvs.log_file
    if log is None or (parent := PurePosixPath(log).parent) == PurePosixPath("/var/log"):
        return []
    folder = shlex.quote(str(parent))
    return [
        Change(
            id="dpvs.log.folder",
            title=f"folder {folder} for DPVS's log, which stays with the log",
            done=f"[ -d {folder} ]",
            undo=f"rmdir {folder} 2>/dev/null || :",
            apply=f"mkdir -p {folder}",
        )
    ]


def _length(log_file: str | None) -> str:
    return "echo 0" if log_file is None else f"cat {shlex.quote(log_file)} 2>/dev/null | wc -c"


def _answers(dpip: str, log_file: str | None) -> str:
    """Succeeds when DPVS answers its tools; gives up at once if dpvs has ended.

    Prints the last log lines of a dpvs that has ended or hangs. Without a process and without any
    output, dpvs has not started yet: the machine may be busy.
    """
    return (
        f"said=$(timeout 5 {dpip} link show 2>&1) && exit 0\n"
        f"last() {{ tail -qn 12 {START_LOG} {shlex.quote(log_file or '')} 2>/dev/null; }}\n"
        "pgrep -x dpvs >/dev/null || {\n"
        f"[ -s {START_LOG} ] || [ -s {EXIT_STATUS} ] || "
        "{ echo 'no dpvs process, and no output of one yet'; exit 1; }\n"
        # The shell that has started it is about to write how it ended.
        f"[ -s {EXIT_STATUS} ] || ! pgrep -f {shlex.quote(_STARTER)} >/dev/null || "
        "{ echo 'dpvs has ended'; exit 1; }\n"
        f"s=$(cat {EXIT_STATUS} 2>/dev/null); how='dpvs has ended'\n"
        "if [ ${s:-0} -gt 128 ]; then "
        'how="dpvs was ended by signal SIG$(kill -l $((s-128)) 2>/dev/null || echo $((s-128)))"\n'
        'elif [ -n "$s" ]; then how="dpvs has ended with exit status $s"; fi\n'
        f'last; echo "$how; its last output is above"; exit {GIVE_UP}; }}\n'
        "said=$(printf %s \"$said\" | tr '\\n' ' '); last\n"
        'echo "dpvs runs but does not answer dpip: ${said:-no output}"; exit 1'
    )


def command_line(deployment: Deployment, facts: VersionFacts) -> str:
    """The command that starts this version on this bench, with EAL arguments."""
    dut = deployment.bench.dut
    words: list[str] = [f"{dut.dpvs.home}/bin/dpvs"]
    if facts.daemon_paths:
        words += ["-c", dut.dpvs.conf, "-p", facts.pid_file, "-x", facts.ipc_path]
    words += ["--", "--lcores", lcores(deployment), facts.main_lcore_option]
    words.append(str(dut.lcores.master.id))
    # Else EAL takes the first hugetlbfs that is mounted, such as systemd's on /dev/hugepages.
    others = ("--huge-dir", "--no-huge", "--in-memory")
    if all(_given(deployment, one) is None for one in others):
        words.append(f"--huge-dir={deployment.topology.hugepages.mount}")
    vdevs = [nic for nic in dut.nics if nic.vdev]
    for pci in dict.fromkeys(nic.pci for nic in dut.nics if nic.pci):
        words += [facts.allow_option, pci]
    if vdevs:
        words.append("--no-pci")
        words += [f"--vdev={n.vdev},{n.vdev_arguments or f'iface={n.name}'}" for n in vdevs]
    return sh(*words, *dut.dpvs.eal_arguments)


def lcores(deployment: Deployment) -> str:
    """EAL's mapping of lcores to CPUs, such as `0@0,1@1,2@(1,3)`."""

    def one(lcore: LcorePlacement) -> str:
        cpus = ",".join(map(str, lcore.cpus))
        return f"{lcore.id}@{cpus}" if len(lcore.cpus) == 1 else f"{lcore.id}@({cpus})"

    all_lcores = (deployment.bench.dut.lcores.master, *deployment.bench.dut.lcores.workers)
    return ",".join(one(lcore) for lcore in all_lcores)
