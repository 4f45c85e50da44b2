/** Says at the end how many tests passed and failed, alone on a line. */

import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** A test that was not run for want of what comes before it has not passed, and its file has failed. */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.state() === 'failed' && ![...module.children.allTests('failed')].length);
    console.log(`\n${count('passed')} passed, ${count('failed') + broken.length + errors.length} failed`);
  }
}
