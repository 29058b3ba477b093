import { afterAll, expect } from 'vitest';

/** Settings of servers and of Groundwork. */
const settings = () =>
  Object.entries(process.env).filter(([name]) => /^(GROUNDWORK|TEMPORAL|AWS|KUBE|PG|DATABASE)/.test(name));

/** The files of a run share processes: each leaves the environment as it got it, or the next one meets its servers. */
const before = settings();
afterAll(() => expect(settings()).toEqual(before));
