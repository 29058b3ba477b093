import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheRoot } from '../../sandbox/binaries/cache.ts';
import { resolveTemporal } from '../../sandbox/binaries/temporal.ts';
import { freePorts } from '../../sandbox/processes/ports.ts';
import { type Block, differences, readBlocks } from '../support/readme.ts';

/** The README's command blocks as a user types them: in order, in terminals of one machine. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = /^(kubernetes|temporal|postgres)-/;
const BLOCK_MS = 120_000;

const text = await readFile(join(ROOT, 'README.md'), 'utf8');
const blocks = readBlocks(text);

/** A bash that reads one block after the other, so that what a block exports is there for the next. */
class Terminal {
  readonly #bash: ChildProcess;
  readonly #gone: Promise<unknown>;
  output = '';

  constructor(env: NodeJS.ProcessEnv) {
    this.#bash = spawn('bash', ['--noprofile', '--norc'], { cwd: ROOT, env, stdio: 'pipe', detached: true });
    this.#gone = once(this.#bash, 'close');
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString();
    };
    this.#bash.stdout?.on('data', collect);
    this.#bash.stderr?.on('data', collect);
    this.#bash.stdin?.write('set -eo pipefail\n');
  }

  /** Runs a block to its end and answers what it printed; throws with that when a command of it fails. */
  async run(code: string): Promise<string> {
    const begin = this.output.length;
    const mark = `block-ended-${begin}`;
    this.#bash.stdin?.write(`${code}\nprintf '\\n%s\\n' ${mark}\n`);
    await this.until(mark, begin);
    return this.output.slice(begin, this.output.indexOf(mark, begin));
  }

  /** Starts a block that goes on. */
  start(code: string): void {
    this.#bash.stdin?.write(`${code}\n`);
  }

  async until(words: string, from = 0): Promise<void> {
    let ended = false;
    this.#gone.then(() => {
      ended = true;
    });
    while (!this.output.includes(words, from)) {
      if (ended) throw new Error(`the terminal ended before it printed "${words}":\n${this.output.slice(from)}`);
      await delay(50);
    }
  }

  /** Ctrl-C to what runs in it, then its end. */
  async close(): Promise<void> {
    const signal = (name: NodeJS.Signals) => {
      try {
        if (this.#bash.pid !== undefined) process.kill(-this.#bash.pid, name);
      } catch {
        // It has ended already.
      }
    };
    this.#bash.stdin?.end();
    signal('SIGINT');
    const patience = new AbortController();
    const late = delay(30_000, 'late', { signal: patience.signal }).catch(() => 'ended');
    const outcome = await Promise.race([this.#gone, late]);
    patience.abort();
    if (outcome === 'late') signal('SIGKILL');
  }
}

let folder: string;
let env: NodeJS.ProcessEnv;
let foreground: Terminal;
const terminals: Terminal[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-readme-'));
  await chmod(folder, 0o755); // PostgreSQL of an unprivileged user lives in it
  env = await cleanEnvironment(folder);
  foreground = open();
});

afterAll(async () => {
  for (const terminal of terminals.reverse()) await terminal.close();
  const left = await readdir(join(folder, 'groundwork/run')).catch(() => []);
  expect(left, 'the sandbox removes its run folder when it has stopped everything').toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

function open(): Terminal {
  const terminal = new Terminal(env);
  terminals.push(terminal);
  return terminal;
}

/** Of a user who has set nothing: a cache that shares only the programs, `temporal` on PATH behind everything else, free ports. */
async function cleanEnvironment(home: string): Promise<NodeJS.ProcessEnv> {
  const cache = join(home, 'groundwork');
  await mkdir(cache);
  for (const name of await readdir(cacheRoot()))
    if (PROGRAMS.test(name) && !/\.(lock|partial)/.test(name))
      await symlink(join(cacheRoot(), name), join(cache, name));
  const temporal = await resolveTemporal({ report: () => {} });
  const [health, metrics] = await freePorts(2);
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(GROUNDWORK|TEMPORAL|AWS|KUBE|PG|DATABASE|VITEST|NODE_OPTIONS|npm_)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    PATH: [process.env.PATH, ...(temporal.kind === 'binary' ? [dirname(temporal.path)] : [])].join(':'),
    XDG_CACHE_HOME: home,
    TEMPORAL_CONFIG_FILE: join(home, 'no-temporal.toml'),
    GROUNDWORK_HEALTH_ADDRESS: `127.0.0.1:${health}`,
    GROUNDWORK_METRICS_ADDRESS: `127.0.0.1:${metrics}`,
    NO_COLOR: '1',
  };
}

/** The program of a `ts` block, with the package as it is in this checkout. */
async function programOf(block: Block): Promise<string> {
  const file = join(folder, `block-${block.line}.mts`);
  const client = pathToFileURL(join(ROOT, 'starter/client.ts')).href;
  await writeFile(file, block.code.replace("from 'groundwork'", `from '${client}'`));
  return `node --import tsx '${file}'`;
}

async function waitUntil(condition: string): Promise<void> {
  const wrapped = `until ( ${condition} ) >/dev/null 2>&1; do sleep 0.2; done`;
  await foreground.run(wrapped);
}

const title = ({ line, code }: Block) => `line ${line}: ${code.split('\n')[0]}`;

describe('blocks that are run elsewhere', () => {
  const elsewhere = blocks.filter(({ runBy }) => runBy !== undefined);

  test('are the two commands of the first section', () => {
    expect(elsewhere.map(({ code }) => code)).toEqual(['npm run demo', 'npm test']);
  });

  test.each(elsewhere.map((block) => [title(block), block] as const))('%s', async (_, block) => {
    const there = await readFile(join(ROOT, block.runBy ?? ''), 'utf8');
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const script = scripts[block.code.replace(/^npm (run )?/, '')] ?? '';
    const entry = script.split(' ').at(-1) ?? '';
    expect(script).not.toBe('');
    const uncommented = there.replace(/^\s*(#|\/\/|\/?\*).*$/gm, '');
    expect(uncommented.includes(block.code) || uncommented.includes(entry), `${block.runBy} runs ${block.code}`).toBe(
      true,
    );
  });
});

describe('the tour', () => {
  const tour = blocks.filter(({ runBy }) => runBy === undefined);

  test('has blocks that stay up, blocks that end, and a program', () => {
    expect(tour.filter(({ staysUp }) => staysUp !== undefined)).toHaveLength(2);
    expect(tour.filter(({ language }) => language === 'ts')).toHaveLength(1);
    expect(tour.length).toBeGreaterThan(10);
  });

  let failed = false;

  test.each(tour.map((block) => [title(block), block] as const))('%s', { timeout: BLOCK_MS }, async (_, block) => {
    if (failed) throw new Error('not run, because an earlier block failed');
    failed = true;
    if (block.staysUp !== undefined) {
      const terminal = open();
      terminal.start(block.code);
      await terminal.until(block.staysUp);
    } else {
      if (block.asSoonAs !== undefined) await waitUntil(block.asSoonAs);
      const output = await foreground.run(block.language === 'ts' ? await programOf(block) : block.code);
      expect(differences(block.output, output), output).toEqual([]);
    }
    failed = false;
  });
});
