#!/usr/bin/env bash
# Boots Debian's 6.1 kernel in qemu, without hardware support, and runs the core of the tests in it,
# on this machine's files, of which it changes none:
#
#     scripts/second-kernel.sh [PATTERNS OF TEST FILES...]
#
# Where the kernel or qemu cannot be had, it says so and exits 3.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
project=$PWD
folder=$project/build/second-kernel
mkdir -p "$folder"

cannot() {
	echo "second kernel: $*" >&2
	exit 3
}

fail() {
	echo "second kernel: $*" >&2
	exit 1
}

has() {
	type -aP "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]
}

install_tools() {
	local wanted=()
	has qemu-system-x86_64 || wanted+=(qemu-system-x86)
	has busybox || wanted+=(busybox-static)
	has modprobe || wanted+=(kmod)
	((${#wanted[@]} > 0)) || return 0
	echo "second kernel: installing ${wanted[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" \
		>/dev/null || cannot "cannot install ${wanted[*]}"
}

# The kernel's package is unpacked, not installed: nothing of this machine's own start changes.
fetch_kernel() {
	local package
	[[ ! -e $folder/release ]] || return 0
	package=$(apt-cache depends linux-image-amd64 | grep -om 1 'linux-image-6\.1[^ ]*-amd64') ||
		cannot 'this distribution has no kernel 6.1'
	echo "second kernel: fetching $package"
	rm -rf "$folder/download" "$folder/root"
	mkdir -p "$folder/download"
	(cd "$folder/download" && apt-get download -qq "$package" 2>/dev/null) ||
		cannot "cannot fetch $package"
	dpkg-deb -x "$folder"/download/*.deb "$folder/root"
	rm -r "$folder/download"
	PATH=$PATH:/usr/sbin depmod -b "$folder/root" "${package#linux-image-}"
	echo "${package#linux-image-}" >"$folder/release"
}

# What it takes to see this machine's files: busybox, and modules in the order they need each other.
make_initramfs() {
	local tree=$folder/initramfs module
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$(type -P busybox)" "$tree/bin/busybox"
	cp scripts/second-kernel-init.sh "$tree/init"
	chmod +x "$tree/init"
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		PATH=$PATH:/usr/sbin modprobe -d "$folder/root" -S "$release" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' >"$folder/modules"
	while read -r module; do
		cp "$module" "$tree/modules/"
		basename "$module" >>"$tree/modules/order"
	done <"$folder/modules"
	{
		printf 'project=%q\n' "$project"
		printf 'release=%q\n' "$release"
		printf 'PATH=%q\n' "$PATH"
	} >"$tree/settings"
	(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$folder/initramfs.cpio"
}

[[ $(uname -m) == x86_64 ]] || cannot 'it is for x86_64'
has apt-get || cannot 'it is fetched by apt-get'
install_tools
fetch_kernel
release=$(<"$folder/release")
make_initramfs

out=$folder/out
mkdir -p "$out"
rm -f "$out/status"
shopt -s extglob globstar nullglob
# shellcheck disable=SC2206 # patterns
files=($*)
((${#files[@]} > 0)) || fail 'no such test files'
printf '%s\n' "${files[@]}" >"$out/files"
echo "second kernel: booting $release"
qemu-system-x86_64 -accel tcg,thread=multi -cpu max,la57=off -smp 1,maxcpus=2 -m 3G -nodefaults -display none \
	-no-reboot -serial stdio -kernel "$folder/root/boot/vmlinuz-$release" \
	-initrd "$folder/initramfs.cpio" \
	-append 'console=ttyS0 quiet panic=-1 no_timer_check mitigations=off init_on_alloc=0' \
	-virtfs local,path=/,mount_tag=machine,security_model=none,readonly=on,multidevs=remap \
	-virtfs local,path="$out",mount_tag=out,security_model=none </dev/null
[[ -e $out/status ]] || fail 'the kernel came to no end'
exit "$(<"$out/status")"
