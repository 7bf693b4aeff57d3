"""The lock as it lies on the host: sh functions that read and write it. `lock` uses them.

One file below the journal's root, replaced as a whole:

    token BOOT NUMBER NONCE     who: boot id, a number that grows, a word of the run's own
    lease TIME SECONDS          renewed when, by the kernel's uptime, and how long that holds
    keeper PID STARTED          the sshd process of the run's connection, for the words of a refusal
    owner, since, from          for people

It is read and written under flock(1) on /run, which the kernel gives back when a process dies, and
which is held for milliseconds. Time is the kernel's uptime with its boot id: the host's clock may
be set as one likes, and a reboot ends every lease.

The rule. A lock is free where there is none, where its lease is over, where it is of another boot,
and where it cannot be read as a lock. The next run takes it with a number that is higher by one;
then it ends what the run before it was still doing on the host. Who had it before changes nothing
more: each piece of work is noted, then compares the token, then works; each new owner writes its
token, then ends the work that is noted. So the second of two always sees the first.
"""

from __future__ import annotations

from collections.abc import Mapping

from .shell import quote

LONGEST_LEASE = 86400
"""Seconds: a lock that says more cannot be read as a lock."""
LOST = 79
"""Exit status of a piece of work that was not begun, because the host is another run's."""
_LOCK_BYTES, _TOKEN_BYTES = 2048, 300

_READING = r"""
lock=$root/lock
newline='
'
read -r boot </proc/sys/kernel/random/boot_id
uptime() { read -r now _ </proc/uptime; echo "${now%.*}"; }
started() {
read -r stat <"/proc/$1/stat" && set -- ${stat##*) } && echo "${20}"
} 2>/dev/null
number() { case $1 in ''|*[!0-9]*|0?*|???????????*) return 1 ;; esac; }
# What the lock says, in its_*. 1: there is none; 2: it cannot be read as a lock.
seen() {
its_word= its_boot= its_number= its_time= its_lease= its_pid= its_when=
its_owner= its_since= its_from=
[ -e "$lock" ] || [ -L "$lock" ] || return 1
[ -f "$lock" ] && [ ! -L "$lock" ] || return 2
text=$(head -c @LOCK_BYTES@ "$lock" | tr -d '\000')
while [ -n "$text" ]; do
line=${text%%"$newline"*} rest=${text#*"$newline"}
[ "$rest" != "$text" ] && text=$rest || text=
value=${line#* }
case $line in
"token "*) its_word=$value its_boot=${value%% *} rest=${value#* }; its_number=${rest%% *} ;;
"lease "*) its_time=${value%% *} its_lease=${value#* } ;;
"keeper "*) its_pid=${value%% *} its_when=${value#* } ;;
"owner "*) its_owner=$value ;;
"since "*) its_since=$value ;;
"from "*) its_from=$value ;;
esac
done
number "$its_number" && number "$its_time" && number "$its_lease" &&
[ "$its_lease" -le @LONGEST@ ] || return 2
[ "$its_boot" != "$boot" ] || [ "$its_time" -le "$(uptime)" ] || return 2
} 2>/dev/null
over() { [ "$its_boot" != "$boot" ] || [ $(($(uptime) - its_time)) -ge "$its_lease" ]; }
# Who has it, since when, from where, the seconds that are left of the lease, `gone` where the
# process that holds it is.
tell() {
echo "${its_owner:-an unknown owner}"
echo "${its_since:-an unknown time}"
echo "${its_from:-an unknown address}"
echo "$((its_lease - $(uptime) + its_time))"
[ "$(started "$its_pid")" = "$its_when" ] || echo gone
} 2>/dev/null
""".replace("@LOCK_BYTES@", str(_LOCK_BYTES)).replace("@LONGEST@", str(LONGEST_LEASE))

_WRITING = r"""
keeper() {
pid=$$
while [ "$pid" -gt 1 ]; do
read -r stat <"/proc/$pid/stat" || break
set -- ${stat##*) }
case $stat in *"(sshd"*) break ;; esac
pid=$2
done
echo "$pid $(started "$pid")"
} 2>/dev/null
# Write its_* as the lock; to be called under `exclusively`.
write_lock() {
[ ! -d "$lock" ] || rm -rf "$lock"
printf '%s\n' "token $its_word" "lease $its_time $its_lease" "keeper $its_pid $its_when" \
"owner $its_owner" "since $its_since" "from $its_from" | cat >"$lock.new" &&
mv -f "$lock.new" "$lock"
}
# Run one function, no other process of the suite doing the same on this host; 1: could not.
exclusively() {
(
command -v flock >/dev/null || { echo "flock (util-linux) is not installed" >&2; exit 1; }
flock -w 5 9 || { echo "flock on /run did not succeed within 5 s" >&2; exit 1; }
"$@"
) 9</run
}
mine() { seen && [ "$its_word" = "$token" ]; }
renew() {
mine || { echo "$its_owner"; return 2; }
its_time=$(uptime) its_lease=$lease
write_lock
}
let_go() {
mine || { echo "$its_owner"; return 2; }
rm -rf "$lock" "$lock.new" "$root/dead-man"
rmdir "$root" 2>/dev/null || :
}
"""


def fence(root: str, token: str) -> str:
    """Sh text that ends a command with LOST, and prints the owner, unless the lock below `root`
    has this token."""
    file, ours = quote(f"{root}/lock"), quote(f"token {token}\n")
    return (
        f"case $([ -f {file} ] && head -c {_TOKEN_BYTES} {file} 2>/dev/null) in\n"
        f"{ours}*) ;;\n"
        f"*) head -c {_LOCK_BYTES} {file} 2>/dev/null | sed -n 's/^owner //p'; exit {LOST} ;; esac"
    )


def reading(root: str, body: str) -> str:
    """`body` behind the functions that only read: `seen`, `over`, `tell`."""
    return f"root={quote(root)}\n{_READING}{body}"


def script(parameters: Mapping[str, str], body: str) -> str:
    """`body` behind all functions, and behind `parameters` as variables of the shell.

    `root` has to be among them; `token` and `lease` where the lock is ours.
    """
    lines = [f"{name}={quote(value)}" for name, value in parameters.items()]
    return "\n".join(lines) + _READING + _WRITING + body
