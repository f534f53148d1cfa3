/**
 * Hooks of node's module loader: TypeScript becomes JavaScript as it is loaded, and `skep` is this
 * package wherever a script lies. Bundled with the compiler, and loaded on node's thread for hooks.
 */

import {existsSync, readFileSync} from 'node:fs';
import type {InitializeHook, LoadHook, ResolveHook} from 'node:module';
import {fileURLToPath} from 'node:url';

import ts from 'typescript';

const typescript = /\.m?ts$/;
let home = '';

/** `data` is the URL of a file in this package's folder. */
export const initialize: InitializeHook<string> = data => {
	home = data;
};

export const resolve: ResolveHook = async (specifier, context, next) => {
	if (/^skep(?:\/|$)/.test(specifier)) return next(specifier, {...context, parentURL: home});
	const source = sourceOf(specifier, context.parentURL);
	return next(source ?? specifier, context);
};

/** The TypeScript that `./name.js` of a TypeScript file means, where there is no JavaScript. */
function sourceOf(specifier: string, parent: string | undefined): string | undefined {
	if (parent === undefined || !/^\.{0,2}\/.*\.m?js$/.test(specifier)) return undefined;
	const script = new URL(specifier, parent);
	const source = new URL(specifier.replace(/js$/, 'ts'), parent);
	if (!typescript.test(new URL(parent).pathname) || script.protocol !== 'file:') return undefined;
	return !existsSync(script) && existsSync(source) ? source.href : undefined;
}

export const load: LoadHook = async (url, context, next) => {
	const {protocol, pathname} = new URL(url);
	if (protocol !== 'file:' || !typescript.test(pathname)) return next(url, context);
	return {format: 'module', shortCircuit: true, source: compile(fileURLToPath(url))};
};

function compile(path: string): string {
	const {outputText, diagnostics = []} = ts.transpileModule(readFileSync(path, 'utf8'), {
		fileName: path,
		reportDiagnostics: true,
		compilerOptions: {
			// Node 20 has no `using`, which a lab is best held by.
			target: ts.ScriptTarget.ES2022,
			module: ts.ModuleKind.ESNext,
			inlineSourceMap: true,
		},
	});
	const [first] = diagnostics;
	if (first) throw new SyntaxError(textOf(first, path));
	return outputText;
}

function textOf({file, start = 0, messageText}: ts.Diagnostic, path: string): string {
	const text = ts.flattenDiagnosticMessageText(messageText, ' ');
	if (!file) return `${path}: ${text}`;
	const {line, character} = file.getLineAndCharacterOfPosition(start);
	return `${path}:${line + 1}:${character + 1}: ${text}`;
}
