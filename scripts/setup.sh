#!/usr/bin/env bash
# Makes everything that the demo, the tests and the benchmarks need: tools, node_modules, the
# addon, the compiled TypeScript and the compiled BPF objects. Does only what is not done yet,
# and says nothing when there is nothing to do.
#
#     scripts/setup.sh          everything
#     scripts/setup.sh --asan   also the addon under AddressSanitizer, in build/asan/
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
asan=no
for argument in "$@"; do
	case $argument in
	--asan) asan=yes ;;
	*)
		echo "usage: scripts/setup.sh [--asan]" >&2
		exit 2
		;;
	esac
done

step() {
	echo "setup: $*"
}

fail() {
	echo "setup: $*" >&2
	exit 1
}

# Two runs at once take turns. The lock ends with this shell; steps do not inherit it.
exec {lock}<scripts/setup.sh
if command -v flock >/dev/null; then flock "$lock"; fi

# Is the output missing, or older than one of the files and folders given?
is_older() {
	local output=$1
	shift
	[[ -e $output ]] || return 0
	[[ -n $(find "$@" -newer "$output" -print -quit 2>/dev/null) ]]
}

# ---- tools

# What has to be there, and what it is called by Debian and Ubuntu, Fedora, Arch and Alpine.
# `path:` is a file that must exist.
tools=(
	"clang|clang|clang|clang|clang"
	"llvm-strip|llvm|llvm|llvm|llvm"
	"path:/usr/include/bpf/bpf_helpers.h|libbpf-dev|libbpf-devel|libbpf|libbpf-dev"
	"path:/usr/include/linux/bpf.h|linux-libc-dev|kernel-headers|linux-api-headers|linux-headers"
	"ip|iproute2|iproute|iproute2|iproute2"
	"ping|iputils-ping|iputils|iputils|iputils"
	"g++|g++|gcc-c++|gcc|g++"
	"make|make|make|make|make"
	"python3|python3|python3|python|python3"
)
# Only the tests and the benchmarks compare with these.
peers=(
	"bpftool|bpftool|bpftool|bpf|bpftool"
	"xdp-loader|xdp-tools|xdp-tools|xdp-tools|xdp-tools"
	"tcpdump|tcpdump|tcpdump|tcpdump|tcpdump"
	"ethtool|ethtool|ethtool|ethtool|ethtool"
	"iptables-legacy-restore|iptables|iptables-legacy|iptables|iptables-legacy"
	"nft|nftables|nftables|nftables|nftables"
)

has() {
	case $1 in
	path:*) [[ -e ${1#path:} ]] ;;
	# They may be there by their version only.
	clang | llvm-strip) command -v "$1" >/dev/null || compgen -c "$1-" | grep -qxE "$1-[0-9]+" ;;
	# Debian puts some where the PATH of those who are not root does not look; npm puts programs of
	# packages into it, of which one is called nft, too.
	*) type -aP "$1" | grep -qv node_modules || [[ -x /usr/sbin/$1 ]] ;;
	esac
}

# The package names in one column, of what is missing of the rows given.
missing() {
	local column=$1 row wanted name
	shift
	for row in "$@"; do
		IFS='|' read -r -a wanted <<<"$row"
		name=${wanted[$column]}
		if ! has "${wanted[0]}"; then echo "$name"; fi
	done | sort -u | paste -sd ' ' -
}

is_debian() {
	[[ -e /etc/debian_version ]] && command -v apt-get >/dev/null
}

install_packages() {
	apt-get update -qq >/dev/null &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

explain_missing() {
	cat >&2 <<-END
		setup: some tools are missing. As root, run the line of your distribution, then try again:
		    Debian, Ubuntu  apt-get install $(missing 1 "${tools[@]}")
		    Fedora          dnf install $(missing 2 "${tools[@]}")
		    Arch            pacman -S $(missing 3 "${tools[@]}")
		    Alpine          apk add $(missing 4 "${tools[@]}")
	END
	exit 1
}

check_tools() {
	local wanted
	wanted=$(missing 1 "${tools[@]}")
	if [[ -n $wanted ]]; then
		if ! is_debian || [[ $EUID -ne 0 ]]; then explain_missing; fi
		step "installing $wanted"
		# shellcheck disable=SC2086 # a list of package names
		install_packages $wanted || explain_missing
	fi

	wanted=$(missing 1 "${peers[@]}")
	if [[ -n $wanted ]] && is_debian && [[ $EUID -eq 0 ]]; then
		step "installing $wanted"
		# shellcheck disable=SC2086 # a list of package names
		install_packages $wanted ||
			step "cannot install $wanted: tests that compare with them will fail"
	fi
}

check_node() {
	local version major minor
	command -v node >/dev/null || fail "node is missing: install Node.js 20.19 or newer"
	version=$(node --version)
	IFS=. read -r major minor _ <<<"${version#v}"
	((major > 20 || (major == 20 && minor >= 19))) ||
		fail "node is ${version#v}: skep needs Node.js 20.19 or newer"
}

# ---- steps

lock_stamp=node_modules/.skep-package-lock.json

# Does node_modules hold what package-lock.json says, whoever put it there?
node_modules_match() {
	[[ -e node_modules/.package-lock.json ]] || return 1
	if cmp -s package-lock.json "$lock_stamp"; then return 0; fi
	node scripts/lock-matches.js && cp package-lock.json "$lock_stamp"
}

install_node_modules() {
	if node_modules_match; then return; fi
	step "installing node_modules"
	npm ci --no-audit --no-fund --loglevel=error {lock}<&- >/dev/null
	cp package-lock.json "$lock_stamp"
}

# Headers of the running node lie beside it: node-gyp need not download any.
node_headers() {
	local prefix
	prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
	if [[ -e $prefix/include/node/node_api.h ]]; then echo "--nodedir=$prefix"; fi
}

# Quiet unless it fails.
quietly() {
	local output
	if ! output=$("$@" 2>&1); then
		echo "$output" >&2
		fail "failed: $*"
	fi
}

# node-gyp started bare asks the network for headers; started by npx it takes npm's settings.
node_gyp() {
	quietly npx --no-install node-gyp "$@" {lock}<&-
}

native_sources=(native binding.gyp node_modules/node-addon-api/package.json)

build_addon() {
	local output=build/Release/skep.node
	[[ -e binding.gyp ]] || return 0
	is_older "$output" "${native_sources[@]}" || return 0
	step "building the addon"
	# shellcheck disable=SC2046 # nothing, or one word
	node_gyp configure build --release --jobs=max $(node_headers)
	touch "$output"
}

# node-gyp always builds into build/ of its folder: this one is a folder of links.
build_asan_addon() {
	local folder=build/asan output=build/asan/skep.node
	is_older "$output" "${native_sources[@]}" || return 0
	step "building the addon under AddressSanitizer"
	mkdir -p "$folder"
	ln -sfn ../../native "$folder/native"
	ln -sfn ../../node_modules "$folder/node_modules"
	ln -sfn ../../package.json "$folder/package.json"
	cp binding.gyp "$folder/binding.gyp"
	# shellcheck disable=SC2046 # nothing, or one word
	node_gyp configure build --directory "$folder" --release --asan=1 --jobs=max $(node_headers)
	cp "$folder/build/Release/skep.node" "$output"
}

typescript_sources=(src test bench conformance examples tsconfig.json "$lock_stamp")

# What was compiled from a source that is gone must not be imported, or run as a test.
remove_stale_output() {
	local output source
	while IFS= read -r output; do
		source=${output#dist/}
		source=${source%.js}.ts
		if [[ ! -e $source ]]; then rm -f "$output" "$output.map" "${output%.js}.d.ts"; fi
	done < <(find dist/{src,test,bench,conformance,examples} -name '*.js' 2>/dev/null)
}

compile_typescript() {
	local stamp=dist/.typescript-stamp
	is_older "$stamp" "${typescript_sources[@]}" || return 0
	step "compiling TypeScript"
	mkdir -p dist
	# Sources saved while the compiler runs are newer than this.
	touch dist/.typescript-started
	remove_stale_output
	node_modules/.bin/tsc -p tsconfig.json {lock}<&- || fail "TypeScript does not compile"
	mv dist/.typescript-started "$stamp"
}

bundle_cli() {
	is_older dist/cli/skep.cjs src report scripts/bundle.js scripts/starter.cjs "$lock_stamp" || return 0
	step "bundling the command line"
	quietly node scripts/bundle.js {lock}<&-
}

# ---- BPF objects

compile_objects() {
	local source object header newest=''
	local -a sources=() headers=() stale=()
	shopt -s globstar nullglob
	sources=(bpf/*.bpf.c)
	headers=(bpf/**/*.h)
	for header in "${headers[@]}"; do
		if [[ $header -nt $newest ]]; then newest=$header; fi
	done
	for source in "${sources[@]}"; do
		object=dist/${source%.c}.o
		if [[ $object -nt $source && $object -nt $newest ]]; then continue; fi
		stale+=("$source")
	done
	((${#stale[@]} > 0)) || return 0

	step "compiling ${#stale[@]} BPF objects"
	mkdir -p dist/bpf
	quietly node dist/cli/skep.cjs object build --out dist/bpf \
		--flag=-Wall --flag=-Wextra --flag=-Werror "${stale[@]}"
}

check_tools
check_node
install_node_modules
build_addon
if [[ $asan == yes ]]; then build_asan_addon; fi
compile_typescript
bundle_cli
compile_objects
