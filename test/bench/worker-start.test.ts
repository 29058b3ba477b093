import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { workerStart } from '../../bench/worker-start.ts';

describe('the worker that is measured', () => {
  test('starts with the variables and options of npm start', () => {
    expect(workerStart()).toEqual({
      environment: { MALLOC_ARENA_MAX: '4' },
      flags: ['--max-old-space-size=320', '--max-semi-space-size=4'],
    });
  });

  test('starts as in the image', () => {
    const dockerfile = readFileSync('deploy/docker/Dockerfile', 'utf8');
    const { environment, flags } = workerStart();
    expect(dockerfile).toContain(
      `CMD ${JSON.stringify(['node', ...flags, 'dist/worker/main.js']).replaceAll(',', ', ')}`,
    );
    for (const [name, value] of Object.entries(environment))
      expect(dockerfile).toMatch(new RegExp(`^(ENV | +)${name}=${value}( \\\\)?$`, 'm'));
  });
});
