import {builtinModules} from 'node:module';
import {defineConfig} from 'eslint/config';
import tseslint from 'typescript-eslint';

const bareBuiltins = builtinModules.filter(name => !name.startsWith('_') && !name.includes(':'));

export default defineConfig(
	{
		ignores: ['dist*/', 'docs/api/', 'build/', 'coverage/', 'node_modules/'],
	},
	{
		linterOptions: {reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error'},
		rules: {
			'default-case-last': 'error',
			eqeqeq: 'error',
			'no-constant-binary-expression': 'error',
			'no-control-regex': 'error',
			'no-debugger': 'error',
			'no-dupe-else-if': 'error',
			'no-duplicate-case': 'error',
			'no-empty': 'error',
			'no-fallthrough': 'error',
			'no-loss-of-precision': 'error',
			'no-restricted-imports': [
				'error',
				{
					paths: [
						...bareBuiltins.map(name => ({name, message: `Write 'node:${name}'.`})),
					],
				},
			],
			'no-self-compare': 'error',
			'no-sparse-arrays': 'error',
			'no-template-curly-in-string': 'error',
			'no-unmodified-loop-condition': 'error',
			'no-unsafe-finally': 'error',
			'no-useless-return': 'error',
			'no-var': 'error',
			'object-shorthand': 'error',
			'prefer-const': 'error',
		},
	},
	{
		files: ['**/*.ts'],
		extends: [tseslint.configs.strictTypeChecked],
		languageOptions: {
			parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname},
		},
		rules: {
			'@typescript-eslint/consistent-type-imports': [
				'error',
				{fixStyle: 'inline-type-imports'},
			],
			// The message of an error, a teardown: one line is clearer without braces.
			'@typescript-eslint/no-confusing-void-expression': [
				'error',
				{ignoreArrowShorthand: true},
			],
			// A lost promise is a lost error, and may be a lost file descriptor.
			'@typescript-eslint/no-floating-promises': ['error', {ignoreVoid: false}],
			// Reading a stream of unknown length is a loop with its end in the middle.
			'@typescript-eslint/no-unnecessary-condition': [
				'error',
				{allowConstantLoopConditions: 'only-allowed-literals'},
			],
			'@typescript-eslint/no-unused-vars': ['error', {ignoreUsingDeclarations: true}],
			'@typescript-eslint/prefer-readonly': 'error',
			'@typescript-eslint/promise-function-async': 'error',
			// Numbers print the same everywhere; objects and null do not.
			'@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}],
			'@typescript-eslint/switch-exhaustiveness-check': [
				'error',
				{considerDefaultExhaustiveForUnions: true},
			],
			'no-restricted-syntax': [
				'error',
				{
					selector: 'ExportDefaultDeclaration',
					message:
						'Export by name: a default export is called differently by every importer.',
				},
			],
		},
	},
	{
		files: ['test/**/*.ts'],
		rules: {
			// TypeScript does not infer a macro's arguments for its title: they are unknown there.
			'@typescript-eslint/restrict-template-expressions': 'off',
		},
	},
);
