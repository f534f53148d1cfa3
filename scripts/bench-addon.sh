#!/usr/bin/env bash
# Builds what the benchmarks compare skep with: the same work in C on libbpf, in build/bench/.
# Does nothing when it is built already.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=build/bench
output=$folder/build/Release/floor.node

exec {lock}<scripts/bench-addon.sh
if command -v flock >/dev/null; then flock "$lock"; fi
if [[ -e $output && -z $(find bench/native -newer "$output" -print -quit) ]]; then exit; fi

# node-gyp always builds into build/ of its folder: this one is a folder of links.
mkdir -p "$folder"
ln -sfn ../../bench/native "$folder/native"
cp bench/native/binding.gyp "$folder/binding.gyp"
echo '{"name": "skep-bench", "private": true}' >"$folder/package.json"

# Headers of the running node lie beside it: node-gyp need not download any.
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
headers=()
if [[ -e $prefix/include/node/node_api.h ]]; then headers=("--nodedir=$prefix"); fi

if ! log=$(npx --no-install node-gyp configure build --directory "$folder" --release "${headers[@]}" 2>&1 {lock}<&-); then
	echo "$log" >&2
	echo "bench-addon: cannot build the C side of the benchmarks: is libbpf-dev installed?" >&2
	exit 1
fi
touch "$output"
