#!/usr/bin/env bash
# Installs what is missing and asks nothing. Usage: tools/deps.sh [build|lint|test|matrix|kernel|all]...   (default: build)
# docs/dependencies.md says why each package is here. A tool that is on PATH already (go, rustc, …) is not installed again.
set -euo pipefail

declare -A packages=(
  [build]="g++ cmake ninja-build ccache pkg-config clang-19 llvm-19 bpftool libbpf-dev libelf-dev libdw-dev libfmt-dev
           libspdlog-dev libcli11-dev nlohmann-json3-dev libprotozero-dev libxxhash-dev libzstd-dev liblzma-dev zlib1g-dev
           libiberty-dev libcpp-httplib-dev libzydis-dev python3"
  [lint]="clang-tidy-19 clang-format-19 shellcheck libgtest-dev libgmock-dev libbenchmark-dev"
  [test]="libgtest-dev libgmock-dev libbenchmark-dev libclang-rt-19-dev gdb musl-tools golang:go rustc:rustc python3-dev
          libpcre2-dev chromium:chromium chromium-driver:chromedriver linux-perf:perf util-linux
          lsof:lsof psmisc:pstree procps:ps systemd:systemd-analyze"
  [matrix]="mmdebstrap"
  [kernel]="qemu-system-x86:qemu-system-x86_64 busybox-static cpio xz-utils zstd"
)

groups=("${@:-build}")
[ "${groups[*]}" = all ] && groups=(build lint test matrix kernel)

# A word is PACKAGE, or PACKAGE:COMMAND when any other source of COMMAND serves as well.
wanted=()
for group in "${groups[@]}"; do
  for word in ${packages[$group]:?no such group: $group}; do
    command=${word#*:}
    if [ "$command" = "$word" ] || ! command -v "$command" >/dev/null; then wanted+=("${word%%:*}"); fi
  done
done

installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null | awk '$2 == "installed" { print $1 }')
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "deps: missing: ${missing[*]}; run 'sudo make deps', which installs them" >&2
  exit 1
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "deps: the package lists could not all be refreshed; trying with what is there" >&2
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
