import { describe, expect, test } from 'vitest';
import { Checks, unlessEqual, unlessSame } from '../../sandbox/demo/checks.ts';
import { Narrator, wrap } from '../../sandbox/demo/narrator.ts';
import { tableLines } from '../../sandbox/demo/table.ts';

function written(terminal = false, columns = 100) {
  let text = '';
  const out = { write: (more: string) => (text += more), isTTY: terminal, columns };
  return { narrator: new Narrator(out, { TERM: 'xterm' }), text: () => text };
}

describe('a claim', () => {
  test('that holds is told as ok', async () => {
    const { narrator, text } = written();
    const checks = new Checks(narrator);
    await checks.claim('one is one', () => unlessEqual({ one: 1 }, { one: 1 }));
    expect(text()).toBe('    ok  one is one\n');
    expect(checks.ok).toBe(true);
  });

  test('that does not hold is told as failed with what was found, and the demo is not ok', async () => {
    const { narrator, text } = written();
    const checks = new Checks(narrator);
    await checks.claim('both are there', async () => unlessSame(['a', 'b'], ['b', 'c']));
    await checks.claim('this holds', () => undefined);
    expect(text()).toBe('FAILED  both are there\n        found: new: c; gone: a\n    ok  this holds\n');
    expect(checks.ok).toBe(false);
    expect(checks.claims[0]).toEqual({ text: 'both are there', ok: false, found: 'new: c; gone: a' });
  });

  test('that cannot be looked at does not hold', async () => {
    const { narrator, text } = written();
    const checks = new Checks(narrator);
    await checks.claim('it is there', () => Promise.reject(new Error('connection refused')));
    expect(text()).toContain('FAILED  it is there');
    expect(text()).toContain('could not be looked at: connection refused');
    expect(checks.ok).toBe(false);
  });
});

describe('the narrator', () => {
  test('draws the board anew below the account on a terminal, and not at all in a pipe', () => {
    const terminal = written(true);
    terminal.narrator.board(['working']);
    terminal.narrator.lines(['news']);
    expect(terminal.text()).toBe('working\n\x1b[1A\r\x1b[0Jnews\nworking\n');
    const pipe = written();
    pipe.narrator.board(['working']);
    pipe.narrator.lines(['news']);
    expect(pipe.text()).toBe('news\n');
  });

  test('breaks lines at blanks and keeps long words whole', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('see http://127.0.0.1:8233/long now', 10)).toEqual(['see', 'http://127.0.0.1:8233/long', 'now']);
  });

  test('draws no board on a terminal where its lines would break', () => {
    const { narrator, text } = written(true, 60);
    narrator.board(['working']);
    expect(text()).toBe('');
  });

  test('a table takes several lines a row where it does not fit one, the same columns on the same line', () => {
    const table = { columns: ['scope', 'load', 'link'], rows: [['orders', '4/75', 'http://127.0.0.1/a']] };
    const { colors } = written().narrator;
    for (const wide of [80, Number.POSITIVE_INFINITY])
      expect(tableLines(table, wide, colors)).toEqual(['scope   load  link', 'orders  4/75  http://127.0.0.1/a']);
    expect(tableLines(table, 20, colors)).toEqual([
      'scope   load',
      '    link',
      'orders  4/75',
      '    http://127.0.0.1/a',
    ]);
  });
});
