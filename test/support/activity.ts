import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

/** An activity's surroundings, in the given attempt of it. What it logs of the failures that such tests ask for is dropped. */
export function mockActivity(attempt = 1): MockActivityEnvironment {
  return new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR', () => undefined) });
}
