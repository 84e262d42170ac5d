#!/usr/bin/env bash
# Makes .venv and installs into it what is not there yet: install.sh run | install.sh dev
# Does nothing, in milliseconds, where everything is in place. PYTHON names the Python to use.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?run or dev}
log=.venv/install.log

say() { printf '%s\n' "$*" >&2; }
refuse() { say "$*"; exit 1; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; }

find_python() {
    local candidate seen=""
    for candidate in ${PYTHON:-python3.11 python3.12 python3 python}; do
        command -v "$candidate" >/dev/null || continue
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
        seen+="${seen:+, }$("$candidate" --version 2>&1 | head -n 1) ($candidate)"
    done
    refuse "Pixelwise needs Python 3.11 or 3.12 and found ${seen:-none${PYTHON:+ called $PYTHON}}: install one, or name it with make PYTHON=/path/to/python3.11 run."
}

make_environment() {
    local python
    python=$(find_python)
    say "Making .venv with $("$python" --version) …"
    rm -rf .venv
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        # Debian keeps what puts pip into a new environment in a package of its own.
        rm -rf .venv
        "$python" -m venv --without-pip .venv 2>/dev/null \
            && "$python" -m pip --python .venv/bin/python install --quiet pip 2>/dev/null \
            || { rm -rf .venv; refuse "$python cannot make a virtual environment: install its venv module (Debian and Ubuntu: apt install python3-venv)."; }
    fi
}

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

# Of pip's many words only those that tell that a large download is under way.
progress() { sed -un 's/^ *Downloading \([^ ]*\/\)\{0,1\}\([A-Za-z0-9_.]*-[0-9][^-]*\)[^ ]* (\([0-9]\{2,\}[0-9.]* MB\)).*/  fetching \2 (\3)/p; s/^Installing collected packages.*/  unpacking …/p'; }

install_packages() {
    local groups=()
    [ "$what" = dev ] && groups=(--group dev)
    say "Installing what Pixelwise needs; the first time this takes a few minutes …"
    pip install --quiet --upgrade 'pip>=25.1' >"$log" 2>&1 || failed
    .venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' >.venv/requirements.txt
    pip install --progress-bar off -c constraints.txt -r .venv/requirements.txt ${groups[@]+"${groups[@]}"} 2>&1 | tee "$log" | progress >&2 || failed
}

failed() {
    tail -n 15 "$log" >&2
    refuse "Installing did not work; the whole story is in $log. Check the network and the free space, then run make again."
}

# What an installation was made from; a stamp with other words is out of date.
fingerprint() { cat pyproject.toml constraints.txt deploy/install.sh | cksum; }

is_current() { [ -f ".venv/installed-$1" ] && [ "$(cat ".venv/installed-$1")" = "$(fingerprint)" ]; }

if [ -z "${PIXELWISE_INSTALLING:-}" ] && command -v flock >/dev/null; then
    # One at a time: a second `make` waits here for the first.
    PIXELWISE_INSTALLING=1 exec flock pyproject.toml bash deploy/install.sh "$@"
fi
if ! { [ -x .venv/bin/python ] && fits .venv/bin/python; }; then make_environment; fi
if [ -n "${PYTHON:-}" ]; then find_python >/dev/null; fi
if is_current dev || { [ "$what" = run ] && is_current run; }; then exit 0; fi
install_packages
fingerprint >".venv/installed-$what"
