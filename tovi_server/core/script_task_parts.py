r"""The fixed pieces of a task's script. POSIX sh, and of an image nothing but the usual small tools.

They fork as little as they can: a task without code, setup and outputs costs one `mkdir` (none, if the executor made
the folders) and the program. All names start with `tovi_`, which no parameter may.
"""

from __future__ import annotations

from typing import Final

FOLDERS: Final = r"""
tovi_fail() {
    printf 'tovi: %s\n' "$1" >&2
    exit 1
}
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -d "$TOVI_SCRATCH/tmp" ] || [ ! -d "$TOVI_SCRATCH/work" ] || [ ! -d "$TOVI_SCRATCH/home" ]; then
    mkdir -p "$TOVI_SCRATCH/work" "$TOVI_SCRATCH/home" "$TOVI_SCRATCH/tmp" || tovi_fail "cannot make $TOVI_SCRATCH"
fi
export HOME="$TOVI_SCRATCH/home" TMPDIR="$TOVI_SCRATCH/tmp" PYTHONUNBUFFERED="${PYTHONUNBUFFERED-1}"
"""

COPY: Final = r"""
# The code is frozen and read-only; what runs gets a copy of its own to write beside.
tovi_copy_code() {
    [ -n "${TOVI_CODE:-}" ] || return 0
    cp -RP --reflink=auto "$TOVI_CODE/." "$1" 2>/dev/null || cp -RPf "$TOVI_CODE/." "$1" || return
    chmod -R u+w "$1"
}
"""

RUN: Final = r"""
# Run a command as a child, pass signals on to it, and leave its exit code in tovi_code. Background children ignore
# INT, so it is passed on as TERM, which goes to the whole process group if that is this script's own. Who started this
# script may say that it signals the group itself (TOVI_SIGNALS=group), or that others are in it (TOVI_SIGNALS=child).
tovi_run() {
    tovi_child='' tovi_code='' tovi_signals=''
    trap 'tovi_pass HUP' HUP
    trap 'tovi_pass TERM' INT
    trap 'tovi_pass TERM' TERM
    trap 'tovi_pass USR1' USR1
    trap 'tovi_pass USR2' USR2
    "$@" &
    tovi_child=$!
    for tovi_early in $tovi_signals; do tovi_send "$tovi_early"; done
    while :; do
        tovi_before=$tovi_signals
        wait "$tovi_child"
        tovi_waited=$?
        # A second wait knows nothing (127) of a child whose end the first one told in the moment of a signal.
        [ "$tovi_waited" -eq 127 ] && [ -n "$tovi_code" ] || tovi_code=$tovi_waited
        [ "$tovi_before" != "$tovi_signals" ] || break
    done
}
tovi_pass() {
    tovi_signals="$tovi_signals $1"
    [ -z "$tovi_child" ] || tovi_send "$1"
}
tovi_send() {
    case ${TOVI_SIGNALS:-$1} in
    group) ;;
    TERM) tovi_send_term ;;
    *) kill -s "$1" "$tovi_child" 2>/dev/null ;;
    esac
}
tovi_send_term() {
    if tovi_leads_group; then
        trap 'tovi_signals="$tovi_signals TERM"' TERM
        kill -s TERM 0
    else
        kill -s TERM "$tovi_child" 2>/dev/null
    fi
}
# Whether all in this process group was started by this script: then it may all be told to end.
tovi_leads_group() {
    { read -r tovi_stat; } 2>/dev/null <"/proc/$$/stat" || return
    tovi_stat=${tovi_stat##*) }
    tovi_stat=${tovi_stat#* * }
    [ "${tovi_stat%% *}" = "$$" ]
}
"""

SETUP: Final = r"""
# What `setup` installs is kept in $TOVI_ENV, and made once: by the first who comes, while the others wait.
tovi_setup() {
    mkdir -p "$TOVI_ENV" || return
    [ -e "$TOVI_ENV/.lock" ] || (umask 0 && : >>"$TOVI_ENV/.lock") || return
    exec 9<"$TOVI_ENV/.lock" || return
    [ -z "$tovi_flock" ] || flock 9 || return
    [ -e "$TOVI_ENV/.ready" ] || { tovi_make_env 9<&- && : >"$TOVI_ENV/.ready"; }
}
tovi_make_env() {
    for tovi_old in "$TOVI_ENV"/* "$TOVI_ENV"/.[!.]*; do
        [ "$tovi_old" = "$TOVI_ENV/.lock" ] || rm -rf "$tovi_old" || return
    done
    mkdir -p "$TOVI_ENV/bin" "$TOVI_SCRATCH/setup" || return
    tovi_make_python
    tovi_use_env
    tovi_copy_code "$TOVI_SCRATCH/setup" && cd "$TOVI_SCRATCH/setup" && sh -e -c -- "$tovi_setup_text"
}
# A virtual environment over the machine's Python, where there is one. Its pip is that Python's own where it has one,
# which saves the seconds of installing another.
tovi_make_python() {
    command -v python3 >/dev/null && python3 -m venv --system-site-packages --without-pip "$TOVI_ENV" || return
    if "$TOVI_ENV/bin/python" -c 'import pip' 2>/dev/null; then
        printf '#!/bin/sh\nexec "%s/bin/python" -m pip "$@"\n' "$TOVI_ENV" >"$TOVI_ENV/bin/pip"
        cp "$TOVI_ENV/bin/pip" "$TOVI_ENV/bin/pip3"
        chmod 755 "$TOVI_ENV/bin/pip" "$TOVI_ENV/bin/pip3"
    else
        "$TOVI_ENV/bin/python" -m ensurepip --default-pip >/dev/null 2>&1
    fi
}
tovi_use_env() {
    export PATH="$TOVI_ENV/bin:$PATH"
    [ ! -e "$TOVI_ENV/pyvenv.cfg" ] || export VIRTUAL_ENV="$TOVI_ENV" UV_PROJECT_ENVIRONMENT="$TOVI_ENV"
}
tovi_flock=$(command -v flock) || TOVI_ENV="$TOVI_SCRATCH/env"
if [ ! -e "$TOVI_ENV/.ready" ]; then
    tovi_run tovi_setup
    if [ "$tovi_code" -ne 0 ]; then
        printf 'setup-failed\n' >"$TOVI_SCRATCH/ended"
        printf 'tovi: setup failed with exit code %s\n' "$tovi_code" >&2
        exit "$tovi_code"
    fi
fi
tovi_use_env
"""

WORK: Final = r"""
cd "$TOVI_SCRATCH/work" && tovi_copy_code . || tovi_fail "cannot make a working copy of the code"
"""

COLLECT: Final = r"""
# Move an output to $TOVI_OUT, unless the program wrote it there itself. An outer folder comes before what is in it.
tovi_collect() {
    if [ ! -e "./$1" ] && [ ! -L "./$1" ]; then
        [ -e "$TOVI_OUT/$1" ]
        return
    fi
    tovi_parent="$TOVI_OUT/$1"
    tovi_parent=${tovi_parent%/*}
    [ -d "$tovi_parent" ] || mkdir -p "$tovi_parent" || return
    if [ -d "./$1" ] && [ -d "$TOVI_OUT/$1" ]; then
        cp -RP "./$1/." "$TOVI_OUT/$1"
    else
        mv -f "./$1" "$TOVI_OUT/$1"
    fi
}
tovi_need() {
    tovi_collect "$1" && return
    [ "$tovi_code" -eq 0 ] || return
    tovi_code=1
    printf 'outputs-missing %s\n' "$1" >"$TOVI_SCRATCH/ended"
    printf 'tovi: the output %s is missing\n' "$1" >&2
}
"""
