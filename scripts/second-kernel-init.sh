#!/bin/busybox sh
# The first process in the second kernel: this machine's files, changes of which are lost, and the
# tests on them.

bb=/bin/busybox
. /settings
while read -r module; do $bb insmod "/modules/$module"; done </modules/order

$bb mkdir -p /machine /changes /new /proc
options=trans=virtio,version=9p2000.L,msize=1048576
$bb mount -t 9p -o "$options,ro,cache=loose" machine /machine
$bb mount -t tmpfs none /changes
$bb mkdir /changes/upper /changes/work
$bb mount -t overlay -o lowerdir=/machine,upperdir=/changes/upper,workdir=/changes/work none /new
$bb mount -t proc none /new/proc
$bb mount -t sysfs none /new/sys
$bb mount -t devtmpfs none /new/dev
$bb mkdir -p /new/dev/shm /new/dev/pts /new/run /new/tmp /new/lib/modules
$bb mount -t tmpfs none /new/run
$bb mount -t tmpfs none /new/dev/shm
$bb mount -t devpts none /new/dev/pts
$bb mount -t cgroup2 none /new/sys/fs/cgroup
$bb mount -t debugfs none /new/sys/kernel/debug
$bb mount -t tracefs none /new/sys/kernel/tracing
# The machine's own tests may be using its /tmp.
$bb mount -t tmpfs none /new/tmp
$bb mkdir -p /new/run/out "/new$project"
$bb mount -t 9p -o "$options" out /new/run/out
# It may be below /tmp.
$bb mkdir /changes/project /changes/project-work
options="lowerdir=/machine$project,upperdir=/changes/project,workdir=/changes/project-work"
$bb mount -t overlay -o "$options" none "/new$project"
$bb mount -o bind "/machine$project/build/second-kernel/root/lib/modules" /new/lib/modules
$bb ip link set lo up
export PATH HOME=/root
$bb chroot /new /bin/bash "$project/scripts/second-kernel-run.sh"
$bb poweroff -f
