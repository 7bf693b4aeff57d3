"""The journal's part that runs on the host, sh text: writing, checking and running its undos."""

from __future__ import annotations

DAMAGED = 77
"""Exit status that stands for an undo which was not run, since it is not what was written."""

# Follows batch_format.LIBRARY; `folder` is the journal's, `noting` comes from `prologue`. Every
# change runs in a process group of its own, which is recorded before it starts; `settle` ends
# the groups that a killed run recorded and that still run.
LIBRARY = r"""
read -r boot </proc/sys/kernel/random/boot_id
started() {
read -r stat <"/proc/$1/stat" && set -- ${stat##*) } && echo "${20}"
} 2>/dev/null
read -r _ _ _ _ group _ </proc/$$/stat
note_stage() {
echo "$boot $group $(started "$group")" >>"$folder/running"
} 2>/dev/null
# Noted first, then compared: who takes the lock over writes first, and then ends what is noted.
working() {
bounded "$1" "$noting
$fence
$2"
}
fenced() { ( eval "$fence" ) >&2 || exit; }
settle() {
[ -e "$folder/running" ] || return 0
stuck=
while read -r then pid when; do
[ "$then" = "$boot" ] && [ "$pid" != "$group" ] && [ -n "$when" ] || continue
[ "$(started "$pid")" = "$when" ] || continue
end_group "$pid" TERM 20 || end_group "$pid" KILL 20 || stuck=$pid
done <"$folder/running"
[ -z "$stuck" ] || { echo "process group $stuck of an earlier run cannot be ended" >&2; return 1; }
rm -f "$folder/running"
}
end_group() {
kill -s "$2" -- "-$1" 2>/dev/null || kill -s "$2" "$1" 2>/dev/null
tries=0
while kill -s 0 -- "-$1" 2>/dev/null; do
[ $tries -lt "$3" ] || return 1
tries=$((tries+1)); sleep 0.1
done
}
intact() {
last=$(tail -n 1 "$1" | tr -d '\000')
[ "$last" = "# end $(sed '$d' "$1" | cksum)" ]
}
mine_alone() {
[ -O "$1" ] && [ ! -L "$1" ] || return 1
case $(ls -ld "$1") in ?????w*|????????w*) return 1 ;; esac
}
private() {
for one in "$folder" "${folder%/*}" "${folder%/*/*}"; do
mine_alone "$one" || { echo "others than this account may write to $one"; return 1; }
done
}
wrong() {
private || return
[ -f "$1" ] && mine_alone "$1" || { echo "others than this account may write to it"; return; }
intact "$1" || echo "its length or checksum is not what was written"
}
strange() {
ls -A | while IFS= read -r name; do
case $name in
0000.undo) ;;
run|running|run.new|[0-9][0-9][0-9][0-9].undo|[0-9][0-9][0-9][0-9].undo.new) continue ;;
esac
printf '%s\n' "$name"
done
}
write_through() {
why=$(dd of="$1.new" conv=fsync 2>&1) && mv "$1.new" "$1" && { sync "$folder" 2>/dev/null || :; }
set -- $? "$1"
[ "$1" = 0 ] || printf 'cannot write %s: %s\n' "$2" "$(echo "$why" | head -n 1)" >&2
return "$1"
}
leave() {
rmdir "$folder" "${folder%/*}" "${folder%/*/*}" 2>/dev/null
return 0
}
"""

# Of a file only its comments are sent: what it writes back may be anybody's secret.
UNDO = r"""
cd "$folder" 2>/dev/null || exit 0
fenced
settle || exit 1
note_stage
for file in $(ls -r | grep -x '[0-9][0-9][0-9][0-9]\.undo'); do
number=${file%.undo}
[ "$number" != 0000 ] || continue
case $(sed -n 's/^# id //p;q' "$file") in "$only"*) ;; *) continue ;; esac
begin "${number}0"; sed '/^# /!q' "$file" | grep '^# '; end "${number}0" 0
begin "${number}1"
why=$(wrong "$file")
if [ -n "$why" ]; then echo "$why"; status=@DAMAGED@
else
seconds=$(sed -n 's/^# timeout //p;/^[^#]/q' "$file")
working "${seconds:-10}" "$(cat "$file")"
status=$?
[ $status = 0 ] || fenced
[ $status = @DAMAGED@ ] && status=1
[ $status = 0 ] && { rm -f "$file" && { sync . 2>/dev/null || :; }; }
fi
end "${number}1" $status
done
[ -n "$only" ] || {
begin 1; strange; end 1 @DAMAGED@
ls -A | grep -Evqx 'run|running|run[.]new|[0-9]+[.]undo[.]new' || rm -f run running *.new
}
cd /
leave
exit 0
"""

LIST = r"""
cd "$root/journal" 2>/dev/null || exit 0
count=0
for one in *; do
[ -d "$one" ] || continue
count=$((count+1))
begin "${count}0000"; echo "$one"; cat "$one/run" 2>/dev/null; end "${count}0000" 0
for file in $(ls "$one" | grep -x '[0-9][0-9][0-9][0-9]\.undo'); do
number=${file%.undo}
[ "$number" != 0000 ] || continue
begin "$count$number"; sed '/^# /!q' "$one/$file" | grep '^# '; end "$count$number" 0
done
done
exit 0
"""

UNDO = UNDO.replace("@DAMAGED@", str(DAMAGED))
