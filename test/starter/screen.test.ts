import { describe, expect, test } from 'vitest';
import { columns } from '../../starter/cli/io.ts';
import { plainLines, Screen } from '../../starter/cli/screen.ts';

const checklist = `- [x] Check the request
- [ ] **Choose a balancer**
- [ ] Write DNS

Balancer: \`k8s-public\` (active)
Waiting for DNS since 2026-01-01T00:00:00.000Z`;

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, output: { isTTY, columns: 20, write: (text: string) => written.push(text) } };
}

describe('the live checklist', () => {
  test('is read from the Markdown of the run', () => {
    expect(plainLines(checklist)).toEqual([
      '[x] Check the request',
      '[>] Choose a balancer',
      '[ ] Write DNS',
      '',
      'Balancer: k8s-public (active)',
      'Waiting for DNS since 2026-01-01T00:00:00.000Z',
    ]);
    expect(plainLines('- [x] **Removed**\n**Failed**')).toEqual(['[x] Removed', 'Failed']);
  });

  test('appends only what changed to a pipe, without colour', () => {
    const { written, output } = recorder(false);
    const screen = new Screen(output, {});
    screen.update(['run', '[>] One', '[ ] Two']);
    screen.update(['run', '[>] One', '[ ] Two']);
    screen.update(['run', '[x] One', '[>] Two', 'Waiting for it']);
    expect(written).toEqual(['run\n', '[>] One\n', '[x] One\n', '[>] Two\n', 'Waiting for it\n']);
  });

  test('is drawn over the last one on a terminal, cut to its width, and only when it changed', () => {
    const { written, output } = recorder(true);
    const screen = new Screen(output, { NO_COLOR: '1' });
    screen.update(['run', 'a line that is longer than the terminal']);
    screen.update(['run', 'a line that is longer than the terminal']);
    screen.update(['run', 'short']);
    expect(written).toEqual(['run\na line that is long\n', '\x1b[2A\r\x1b[0Jrun\nshort\n']);
  });

  test('has colour on a terminal', () => {
    const { written, output } = recorder(true);
    new Screen(output, { TERM: 'xterm' }).update(['[x] One']);
    expect(written[0]).toContain('\x1b[32m[x]');
  });
});

test('columns are as wide as their widest cell', () => {
  expect(
    columns([
      ['A', 'B'],
      ['long', 'c'],
    ]),
  ).toEqual(['A     B', 'long  c']);
});
