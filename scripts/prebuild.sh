#!/usr/bin/env bash
# Makes what the package holds besides sources: everything that scripts/setup.sh makes, and the
# addon for this machine's processor and, where a cross-compiler is there, for the other one.
#
#     scripts/prebuild.sh           x64 and arm64
#     scripts/prebuild.sh --host    this machine's only
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
host_only=no
if [[ ${1-} == --host ]]; then host_only=yes; fi

bash scripts/setup.sh

declare -A triplets=([x64]=x86_64-linux-gnu [arm64]=aarch64-linux-gnu)
host=$(node -p process.arch)
# Node's own headers are the same for every processor.
headers=$(node -p 'path.join(process.execPath, "../../include/node")')

# Whole or not at all: a process may be loading it.
strip_into() {
	local strip=$1 from=$2 to=$3
	mkdir -p "$(dirname "$to")"
	"$strip" --strip-unneeded -o "$to.$$" "$from"
	mv "$to.$$" "$to"
}

prebuilt() {
	echo "prebuilds/linux-$1/skep.glibc.node"
}

cross_build() {
	local arch=$1 triplet=$2 output folder source
	local -a sources=() objects=() flags=()
	output=$(prebuilt "$arch")
	if [[ -e $output && -z $(find native binding.gyp -newer "$output" -print -quit) ]]; then return; fi
	echo "prebuild: building the addon for $arch"
	folder=build/prebuild/$arch
	mkdir -p "$folder"
	mapfile -t sources < <(list sources)
	mapfile -t flags < <(list flags)
	printf '%s\n' "${sources[@]}" |
		xargs -P "$(nproc)" -I{} sh -c 'o=$1/$(basename "$2" .cc).o; shift 2; "$@" -o "$o"' \
			sh "$folder" {} "$triplet-g++" -fPIC "${flags[@]}" \
			-I node_modules/node-addon-api -isystem "$headers" -c {}
	for source in "${sources[@]}"; do objects+=("$folder/$(basename "$source" .cc).o"); done
	"$triplet-g++" -shared -o "$folder/skep.node" "${objects[@]}"
	strip_into "$triplet-strip" "$folder/skep.node" "$output"
}

# The addon's sources, or its compiler flags, a line each, as node-gyp has them.
list() {
	node -p "
		const [target] = JSON.parse(fs.readFileSync('binding.gyp', 'utf8')).targets;
		const {sources, cflags, cflags_cc, defines} = target;
		const flags = ['-O2', ...cflags, ...cflags_cc, ...defines.map(name => '-D' + name)];
		({sources, flags})['$1'].join('\n')"
}

output=$(prebuilt "$host")
if [[ build/Release/skep.node -nt $output ]]; then
	strip_into strip build/Release/skep.node "$output"
fi

if [[ $host_only == yes ]]; then exit; fi
for arch in "${!triplets[@]}"; do
	if [[ $arch == "$host" ]]; then continue; fi
	triplet=${triplets[$arch]}
	if command -v "$triplet-g++" >/dev/null; then
		cross_build "$arch" "$triplet"
	else
		echo "prebuild: no $triplet-g++: the package will hold no addon for $arch" >&2
	fi
done
