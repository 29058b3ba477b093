// The watchdog: a detached process that outlives its parent for as long as it takes to clean up after it.
//
// It reads JSON lines from its standard input, a pipe that only the parent holds open:
//   { "add": { "pid", "born", "signal", "graceMs", "order" } }   a child to stop
//   { "remove": pid }                                            it was stopped
//   { "folder": path }                                           to be removed at the end
//   { "keep": path }                                             not to be removed any more
// End of input means that the parent is gone, however it died: the watchdog stops what is still registered, in ascending
// `order`, and removes the folders. A parent that stopped everything itself has removed every entry by then.
// A pid whose start time differs belongs to somebody else and is left alone.
//
// Plain JavaScript without imports of ours, because it runs under bare node from the sources and from `dist`.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** @typedef {{ pid: number, born: string, signal: NodeJS.Signals, graceMs: number, order: number }} Entry */

/** @type {Map<number, Entry>} */
const children = new Map();
/** @type {Set<string>} */
const folders = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.add) children.set(message.add.pid, message.add);
  if (message.remove) children.delete(message.remove);
  if (message.folder) folders.add(message.folder);
  if (message.keep) folders.delete(message.keep);
}

const orders = [...new Set([...children.values()].map((child) => child.order))].sort((a, b) => a - b);
for (const order of orders) {
  await Promise.all([...children.values()].filter((child) => child.order === order).map(stop));
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });

/** @param {Entry} child */
async function stop(child) {
  if (!alive(child)) return;
  send(child.pid, child.signal);
  const deadline = Date.now() + child.graceMs;
  while (alive(child) && Date.now() < deadline) await delay(20);
  if (!alive(child)) return;
  send(-child.pid, 'SIGKILL');
  send(child.pid, 'SIGKILL');
  for (let tries = 0; alive(child) && tries < 100; tries += 1) await delay(20);
}

/** @param {Entry} child */
function alive({ pid, born }) {
  try {
    if (process.platform !== 'linux') {
      const env = { ...process.env, LC_ALL: 'C' };
      const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', env });
      const [state = '', ...start] = text.trim().split(/\s+/);
      return !state.startsWith('Z') && start.join(' ') === born;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[0] !== 'Z' && fields[0] !== 'X' && `${fields[19]}@${boot}` === born;
  } catch {
    return false;
  }
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone between the look and the signal, or a group that nobody leads.
  }
}
