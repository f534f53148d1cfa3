/**
 * Imported before all else, makes the kernel one that has no links, as before 5.7: whatever falls
 * back where links are refused does so in that test file.
 */

import {fileURLToPath} from 'node:url';

process.env['SKEP_REAL_ADDON'] = process.env['SKEP_ADDON'] ?? '';
process.env['SKEP_ADDON'] = fileURLToPath(
	new URL('../../../test/fixtures/kernel/old-kernel-addon.cjs', import.meta.url),
);
