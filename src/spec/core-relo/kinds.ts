/** Kinds of CO-RE relocations by the kernel's numbers: `BPF_CORE_*`. */
export const relocationKinds = [
	'field_byte_offset',
	'field_byte_size',
	'field_exists',
	'field_signed',
	'field_lshift_u64',
	'field_rshift_u64',
	'type_id_local',
	'type_id_target',
	'type_exists',
	'type_size',
	'enumval_exists',
	'enumval_value',
	'type_matches',
] as const;

export type RelocationKind = (typeof relocationKinds)[number];

/** What a relocation of this kind is about. */
export function subjectOf(kind: RelocationKind): 'field' | 'type' | 'enumerator' {
	if (kind.startsWith('field')) return 'field';
	return kind.startsWith('type') ? 'type' : 'enumerator';
}
