# shellcheck shell=bash
# Sourced by bootstrap, after _common.sh: what scripts/packages asks for and apt has to bring.

policy=/usr/sbin/policy-rc.d
policy_mark='# written by trimtab scripts/bootstrap'

# One "program package[|alternative]" line for each line of scripts/packages that is not satisfied.
missing_programs() {
    local program packages
    while read -r program packages; do
        case $program in
            '' | \#*) continue ;;
            /*) if [[ -e $program ]]; then continue; fi ;;
            *) if command -v "$program" >/dev/null; then continue; fi ;;
        esac
        printf '%s %s\n' "$program" "$packages"
    done <"$root/scripts/packages"
}

# Gets the packages for the given lines, by whatever right this user has.
get_packages() {
    local programs
    programs=$(cut -d' ' -f1 <<<"$1" | paste -sd' ')
    if ! command -v apt-get >/dev/null; then
        fail 3 "missing: $programs" "this knows Debian and Ubuntu only; install these by hand and run it again"
    elif ((EUID == 0)); then
        install_packages "$1"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        say "missing: $programs; asking sudo"
        sudo -n -- "$root/scripts/bootstrap" --packages
    else
        fail 3 "missing: $programs" \
            "installing them needs root; have an administrator run:  sudo $root/scripts/bootstrap --packages" \
            "which is: apt-get install --no-install-recommends $(cut -d' ' -f2 <<<"$1" | cut -d'|' -f1 | sort -u | paste -sd' ')"
    fi
}

# Root only. Services stay down while packages are unpacked, and what came new is not left to start at the next boot.
install_packages() {
    local program packages package chosen=() absent=() units=()
    say "missing: $(cut -d' ' -f1 <<<"$1" | paste -sd' ')"
    run_apt update || say "going on with the package lists that are here"
    while read -r program packages; do
        if ! package=$(first_available "$packages"); then
            absent+=("${packages//|/ or } (for $program)")
            continue
        fi
        if [[ " ${chosen[*]} " != *" $package "* ]]; then chosen+=("$package"); fi
        case $program in haproxy | nginx | keepalived | bird | etcd | stayrtr | gobgpd) units+=("$program.service") ;; esac
    done <<<"$1"
    if ((${#absent[@]})); then
        fail 3 "the package sources of this system have no ${absent[*]}" \
            "on Ubuntu enable universe (add-apt-repository universe); else install them by hand (Python: uv python install 3.11); then run this again"
    fi
    hold_services
    run_apt install --no-install-recommends "${chosen[@]}" || fail 3 "apt-get could not install: ${chosen[*]}"
    if ((${#units[@]})); then systemctl --quiet disable "${units[@]}" >/dev/null 2>&1 || true; fi
    release_services
}

first_available() {
    local package
    for package in ${1//|/ }; do
        if [[ $(apt-cache show "$package" 2>/dev/null) == *Package:* ]]; then
            printf '%s\n' "$package"
            return
        fi
    done
    return 1
}

# apt-get, quiet unless it fails.
run_apt() {
    local log status=0
    log=$(mktemp)
    say "apt-get $*"
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
        apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status)); then tail -n 20 "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

# Debian starts a service as soon as it is unpacked, unless policy-rc.d says 101. Somebody's own policy is left alone.
# The file ends its own effect with this process, so that even a kill -9 leaves the machine able to start services.
hold_services() {
    local draft
    if grep -qs "$policy_mark" "$policy"; then rm -f "$policy"; fi
    draft=$(mktemp "$policy.XXXXXX")
    printf '#!/bin/sh\n%s\n[ -d /proc/%s ] && exit 101\nexit 0\n' "$policy_mark" "$$" >"$draft"
    chmod 755 "$draft"
    if ln "$draft" "$policy" 2>/dev/null; then # ln never replaces
        trap release_services EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
    else
        say "$policy exists already: it decides whether newly installed services start"
    fi
    rm -f "$draft"
}

release_services() {
    if grep -qs "$policy_mark" "$policy"; then rm -f "$policy"; fi
}
