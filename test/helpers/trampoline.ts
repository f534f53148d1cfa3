import {constants} from 'node:os';
import {isPrivileged, kernelTest, type KernelTest} from './kernel.js';

/**
 * As `kernelTest`, for programs that enter kernel functions through a trampoline (fentry, fexit,
 * fmod_ret, LSM, freplace): some virtual machines forbid their kernel to change its own code, which
 * then answers EPERM to every such load, whoever asks.
 */
export function trampolineTest(requirement: Parameters<typeof kernelTest>[0]): KernelTest {
	const declare = kernelTest(requirement);
	return ((
		title: string,
		run: (t: {log: (text: string) => void; pass: () => void}) => unknown,
	) => {
		declare(title, async t => {
			try {
				await run(t);
			} catch (error) {
				const {code, errno} = error as {code?: unknown; errno?: unknown};
				const isForbidden = code === 'ERR_PROGRAM' && errno === constants.errno.EPERM;
				if (!isForbidden || !isPrivileged()) throw error;
				t.log(`skipped: this kernel may not change its own code: ${String(error)}`);
				t.pass();
			}
		});
	}) as KernelTest;
}
