# shellcheck shell=bash
# Sourced after _common.sh: a Debian made on the spot, in a folder, and how a command runs in it.

# A command that ends with this script: bash hears of a signal only between commands, so it waits for one in the background.
attended() {
    "$@" &
    attended=$!
    wait "$attended"
}

# On a signal the attended command ends first, then this script, by its EXIT trap.
stop_with_children() {
    trap 'stop_attended; exit 130' INT
    trap 'stop_attended; exit 143' TERM HUP
}

stop_attended() {
    if [[ -n ${attended:-} ]]; then
        pkill -TERM -P "$attended" || true
        kill "$attended" 2>/dev/null || true
        wait "$attended" || true
    fi
}

# A minimal Debian of release $1 in the new folder $2, which reaches what this machine reaches.
make_debian() {
    local log own=/usr/local/share/ca-certificates # a proxy's own authority, where there is one
    if ((EUID != 0)); then fail 3 "making a Debian needs root"; fi
    command -v debootstrap >/dev/null || fail 3 "debootstrap is missing" "apt-get install debootstrap"
    if [[ ! -e /usr/share/debootstrap/scripts/$1 ]]; then fail 2 "debootstrap knows no release $1"; fi
    log=$2.log
    say "a minimal $1"
    attended debootstrap --variant=minbase "$1" "$2" >"$log" 2>&1 || fail 3 "$(tail -n 5 "$log")" "debootstrap could not make $1"
    rm -f "$log"
    cp -L /etc/resolv.conf /etc/hosts "$2/etc/"
    if [[ -n $(ls "$own" 2>/dev/null) ]]; then mkdir -p "$2$own" && cp "$own"/* "$2$own/"; fi
}

# in_debian FOLDER SCRIPT [ARGUMENT...]: runs the text SCRIPT by sh in there, with processes and mounts of its own.
# BIND=SOURCE:TARGET puts a folder of this machine into it, read-only. pivot_root, not chroot: a process in a chroot may
# not make user namespaces.
in_debian() {
    local folder=$1 script=$2 name proxy=()
    shift 2
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if [[ -n ${!name:-} ]]; then proxy+=("$name=${!name}"); fi
    done
    # what bash starts in the background ignores SIGINT, and so would all that it starts
    attended env --default-signal=INT,QUIT unshare --mount --pid --ipc --fork --kill-child env -i "${proxy[@]+"${proxy[@]}"}" PATH="$PATH" \
        bash -eu -c "$_enter" "$folder" "${BIND:-}" "$script" "$@"
}

# shellcheck disable=SC2016
_enter='
mount --rbind "$0" "$0" && cd "$0"
mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev && mount -t tmpfs tmpfs run
if [ -n "$1" ]; then mkdir -p ".${1#*:}" && mount --bind -o ro "${1%%:*}" ".${1#*:}"; fi
mkdir -p .outside && pivot_root . .outside && umount -l /.outside && rmdir /.outside
cd /
script=$2
shift 2
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb
exec sh -eu -c "$script" sh "$@"
'
