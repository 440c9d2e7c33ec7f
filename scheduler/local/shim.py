r"""The shim: a plain sh that starts one attempt's script, waits for it, and writes down how it ended.

It leads a session and process group with all that the script starts, so that one signal reaches them all, and outlives
every signal that is meant for them. While the server that started it lives, the server keeps the time limit and
ends the group; the shim then costs no process besides itself and the script. The kernel sends it URG the moment that
server is gone, however it went (see `lifeline`), and from then on it does all of it by itself.

What it writes in the control folder:

- `claim`: its pid, start time and boot id, made with O_EXCL before anything runs. A shim that finds one there, or
  cannot make one, kills its group, where what wakes it may be: so an attempt is started once, whatever crashed in
  between.
- `exit.tmp`: how it ended. A live server makes it durable and renames it to `exit.json`; alone, the shim does.
"""

from __future__ import annotations

from typing import Final

COMMANDS_FD: Final = 4
"""Where the shim waits for a line that says it may start; closed without one, it never was."""
LIFELINE_FD: Final = 3

SHIM: Final = r"""
cd / && umask 077 && ulimit -c 0
tovi_control=$1 tovi_boot=$2 tovi_deadline=$3 tovi_grace=$4 tovi_cgroup=$5 tovi_server=$6
shift 6
tovi_woken='' tovi_alone='' tovi_reason='' tovi_code='' tovi_child=''

tovi_identity() {
    read -r tovi_stat </proc/$$/stat && set -- ${tovi_stat##*) } && printf '%s %s %s\n' $$ "${20}" "$tovi_boot"
}
tovi_left_alone() {
    # Not before the child is known: what is started here would be taken for it.
    [ -n "$tovi_child" ] && [ -z "$tovi_alone" ] || return 0
    tovi_alone=1
    read -r tovi_now tovi_rest </proc/uptime
    tovi_wake_after "$((tovi_deadline - ${tovi_now%%.*}))"
}
tovi_wake_after() {
    {
        trap '' HUP INT TERM
        [ "$1" -le 0 ] || sleep "$1"
        kill -s ALRM $$
    } 3<&- >/dev/null 2>&1 &
}
tovi_time_is_over() {
    if [ -z "$tovi_alone" ]; then
        return
    elif [ -z "$tovi_reason" ]; then
        tovi_reason=timeout
        kill -s TERM 0
        tovi_wake_after "$tovi_grace"
    else
        tovi_code=137
        tovi_end
    fi
}
tovi_end() {
    [ -z "$tovi_alone" ] || tovi_end_escaped
    printf '{"exit_code": %s, "reason": "%s"}\n' "$tovi_code" "$tovi_reason" >"$tovi_control/exit.tmp"
    [ -n "$tovi_alone" ] || exit "$tovi_code"
    times >"$tovi_control/times"
    sync "$tovi_control/exit.tmp" && mv -f "$tovi_control/exit.tmp" "$tovi_control/exit.json" && sync "$tovi_control"
    kill -s KILL 0
}
tovi_end_escaped() {
    [ -e "$tovi_cgroup" ] || return 0
    while read -r tovi_pid; do kill -s KILL "$tovi_pid"; done <"$tovi_cgroup"
} 2>/dev/null

read -r tovi_go <&4 || exit 0
exec 4<&-
trap 'tovi_woken=x$tovi_woken; tovi_left_alone' URG
trap 'tovi_woken=x$tovi_woken; tovi_time_is_over' ALRM
set -C
tovi_identity 2>/dev/null >"$tovi_control/claim" || kill -s KILL 0
{
    exec 3<&-
    { echo 500 >|/proc/self/oom_score_adj; } 2>/dev/null
    [ -z "$tovi_cgroup" ] || echo 0 >|"$tovi_cgroup" || exit 125
    umask 022
    exec "$@"
} &
tovi_child=$!
# It may be gone already: from before there was a trap for the signal that tells so, or a child.
[ "$tovi_server" -ef /proc/self/fd/3 ] || tovi_left_alone
# Not before: a shell that has just forked still catches what its parent traps, and forgets it.
trap 'tovi_woken=x$tovi_woken' HUP INT QUIT TERM USR1 USR2
while :; do
    tovi_before=$tovi_woken
    wait "$tovi_child"
    tovi_waited=$?
    # A second wait knows nothing (127) of a child whose end the first one told in the moment of a signal.
    [ "$tovi_waited" -eq 127 ] && [ -n "$tovi_code" ] || tovi_code=$tovi_waited
    [ "$tovi_before" != "$tovi_woken" ] || break
done
tovi_end
"""
