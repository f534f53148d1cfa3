{
	"variables": {"asan%": 0},
	"targets": [
		{
			"target_name": "skep",
			"sources": [
				"native/addon.cc",
				"native/attr_layout.cc",
				"native/env_state.cc",
				"native/maglev.cc",
				"native/sys_bpf.cc",
				"native/sys_btf.cc",
				"native/sys_map.cc",
				"native/sys_info.cc",
				"native/sys_lock.cc",
				"native/sys_mmap.cc",
				"native/sys_perf_ring.cc",
				"native/sys_poll.cc",
				"native/sys_ring.cc",
				"native/sys_net.cc",
				"native/sys_netlink.cc",
				"native/sys_netns.cc",
				"native/sys_packet.cc",
				"native/sys_perf.cc",
				"native/sys_socket.cc"
			],
			"include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
			"defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
			"cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
			"cflags_cc": ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fvisibility-inlines-hidden"],
			"cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fexceptions"],
			"cflags!": ["-fno-omit-frame-pointer"],
			"conditions": [
				["asan==1", {
					"cflags": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"],
					"ldflags": ["-fsanitize=address,undefined"]
				}, {
					"cflags": ["-O2"]
				}]
			]
		}
	]
}
