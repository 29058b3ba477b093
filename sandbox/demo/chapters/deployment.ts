import type { Chapter } from '../chapter.ts';
import { crashing, firstVersion, inSteps } from './deployment/scenes.ts';
import type { Story } from './deployment/story.ts';
import { versionsTable } from './deployment/table.ts';
import { SHOP } from './setting.ts';

/** Chapter 2: versions behind a balancer, while users send requests. */
export function deploymentChapter(): Chapter {
  const story: Story = { rollouts: [] };
  return {
    title: 'Chapter 2: deployments',
    about:
      `A deployment brings a version of an application behind its scope's balancer, here ${SHOP}, and moves traffic to it. ` +
      'From the first version on, simulated users send requests all the time: each goes where the rules, weights and target ' +
      'health of the balancer send it, and is served only when a running pod stands there. The demo counts what fails.',
    scenes: [firstVersion(story), inSteps(story), crashing(story)],
    table: (stage) => versionsTable(stage, story),
  };
}
