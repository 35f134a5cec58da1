# shellcheck shell=bash
# Sourced by the scripts beside it: where things are, how they speak.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Daemons live in /usr/sbin, which an ordinary user's PATH does not have.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# Seconds since a value of EPOCHREALTIME, e.g. 1.3 (some languages write that variable with a comma).
since() {
    local now=${EPOCHREALTIME/,/.} then=${1/,/.} tenths
    tenths=$((((${now/./} - ${then/./}) + 50000) / 100000))
    printf '%d.%d\n' $((tenths / 10)) $((tenths % 10))
}

# fail EXIT-CODE LINE...: 1 the answer is no, 2 bad input, 3 this machine cannot.
fail() {
    local code=$1 line
    shift
    for line in "$@"; do say "$line"; done
    exit "$code"
}

# For a user who may not write into the checkout: caches and, if need be, the Python environment.
private_cache() {
    local base id
    if [[ -n ${XDG_CACHE_HOME:-${HOME:-}} ]]; then
        base=${XDG_CACHE_HOME:-$HOME/.cache}/trimtab
    else
        base=${TMPDIR:-/tmp}/trimtab-$(id -u)
    fi
    id=$(printf '%s' "$root" | cksum)
    printf '%s/%s\n' "$base" "${id%% *}"
}

# The Python environment: TRIMTAB_VENV, else .venv of the checkout if it may be written or is up to date.
venv_path() {
    local own=$root/.venv
    if [[ -n ${TRIMTAB_VENV:-} ]]; then
        printf '%s\n' "$TRIMTAB_VENV"
    elif [[ -w $own ]] || { [[ ! -e $own ]] && [[ -w $root ]]; } || venv_current "$own"; then
        printf '%s\n' "$own"
    else
        printf '%s/venv\n' "$(private_cache)"
    fi
}

# Sets venv, and uv_home: where uv lies if the machine has none.
python_environment() {
    venv=$(venv_path)
    uv_home=$venv.uv
    if [[ $venv == "$root/.venv" ]]; then uv_home=$root/.uv; fi
}

# After python_environment.
working_uv() {
    local uv
    for uv in uv "$uv_home/bin/uv"; do
        if "$uv" --version >/dev/null 2>&1; then command -v "$uv" && return; fi
    done
    return 1
}

# What an environment is made from. The place of the checkout counts: the project is installed in place.
venv_wanted() {
    { printf '%s\n' "$root" && cat "$root"/scripts/{packages,bootstrap} "$root"/{requirements.lock,pyproject.toml}; } |
        sha256sum
}

venv_current() {
    [[ -x $1/bin/python && -r $1/trimtab-stamp ]] && [[ $(<"$1/trimtab-stamp") == "$(venv_wanted)" ]]
}
