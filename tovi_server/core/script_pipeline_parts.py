"""The fixed pieces of a compiled pipeline: what a server does around a task's script, done by one shell."""

from __future__ import annotations

from typing import Final

BEGIN: Final = r"""
tovi_say() {
    printf 'tovi: %s\n' "$1" >&2
}
tovi_begin() {
    mkdir -p "${TOVI_ROOT:-tovi-out}" && tovi_root=$(cd "${TOVI_ROOT:-tovi-out}" && pwd) || exit
    tovi_temp=$(mktemp -d) || exit
    trap 'rm -rf "$tovi_temp"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir "$tovi_temp/code" "$tovi_temp/data" "$tovi_temp/in" "$tovi_temp/left" "$tovi_temp/ok" || exit
    tovi_freeze_code
    tovi_bad=0 tovi_limit=''
    # Tasks are told to end one by one: what else is in this process group is somebody else's.
    TOVI_SIGNALS=child
    export TOVI_JOB=0 TOVI_NODE_RANK=0 TOVI_NODES=1 TOVI_MASTER_ADDR=127.0.0.1 TOVI_LOCAL=1
    export TOVI_CODE="$tovi_temp/code" TOVI_SCRATCH="$tovi_temp/scratch"
    command -v timeout >/dev/null || tovi_say "there is no timeout program here, so time limits are not kept"
}
# The code is what lies here now, whatever changes later; results, datasets and what tools keep are left out.
tovi_freeze_code() {
    for tovi_entry in * .[!.]*; do
        case $tovi_entry in
        .git | .venv | venv | __pycache__ | node_modules | datasets | tovi-out) continue ;;
        esac
        [ -e "$tovi_entry" ] && [ "$PWD/$tovi_entry" != "$tovi_root" ] || continue
        cp -RP "./$tovi_entry" "$tovi_temp/code/" || exit
    done
}
"""

STAGE: Final = r"""
# Begin a stage: its name, and the stages it needs. Fails if it is to be skipped.
tovi_stage() {
    export TOVI_STAGE="$1" TOVI_IN="$tovi_temp/in/$1" TOVI_DATA="$tovi_temp/data/$1"
    export TOVI_ENV=''
    tovi_script="$tovi_temp/script" tovi_stage_bad=0
    shift
    for tovi_need in "$@"; do
        [ ! -e "$tovi_temp/ok/$tovi_need" ] || continue
        tovi_say "$TOVI_STAGE: skipped, because $tovi_need did not succeed"
        tovi_bad=1
        return 1
    done
    mkdir "$TOVI_IN" "$TOVI_DATA" "$tovi_temp/left/$TOVI_STAGE" || exit
    for tovi_need in "$@"; do ln -s "$tovi_temp/left/$tovi_need" "$TOVI_IN/$tovi_need"; done
}
tovi_stage_end() {
    [ "$tovi_stage_bad" -eq 0 ] || return 0
    : >"$tovi_temp/ok/$TOVI_STAGE"
}
# Make a dataset appear: its name for the stage, its name in the project.
tovi_data() {
    tovi_source="$PWD/datasets/$2"
    if [ ! -e "$tovi_source" ]; then
        tovi_say "$TOVI_STAGE: there is no datasets/$2 here; put or link the data there"
        exit 1
    fi
    ln -s "$tovi_source" "$TOVI_DATA/$1" || exit
}
# Make an output of an earlier stage appear under a name: name, stage, path.
tovi_input() {
    if [ -L "$tovi_temp/left/$2" ]; then
        ln -s "$tovi_temp/left/$2/$3" "$TOVI_IN/$1"
        return
    fi
    mkdir "$TOVI_IN/$1" || exit
    for tovi_left in "$tovi_temp/left/$2"/*; do ln -s "$tovi_left/$3" "$TOVI_IN/$1/${tovi_left##*/}"; done
}
# Where the results of setup are kept: a key of its text, then the files that it reads.
tovi_env() {
    tovi_key=$1
    shift
    tovi_sum=$(cd "$TOVI_CODE" && cat "$@" 2>/dev/null | cksum)
    export TOVI_ENV="$tovi_root/.env/$tovi_key-${tovi_sum%% *}"
}
"""

TASK: Final = r"""
# Run a task as often as it may be tried: its index, and its number of tries.
tovi_task() {
    export TOVI_TASK="0.$TOVI_STAGE.$1" TOVI_ATTEMPT=0
    tovi_folder="$tovi_root/$TOVI_STAGE.$1"
    rm -rf "$tovi_folder" || exit
    while :; do
        TOVI_ATTEMPT=$((TOVI_ATTEMPT + 1))
        tovi_attempt
        [ "$tovi_code" -ne 0 ] || break
        [ "$TOVI_ATTEMPT" -lt "$2" ] && tovi_may_retry || break
        tovi_say "$TOVI_STAGE.$1: failed ($tovi_reason), trying again"
    done
    tovi_task_end "$1"
}
tovi_attempt() {
    tovi_control="$tovi_folder/attempts/$TOVI_ATTEMPT"
    export TOVI_OUT="$tovi_control/outputs"
    rm -rf "$TOVI_SCRATCH"
    mkdir -p "$TOVI_OUT" "$TOVI_SCRATCH/work" "$TOVI_SCRATCH/home" "$TOVI_SCRATCH/tmp" || exit
    cp "$tovi_script" "$tovi_control/script.sh" || exit
    tovi_run tovi_program >"$tovi_control/stdout.log" 2>"$tovi_control/stderr.log"
    cat "$tovi_control/stdout.log"
    cat "$tovi_control/stderr.log" >&2
    case $tovi_signals in
    *TERM* | *HUP*) tovi_say "$TOVI_STAGE: stopped" && exit 143 ;;
    esac
    tovi_reason="exit code $tovi_code" tovi_cause=error
    case $tovi_code in
    124) [ -z "$tovi_limit" ] || { tovi_reason="time limit" tovi_cause=timeout; } ;;
    137) tovi_cause=oom ;;
    esac
}
# `timeout` makes a process group of its own, and signals all of it.
tovi_program() {
    if command -v timeout >/dev/null; then
        export TOVI_SIGNALS=group
        exec timeout -k 30 "$tovi_limit" sh "$tovi_control/script.sh"
    fi
    unset TOVI_SIGNALS
    exec sh "$tovi_control/script.sh"
}
tovi_may_retry() {
    case " $tovi_retry " in
    *" $tovi_cause "* | *" $tovi_code "*) ;;
    *) return 1 ;;
    esac
}
# Keep what counts where the server keeps it.
tovi_task_end() {
    if [ "$tovi_code" -ne 0 ]; then
        tovi_say "$TOVI_STAGE.$1: failed ($tovi_reason)"
        tovi_stage_bad=1 tovi_bad=1
        return
    fi
    mv "$TOVI_OUT" "$tovi_folder/outputs" || exit
    [ -z "$tovi_metrics" ] || [ ! -f "$tovi_folder/outputs/$tovi_metrics" ] ||
        cp "$tovi_folder/outputs/$tovi_metrics" "$tovi_folder/metrics.json"
    if [ "$tovi_tasks" -eq 1 ]; then
        rmdir "$tovi_temp/left/$TOVI_STAGE"
        ln -s "$tovi_folder/outputs" "$tovi_temp/left/$TOVI_STAGE"
    else
        ln -s "$tovi_folder/outputs" "$tovi_temp/left/$TOVI_STAGE/$1"
    fi
    tovi_say "$TOVI_STAGE.$1: succeeded, in $tovi_folder"
}
"""
