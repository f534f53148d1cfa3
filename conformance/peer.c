/* What libbpf makes of an object, where bpftool cannot tell.
 *
 *     peer OBJECT           a line for each program: section, type, attach type
 *     peer OBJECT FOLDER    the same, then loads it and pins what was loaded below FOLDER
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static void describe(const struct bpf_program *program)
{
	enum bpf_attach_type attach = bpf_program__expected_attach_type(program);
	const char *type = libbpf_bpf_prog_type_str(bpf_program__type(program));
	const char *attach_name = libbpf_bpf_attach_type_str(attach);

	printf("%s\t%s\t%s\n", bpf_program__section_name(program), type ? type : "?",
	       attach_name ? attach_name : "?");
}

/* Pins have no dots in their names. */
static void path_of(char *path, size_t size, const char *folder, const char *name)
{
	size_t start = strlen(folder) + 1;
	char *at;

	snprintf(path, size, "%s/%s", folder, name);
	for (at = path + start; *at; at++)
		if (*at == '.')
			*at = '_';
}

static int load(struct bpf_object *object, const char *folder)
{
	char programs[256], maps[256], path[512];
	struct bpf_program *program;
	struct bpf_map *map;

	if (bpf_object__load(object))
		return 1;
	snprintf(programs, sizeof(programs), "%s/programs", folder);
	snprintf(maps, sizeof(maps), "%s/all-maps", folder);
	if (mkdir(programs, 0700) || mkdir(maps, 0700)) {
		fprintf(stderr, "mkdir below %s: %s\n", folder, strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(program, object) {
		path_of(path, sizeof(path), programs, bpf_program__name(program));
		if (bpf_program__fd(program) >= 0 && bpf_obj_pin(bpf_program__fd(program), path)) {
			fprintf(stderr, "pin %s: %s\n", path, strerror(errno));
			return 1;
		}
	}
	bpf_object__for_each_map(map, object) {
		path_of(path, sizeof(path), maps, bpf_map__name(map));
		if (bpf_map__fd(map) >= 0 && bpf_obj_pin(bpf_map__fd(map), path)) {
			fprintf(stderr, "pin %s: %s\n", path, strerror(errno));
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = argc > 2 ? argv[2] : NULL);
	struct bpf_program *program;
	struct bpf_object *object;

	if (argc < 2) {
		fprintf(stderr, "usage: peer OBJECT [FOLDER]\n");
		return 2;
	}
	object = bpf_object__open_file(argv[1], &options);
	if (!object)
		return 1;
	bpf_object__for_each_program(program, object)
		describe(program);
	return argc > 2 ? load(object, argv[2]) : 0;
}
