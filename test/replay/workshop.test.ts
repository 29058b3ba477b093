import { describe } from 'vitest';
import { replays } from '../support/replay/replay.ts';

describe('W78: histories', () =>
  replays('workshop', [
    {
      name: 'the count is written without a flag before it',
      breaks: ['one-step', 'continued-as-new', 'shrunk'],
      from: '.setActive(',
      to: '.applyCount(',
    },
    {
      name: 'the flag is not cleared',
      breaks: ['a-person-wins', 'paused-and-resumed', 'continued-from-another'],
      from: '.clearActive(',
      to: '.writeStatus(',
    },
    { name: 'nobody is told', breaks: ['breaker-tripped'], from: '.emitEvent(', to: '.writeStatus(' },
    { name: 'claims are not removed', breaks: ['shrunk'], from: '.deleteClaim(', to: '.observe(' },
    {
      name: 'a long history does not continue as a new run',
      breaks: ['continued-as-new'],
      from: 'historyLength > timings.historyLimit',
      to: 'historyLength > 1e9',
    },
    {
      name: 'a dry run that starts a run no longer lets it scale, without a patch',
      breaks: ['started-by-a-dry-run'],
      from: 'onlyDryRuns && !run.isAtWork &&',
      to: 'onlyDryRuns && !run.isAtWork ||',
    },
    {
      name: 'an operation whose count is written is no longer ended, without a patch',
      breaks: ['denied-after-its-count', 'disputed-after-its-count'],
      from: 'waitsForWritten = ()=>',
      to: 'waitsForWritten = ()=>true || ',
    },
    { name: 'the sweep looks at one provision only', breaks: ['sweep'], from: '.sweepWorkshops(', to: '.observe(' },
  ]));
