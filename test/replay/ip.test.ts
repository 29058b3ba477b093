import { replays } from '../support/replay/replay.ts';

replays('ip', [
  {
    name: 'a claim asks the database something else',
    breaks: ['claimed', 'refused', 'served-after-a-wait'],
    from: '.claimAddress(',
    to: '.readInventory(',
  },
  {
    name: 'a wait leaves the list of waiters instead of entering it',
    breaks: ['served-after-a-wait'],
    from: '.awaitCapacity(',
    to: '.stopWaiting(',
  },
  {
    name: 'a release tells nobody that there is room',
    breaks: ['released'],
    from: '.wake)(waiters)',
    to: '.wake)([])',
  },
  {
    name: 'the sweep becomes a survey',
    breaks: ['swept'],
    from: '.sweepPools(',
    to: '.surveyPools(',
  },
  { name: 'a pool is changed instead of made', breaks: ['pool-created'], from: '.createPool(', to: '.changePool(' },
  { name: 'reading becomes a regular activity', breaks: ['read'], from: '.readInventory(', to: '.surveyPools(' },
]);
