/** Section of the kernel's settings, and key of the map that holds them. */
export const settingsSection = '.kconfig';

/** The kernel's limit for names of programs and maps, without the closing NUL. */
const limit = 15;

/** `name` as the kernel takes it: its first 15 characters, each one the kernel allows. */
export function kernelName(name: string): string {
	return name.slice(0, limit).replace(/[^A-Za-z0-9_.]/g, '_');
}

/**
 * The kernel's name for the map of a data section: up to 8 characters of the object's name, then
 * the section's, which is what tells the maps of one object apart and so is kept whole if possible.
 * A section that the object named itself (`.rodata.config`) is called by that name alone.
 */
export function dataMapName(object: string, section: string): string {
	if (section.includes('.', 1)) return kernelName(section);
	const room = Math.max(0, limit - section.length);
	return kernelName(object.slice(0, Math.min(8, room)) + section);
}
