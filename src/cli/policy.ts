/** `skep policy`: the rules of endpoints. */

import type {Command} from 'commander';

import {example} from './output/example.js';
import {addEnforce} from './policy/enforce.js';
import {addGet} from './policy/get.js';
import {addList} from './policy/list.js';
import {addRefresh} from './policy/refresh.js';
import {addRemove} from './policy/remove.js';
import {addReplace} from './policy/replace.js';
import {addTrace} from './policy/trace.js';

export function addPolicyVerbs(policy: Command): void {
	policy.addHelpText('after', example('skep policy get 11'));
	addList(policy);
	addGet(policy);
	addReplace(policy);
	addEnforce(policy);
	addRefresh(policy);
	addRemove(policy);
	addTrace(policy);
}
