#!/usr/bin/env bash
# Runs inside of the second kernel, see second-kernel.sh.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
ip link set lo up
for module in veth dummy sch_ingress cls_bpf act_bpf; do modprobe "$module"; done
node -e 'console.log(process.version, require("os").release())'
mapfile -t files </run/out/files
export CI=true
# A file that ends the process has its result and is passed over the next time.
for _ in "${files[@]}"; do
	node dist/test/second-kernel/guest.js /run/out/results "${files[@]}" && break
done
{
	echo 'programs are attached by'
	node dist/test/second-kernel/mechanisms.js
	echo
	echo 'the kernel lacks'
	node dist/cli/skep.cjs feature program map link | awk '$2 == "no" {print $1, "since", $3}'
} >/run/out/features
echo 0 >/run/out/status
