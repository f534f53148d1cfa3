#!/usr/bin/env bash
# Runs every check and ends with the line `N passed, N failed`, in which types, lint, format and the
# API reference count as one each. Exits 1 if one failed. Wants scripts/setup.sh to have run.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/node_modules/.bin:$PATH

passed=0
failed=0
skipped=0
failures=()
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check NAME COMMAND...: one check, quiet unless it fails.
check() {
	local name=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		echo "check: $name: ok"
		passed=$((passed + 1))
	else
		cat "$work/output"
		echo "check: $name: failed"
		failed=$((failed + 1))
		failures+=("$name")
	fi
}

count() {
	sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$work/tap" | tail -n 1
}

# check_tests NAME FILES...: runs test files and adds up what their TAP says.
check_tests() {
	local name=$1 status=0 line pass fail
	shift
	echo "check: $name"
	ava --tap "$@" | tee "$work/tap" || status=$?
	while IFS= read -r line; do
		failures+=("$name: ${line#not ok }")
	done < <(grep -a '^not ok' "$work/tap" | grep -av '# TODO$')
	# What the failed tests say, to be told again at the end: a long log is often cut in its middle.
	awk '/^not ok/ && !/# TODO$/ {shown = 60} /^ok|^# /{shown = 0} shown-- > 0' "$work/tap" >>"$work/told"

	pass=$(count pass)
	fail=$(count fail)
	if [[ -z $fail ]]; then
		# The runner itself broke, as it does when a test takes longer than the timeout.
		pass=$(grep -ac '^ok' "$work/tap" || true)
		fail=$(($(grep -a '^not ok' "$work/tap" | grep -avc '# TODO$' || true) + 1))
		failures+=("$name: the test runner ended before its summary: a test took too long?")
	elif ((status != 0 && fail == 0)); then
		fail=1
		failures+=("$name: the test runner exited with $status")
	fi
	passed=$((passed + ${pass:-0}))
	failed=$((failed + fail))
	skipped=$((skipped + $(grep -ac '^ok .*# SKIP$' "$work/tap" || true)))
}

# The addon's own tests once more, with every access to memory checked. What node itself leaks
# at its end is no concern.
check_native_under_asan() {
	local library
	library=$(gcc -print-file-name=libasan.so)
	check 'build under AddressSanitizer' bash scripts/setup.sh --asan
	[[ -e build/asan/skep.node ]] || return 0

	export SKEP_ADDON=$PWD/build/asan/skep.node LD_PRELOAD=$library
	export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
	check_tests 'tests under AddressSanitizer' 'dist/test/native/**/*.test.js'
	unset SKEP_ADDON LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS
}

check types tsc -p tsconfig.json
check 'types of the report' tsc -p report/tsconfig.json
check lint eslint --max-warnings=0 .
check format prettier --check --log-level=warn .
check 'API reference' typedoc --emit none
node scripts/residue.js take "$work/residue"
check_tests tests 'dist/test/**/*.test.js'
if compgen -G 'dist/test/native/*.test.js' >/dev/null; then check_native_under_asan; fi
check 'nothing left behind' node scripts/residue.js compare "$work/residue"

if ((${#failures[@]} > 0)); then
	echo
	if [[ -s $work/told ]]; then cat "$work/told"; fi
	echo "failed:"
	printf '    %s\n' "${failures[@]}"
fi
if ((skipped > 0)); then echo "$skipped skipped"; fi
echo "$passed passed, $failed failed"
((failed == 0))
