{
	"target_defaults": {
		"cflags": ["-O2", "-Wall", "-Wextra", "-Werror"],
		"libraries": ["-lbpf"]
	},
	"targets": [
		{
			"target_name": "floor",
			"sources": ["native/floor.c", "native/floor_map.c", "native/floor_object.c", "native/floor_ring.c"],
			"defines": ["NAPI_VERSION=8"],
			"cflags": ["-fvisibility=hidden"]
		},
		{
			"target_name": "measure",
			"type": "executable",
			"sources": ["native/measure.c"]
		},
		{
			"target_name": "traffic",
			"type": "executable",
			"sources": ["native/traffic.c"]
		}
	]
}
