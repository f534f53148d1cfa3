#!/usr/bin/env bash
# Runs inside of the second kernel, see second-kernel.sh.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
ip link set lo up
for module in veth dummy sch_ingress cls_bpf act_bpf; do modprobe "$module"; done
node -e 'console.log(process.version, require("os").release())'
mapfile -t files </run/out/files
export CI=true
node node_modules/ava/entrypoints/cli.mjs --tap --timeout=10m "${files[@]}" >/run/out/tap 2>/run/out/errors
echo $? >/run/out/status
