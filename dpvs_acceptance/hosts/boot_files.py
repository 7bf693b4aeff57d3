"""The files that a boot reads, as one section of the survey: script and reader.

The script only reads. It prints these kinds of lines:

    mode MODE KIND PATH                 each path of the lists that exists, links followed
    link 'PATH' -> 'TARGET'             each that is a symlink, and who wants whom of systemd
    file PATH                           then each of its lines behind one space
    module PATH, built-in PATH          a kernel module that modprobe finds by its name
    page KB, node NUMBER, nr_open N     the default size of a hugepage, a NUMA node, fs.nr_open
    valid PATH                          a script that its shell can read to its end
    systemd, tree                       systemd boots the host; its list of modules could be read

Bounded: 64 kB and 2,000 lines of each file, 300 files, 400 kB in all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .facts import FactError

LONGEST_FILE = 2000  # lines
MOST_FILES = 300
MOST_OCTETS = 400_000

# What is read whole, in no particular order: which of them count, and when, is worked out later.
_FILES = (
    "/etc/os-release /etc/fstab /etc/rc.local /etc/rc.d/rc.local /etc/inittab",
    "/etc/security/limits.conf /etc/security/limits.d/*.conf",
    "/etc/pam.d/sshd /etc/pam.d/login /etc/pam.d/su /etc/pam.d/su-l /etc/pam.d/system-auth",
    "/etc/pam.d/password-auth /etc/pam.d/common-session",
    "/etc/modules /proc/cmdline /etc/default/grub /boot/grub2/grubenv /boot/grub/grubenv",
    "/boot/loader/entries/*.conf /etc/sysctl.conf /etc/crontab /etc/cron.d/*",
    "/var/spool/cron/root /var/spool/cron/crontabs/root",
    "/etc/systemd/system.conf /etc/systemd/system.conf.d/*.conf",
)
# Directories of which a file in one stands for that of the same name in the next.
CONFIGURED = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
UNITS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
_DIRECTORIES = tuple(
    f"{root}/{kind}.d/*.conf"
    for kind in ("modules-load", "modprobe", "sysctl")
    for root in CONFIGURED
)
# Of the distribution's own units, those that can be about DPVS, and those that boot what can be.
_OWN_UNITS = (
    "rc-local.service cron.service crond.service dev-hugepages.mount "
    "systemd-modules-load.service systemd-sysctl.service systemd-tmpfiles-setup.service"
)
# Paths whose presence says nothing of the next boot, or that every machine has.
_ELSEWHERE = (
    *("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/boot/", "/usr/share/", "/etc/pam.d/"),
    *("/lib/systemd/", "/usr/lib/systemd/", "/etc/security/", "/var/lib/", "/var/log/"),
    *("/proc/", "/sys/", "/dev/", "/run/", "/var/run/", "/var/lock/", "/tmp/"),  # noqa: S108
)
_ABOUT = "dpvs|hugepages|hugetlb|insmod|rmmod|nr_open"
_WANTED = "dpvs|hugepages|hugetlb|rc-local|cron"

# f: the files of the lists; c: those to be read; s: paths that stand in these; t: scripts of those.
_SCRIPT = r"""
u=/usr/lib/systemd/system
[ -d $u ] || u=/lib/systemd/system
set -- @FILES@ @DIRECTORIES@ /lib/modprobe.d/*.conf /etc/tmpfiles.d/*.conf /run/tmpfiles.d/*.conf \
/etc/sysconfig/dpvs /etc/default/dpvs
for d in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system; do
set -- "$@" "$d"/*.service "$d"/*.mount "$d"/*.timer "$d"/*.target "$d"/*.d/*.conf
done
for n in @OWN@; do set -- "$@" "$u/$n" "$u/$n".d/*.conf; done
set -- "$@" $(grep -slE '@ABOUT@' $u/*.service $u/*.mount /usr/lib/tmpfiles.d/*.conf)
f=$(for p in "$@"; do [ -f "$p" ] || [ -L "$p" ] && echo "$p"; done)
IFS='
'
set -f
c=$(for p in $f; do [ -f "$p" ] && echo "$p"; done | sort -u | head -n @MOST@)
s=$(for p in $(grep -shoE '(^|[^A-Za-z0-9_./-])/[A-Za-z0-9_./-]+' $c | sed 's/^[^/]*//' |
sort -u | head -n @MOST@); do
case $p in @ELSEWHERE@) continue ;; esac
[ -e "$p" ] && echo "$p"
done)
t=$(for p in $s; do
case $p in *.ko|*.ko.*) continue ;; esac
[ -f "$p" ] && IFS= read -r l <"$p" || continue
case $l in '#!'*) echo "$p" ;; esac
done 2>/dev/null)
for p in /etc/rc.d/rc.local /etc/rc.local $t; do
[ -f "$p" ] && IFS= read -r l <"$p" || continue
case $l in *bash*) bash -n "$p" ;; *) sh -n "$p" ;; esac 2>/dev/null && echo "valid $p"
done
set +f
stat -L -c 'mode %a %F %n' $(printf '%s\n' $f $s | sort -u) 2>/dev/null
l=$(for p in $f /etc/systemd/system/*.wants/* /etc/systemd/system/*.requires/* \
/run/systemd/system/*.wants/* $(printf '%s\n' $u/*.wants/* | grep -E '@WANTED@') \
$u/default.target /etc/systemd/system/default.target; do
[ -L "$p" ] && echo "$p"
done | sort -u)
[ -z "$l" ] || LC_ALL=C stat -c 'link %N' $l
[ -d /run/systemd/system ] || [ -e $u/basic.target ] && echo systemd
awk 'FNR == 1 { print "file " FILENAME } FNR <= @LINES@ { print " " substr($0, 1, 4000) }' \
$(printf '%s\n' $c $t | sort -u) /dev/null 2>/dev/null | head -c @OCTETS@
echo
for g in /boot/grub2/grub.cfg /boot/grub/grub.cfg /boot/efi/EFI/*/grub.cfg; do
[ -f "$g" ] || continue
echo "file $g"
awk '/^[ \t]*(linux|menuentry|submenu|set default|blscfg)/ { print " " NR ":" $0 }' "$g" |
cut -c 1-4000 | head -n 60
done
sed -n 's/^Hugepagesize: *\([0-9]*\) kB/page \1/p' /proc/meminfo
printf 'nr_open '; cat /proc/sys/fs/nr_open
for n in /sys/devices/system/node/node[0-9]*; do [ -d "$n" ] && echo "node ${n##*node}"; done
k=/lib/modules/$(uname -r)
[ ! -f $k/modules.dep ] || {
echo tree
grep -E '@KNOWN@' $k/modules.dep | sed 's/^/module /; s/:.*//'
grep -sE '@KNOWN@' $k/modules.builtin | sed 's/^/built-in /'
}
:"""


def boot_files(modules: tuple[str, ...]) -> str:
    """The script. `modules`: names to look up with modprobe."""
    known = "|".join(re.escape(one).replace("_", "[-_]") for one in modules)
    replaced = {
        "FILES": " ".join(_FILES),
        "DIRECTORIES": " ".join(_DIRECTORIES),
        "OWN": _OWN_UNITS,
        "ABOUT": _ABOUT,
        "WANTED": _WANTED,
        "MOST": str(MOST_FILES),
        "LINES": str(LONGEST_FILE),
        "OCTETS": str(MOST_OCTETS),
        "ELSEWHERE": "|".join(f"{one}*" for one in _ELSEWHERE),
        "KNOWN": f"/({known})[.]ko",
    }
    text = _SCRIPT
    for name, value in replaced.items():
        text = text.replace(f"@{name}@", value)
    return text


@dataclass(frozen=True, slots=True)
class BootFiles:
    """What a boot reads, as found on the host.

    lines: by path, the number and text of each line; of grub.cfg those that start a kernel.
    modes: of each path (links followed) its mode and kind, as `stat` calls it.
    links: target of each symlink, as written.
    valid: scripts that their shell can read to their end.
    systemd: whether systemd boots this host.
    modules: names that modprobe finds; None where the host's list of modules cannot be read.
    built_in: modules that are part of the kernel.
    page_kb: the default size of a hugepage. nr_open: the kernel's fs.nr_open, now.
    nodes: numbers of the NUMA nodes.
    """

    lines: dict[str, tuple[tuple[int, str], ...]]
    modes: dict[str, tuple[int, str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    valid: frozenset[str] = frozenset()
    systemd: bool = True
    modules: frozenset[str] | None = None
    built_in: frozenset[str] = frozenset()
    page_kb: int = 2048
    nr_open: int = 1048576
    nodes: tuple[int, ...] = (0,)

    def text(self, path: str) -> str:
        """The whole text of a file; empty where there is none."""
        return "".join(f"{line}\n" for _, line in self.lines.get(path, ()))

    def exists(self, path: str) -> bool | None:
        """Whether a path is there; None where the host was not asked about it, which it is about
        all paths that stand in the files."""
        if path in self.modes or path in self.lines:
            return True
        named = re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w./-])")
        if path.startswith(_ELSEWHERE) or not path.startswith("/"):
            return None
        found = any(named.search(line) for lines in self.lines.values() for _, line in lines)
        return False if found else None

    def executable(self, path: str) -> bool:
        return bool(self.modes.get(path, (0, ""))[0] & 0o111)

    def real(self, path: str) -> str:
        """Where a symlink leads; the path itself where it is none."""
        for _ in range(8):
            if path not in self.links:
                return path
            target = self.links[path]
            folder = path.rsplit("/", 1)[0]
            path = target if target.startswith("/") else _joined(folder, target)
        return path

    def merged(self, kind: str, suffix: str = ".conf") -> tuple[str, ...]:
        """Paths of `/etc/KIND`, `/run/KIND`, …, in the order of their names: of one name, the first
        folder's; one that links to /dev/null stands for none."""
        chosen: dict[str, str] = {}
        for root in (*CONFIGURED, "/lib"):
            folder = f"{root}/{kind}/"
            for path in sorted({*self.lines, *self.links, *self.modes}):
                name = path[len(folder) :]
                if path.startswith(folder) and "/" not in name and name.endswith(suffix):
                    chosen.setdefault(name, path)
        return tuple(
            chosen[name] for name in sorted(chosen) if self.real(chosen[name]) != "/dev/null"
        )


def _joined(folder: str, target: str) -> str:
    parts = folder.split("/")
    for step in target.split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step not in ("", "."):
            parts.append(step)
    return "/".join(parts)


def read_boot_files(text: str) -> BootFiles:
    """Section `boot files`. Raises FactError."""
    lines: dict[str, list[tuple[int, str]]] = {}
    modes: dict[str, tuple[int, str]] = {}
    links: dict[str, str] = {}
    modules: set[str] = set()
    built_in: set[str] = set()
    valid: set[str] = set()
    found: dict[str, list[int]] = {"page": [], "node": [], "nr_open": []}
    tree = systemd = False
    current: list[tuple[int, str]] | None = None
    for line in text.split("\n"):
        kind, _, rest = line.partition(" ")
        if line.startswith(" "):
            if current is None:
                raise FactError("boot files", line, "a line of a file")
            current.append((len(current) + 1, line[1:]))
        elif kind == "file":
            current = lines.setdefault(rest, [])
        elif match := re.fullmatch(r"mode ([0-7]+) (.+?) (/.*)", line):
            modes[match[3]] = (int(match[1], 8), match[2])
        elif match := re.fullmatch(r"link [`'\"](/.{0,4096})['\"] -> [`'\"](.{0,4096})['\"]", line):
            links[match[1]] = match[2]
        elif kind == "valid":
            valid.add(rest)
        elif kind in ("module", "built-in"):
            name = rest.rsplit("/", 1)[-1].split(".ko")[0].replace("-", "_")
            (modules if kind == "module" else built_in).add(name)
        elif kind in found and rest.isdigit():
            found[kind].append(int(rest))
        elif kind in ("systemd", "tree"):
            systemd, tree = systemd or kind == "systemd", tree or kind == "tree"
        elif line:
            raise FactError("boot files", line, "a file, its mode, its link or a module")
    return BootFiles(
        lines={
            path: _numbered(read) if path.endswith("/grub.cfg") else tuple(read)
            for path, read in lines.items()
        },
        modes=modes,
        links=links,
        valid=frozenset(valid),
        systemd=systemd,
        modules=frozenset(modules | built_in) if tree else None,
        built_in=frozenset(built_in),
        page_kb=(found["page"] or [2048])[0],
        nr_open=(found["nr_open"] or [1048576])[0],
        nodes=tuple(sorted(found["node"])) or (0,),
    )


def _numbered(read: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Lines that carry their number in front: only some of the file were printed."""
    found = []
    for _, line in read:
        number, _, text = line.partition(":")
        found.append((int(number), text) if number.isdigit() else (0, line))
    return tuple(found)
