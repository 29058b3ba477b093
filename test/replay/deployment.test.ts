import { replays } from '../support/replay/replay.ts';

const rollouts = ['initial', 'finalized', 'rolled-back', 'long', 'by-gateway'];

replays('deployment', [
  {
    name: 'the objects of the new version are applied before the start is judged',
    breaks: [...rollouts, 'cancelled-while-starting'],
    from: '.beginRollout(',
    to: '.applySide(',
  },
  {
    name: 'instances are no longer awaited before traffic is routed',
    breaks: [...rollouts, 'cancelled-while-starting'],
    from: '.waitInstances(',
    to: '.routeTraffic(',
  },
  {
    name: 'the planner: the old version is removed without having drained',
    breaks: ['finalized', 'continued', 'by-gateway'],
    from: "!state.drained.includes('blue')",
    to: 'false',
  },
  {
    name: 'the planner: on the way back the new version is removed without having drained',
    breaks: ['rolled-back'],
    from: "!state.drained.includes('green')",
    to: 'false',
  },
  {
    name: 'a long rollout no longer goes on in a new history',
    breaks: ['long'],
    from: 'continueAsNewSuggested || historyLength > historyLimit',
    to: 'false && historyLimit',
  },
  {
    name: 'a deletion removes versions before their routing',
    breaks: ['deleted'],
    from: '[step]({',
    to: '.removeSides({',
  },
]);
