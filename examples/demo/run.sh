#!/bin/sh
# Tovi from an upload to a result, with a server of its own: `make demo`, or `KEEP=1 make demo` to go on from there.
# All that a person types is shown after a $, and is plain ssh and scp.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)

longest_s=300
pid='' temp='' watch='' step='the start'

say() {
    printf '\n# %s\n' "$1"
}

fail() {
    printf '\ndemo: %s\n' "$1" >&2
    if [ -s "$temp/server.log" ]; then
        printf 'demo: the log of the server ends with\n' >&2
        tail -n 20 "$temp/server.log" >&2
    fi
    exit 1
}

# Show a line as it would be typed, and run it. In the background, so that a signal ends the demo at once.
type_line() {
    step=$1
    printf '$ %s\n' "$step"
    eval "$step" </dev/null &
    wait "$!"
    ended=$?
    [ "$ended" -eq 0 ] || fail "this ended with exit code $ended: $step"
}

# Whatever hangs, the demo does not: `$$` is told when its time is over.
watch_time() {
    sleep "$longest_s" &
    trap 'kill "$!"; exit' TERM
    wait "$!"
    kill -s ALRM "$$"
}

clean_up() {
    [ -z "$watch" ] || kill "$watch" 2>/dev/null
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; }
    pid=''
    [ -z "$temp" ] || { chmod -R u+rwX "$temp" && rm -rf "$temp"; }
    temp=''
}

# `tovi-server` is the one of this checkout, if it is installed here.
find_server() {
    [ -x "$root/.venv/bin/tovi-server" ] || return 0
    mkdir "$temp/bin" && ln -s "$root/.venv/bin/tovi-server" "$temp/bin/" || fail 'no link could be made'
    PATH=$temp/bin:$PATH
}

start_server() {
    ssh-keygen -q -t ed25519 -N '' -C demo -f key && mkfifo listening || fail 'no key could be made'
    type_line 'tovi-server init --data data --admin demo --key key.pub'
    printf '$ tovi-server serve --data data --listen 127.0.0.1:0 &\n'
    tovi-server serve --data data --listen 127.0.0.1:0 >listening 2>server.log &
    pid=$!
    # The pipe stays open: whatever else the server says there, it is not ended by it.
    exec 3<listening
    read -r line <&3 || fail 'the server did not start'
    printf '%s\n' "$line"
    port=${line##*:}
    cat >"$temp/ssh_config" <<END
Host tovi
    HostName 127.0.0.1
    Port $port
    IdentityFile $temp/key
    IdentitiesOnly yes
    IdentityAgent none
    BatchMode yes
    LogLevel ERROR
    StrictHostKeyChecking accept-new
    UserKnownHostsFile $temp/known_hosts
END
}

# What stands in ~/.ssh/config otherwise.
ssh() {
    command ssh -F "$temp/ssh_config" "$@"
}
scp() {
    command scp -F "$temp/ssh_config" "$@"
}

trap clean_up EXIT
trap 'fail "this took too long, after $longest_s s in all: $step"' ALRM
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
watch_time &
watch=$!
temp=$(mktemp -d) || fail 'no temporary folder could be made'
chmod 755 "$temp" # tasks may have uids of their own
cp -R "$root/examples/06-digits" "$temp/digits" && cd "$temp" || fail 'the example could not be copied'

say 'A server for this demo, and you its first user. `tovi` stands for it in your ~/.ssh/config.'
find_server
start_server
cd digits || fail 'the example is gone'
type_line 'ssh tovi whoami'

say 'Upload a dataset: 1,797 handwritten digits.'
type_line 'scp -qr datasets/digits tovi:datasets/digits'
type_line 'ssh tovi datasets'

say 'Submit code and job file: prepare the data, train with six combinations of parameters, report the best.'
type_line 'cat tovi.yaml'
type_line 'tar c tovi.yaml *.py | ssh tovi submit -'
type_line 'ssh tovi queue'
type_line 'ssh tovi why 1.report'

say 'Follow one of the six.'
type_line 'ssh tovi logs -f 1.train.0 | grep loss'
type_line 'ssh tovi queue'

say 'Wait for the rest; `wait` ends with the exit code of the job.'
type_line 'ssh tovi wait 1'
type_line 'ssh tovi metrics 1.train'

say 'Fetch the results.'
type_line 'scp -qr tovi:jobs/1 results'
type_line 'cat results/report.0/outputs/report.txt'

if [ -n "${KEEP:-}" ]; then
    cat >"$temp/stop" <<END
kill $pid
while kill -0 $pid 2>/dev/null; do sleep 0.1; done
chmod -R u+rwX $temp && rm -rf $temp
END
    say "The server goes on. Open its screens with:  ssh -F $temp/ssh_config tovi"
    say "Stop it and remove all of it with:  sh $temp/stop"
    pid='' temp=''
else
    say 'The same job runs on your own machine: ssh tovi compile < tovi.yaml | sh'
    say 'Look at all of it on screens: make demo KEEP=1, which ends with the line that opens them (it is: ssh tovi).'
fi
