"""The write gate's part that runs on the host, sh text: one change, recorded before it is made."""

from __future__ import annotations

# What `verify` ends with to say that waiting is in vain.
GIVE_UP = 70

CHANGE = r"""
record() {
[ ${#1} = 4 ] || { echo "the journal is full" >&2; return 1; }
whole=$(printf '%s\n# at %s\n%s\n.' "$heading" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$undo")
whole=${whole%.}
{ printf %s "$whole"; printf '# end %s\n' "$(printf %s "$whole" | cksum)"; } |
( umask 077; write_through "$folder/$1.undo" ) || return 1
intact "$folder/$1.undo" || { echo "what was read back is not what was written" >&2; return 1; }
}
centiseconds() {
read -r now _ </proc/uptime
now=${now%.*}${now#*.}
}
poll() {
centiseconds; until=$((now + $1 * 100)); shown=
while :; do
said=$(bounded "$(printf '%d.%02d' $(((until-now)/100)) $(((until-now)%100)))" "$2" 2>&1)
status=$?
centiseconds
case $status in 0|@GIVE_UP@) break ;; esac
[ "$now" -lt "$until" ] || break
last=$(printf %.200s "${said##*
}")
[ "$last" = "$shown" ] || { shown=$last; glimpse "$3" "$last"; }
sleep 0.05 2>/dev/null || sleep 1
done
[ -z "$shown" ] || glimpse "$3" ""
printf '%s\n' "$said"
return $status
}
change() {
fenced
count=$((count+1))
set -- "$1" "$(printf %04d "$count")"
if [ -n "$done" ]; then
frame "${1}0" "$quick" "$done"
case $? in 0) return 0 ;; 124|137) return 1 ;; esac
fi
if [ -n "$capture" ]; then
begin "${1}1"
undo=$(bounded "$quick" "$capture")
status=$?
[ $status = 0 ] || printf '%s\n' "$undo"
end "${1}1" $status
[ $status = 0 ] || return 1
fi
fenced
begin "${1}2"
record "$2"
status=$?
end "${1}2" $status
[ $status = 0 ] || return 1
begin "${1}3"
working "$seconds" "$apply"
status=$?
end "${1}3" $status
[ $status = 0 ] || { fenced; return 1; }
[ -n "$verify" ] || return 0
begin "${1}4"
poll "${seconds%.*}" "$verify" "${1}4"
status=$?
end "${1}4" $status
return $status
}
umask 077
fenced
mkdir -p "$folder" && private >&2 || exit 1
settle || exit 1
note_stage
[ -e "$folder/run" ] || printf '%s\n' "$about" | write_through "$folder/run" || exit 1
umask 022
count=$(ls "$folder" | sed -n 's/^\([0-9]*\)\.undo$/1\1-10000/p' | tail -n 1)
count=$((${count:-0}))
""".replace("@GIVE_UP@", str(GIVE_UP))
