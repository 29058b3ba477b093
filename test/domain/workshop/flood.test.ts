import type { ActivateInput } from '@temporalio/workflow/lib/interceptors.js';
import { expect, test } from 'vitest';
import { interceptors } from '../../../workflows/workshop/flood.ts';

const signal = (signalName: string, identity: string) => ({ signalWorkflow: { signalName, identity } });

test('of ten thousand "changed" signals in one task only the last is handed on, and everything else as it came', () => {
  const [interceptor] = interceptors().internals ?? [];
  const flood = Array.from({ length: 10_000 }, (_, index) => signal('changed', String(index)));
  const others = [{ initializeWorkflow: {} }, signal('pause', 'mia'), { fireTimer: { seq: 1 } }];
  const [first, second, third] = others;
  const activation = { jobs: [first, ...flood.slice(0, 5_000), second, ...flood.slice(5_000), third] };
  let given: unknown;
  interceptor?.activate?.({ activation, batchIndex: 0 } as ActivateInput, (input) => {
    given = input.activation.jobs;
  });
  expect(given).toEqual([first, second, flood.at(-1), third]);
});
