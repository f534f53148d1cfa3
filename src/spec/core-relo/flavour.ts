/**
 * The name that counts: all before the last three underscores between two other characters.
 * `task_struct___old` declares a variant of `task_struct`.
 */
export function essentialName(name: string): string {
	for (let at = name.lastIndexOf('___'); at > 0; at = name.lastIndexOf('___', at - 1)) {
		const after = name[at + 3];
		if (name[at - 1] !== '_' && after !== undefined && after !== '_') return name.slice(0, at);
	}

	return name;
}
