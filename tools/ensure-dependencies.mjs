// Makes node_modules match package-lock.json, so that every command works on a fresh clone. Uses nothing but Node itself.
//
// What is installed is read from node_modules/.package-lock.json, which npm writes as its last step: a missing or differing
// record means a missing, interrupted or outdated install. Processes that start at the same time take turns (a file
// names the one that installs), and the later ones find nothing left to do.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];
const TURN_PATIENCE_MS = 10 * 60_000;

/** Installs what the lock names if it is not there. Ends the process with one line and code 1 when that cannot be done. */
export async function ensureDependencies(root = ROOT) {
  try {
    refuseOldNode();
    if (isCurrent(root)) return;
    const giveBack = await takeTurn(root);
    try {
      if (!isCurrent(root)) await install(root);
    } finally {
      giveBack();
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Error(`Groundwork needs Node ${OLDEST_NODE.join('.')} or newer; this is Node ${process.versions.node}.`);
}

/** Whether every package that the lock demands is installed in its version. Optional ones may be absent. */
function isCurrent(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) throw new Error(`${join(root, 'package-lock.json')} is missing: is this a full checkout?`);
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const there = installed[path];
    if (there === undefined) return optional === true;
    return there.version === version && (integrity === undefined || there.integrity === integrity);
  });
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

/** Waits until no other process installs into this checkout; the answer gives the turn back. */
async function takeTurn(root) {
  const key = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const file = join(tmpdir(), `groundwork-install-${process.getuid?.() ?? 0}-${key}`);
  const giveUpAt = Date.now() + TURN_PATIENCE_MS;
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(file)) {
      clearAway(file);
      continue;
    }
    if (Date.now() > giveUpAt)
      throw new Error(`Another process still installs dependencies. If none does, delete ${file}.`);
    if (!told) console.error('Waiting for another process that installs the dependencies ...');
    told = true;
    await delay(200);
  }
}

/** Whether the process that wrote the turn file has ended without giving its turn back. */
function isAbandoned(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Created a moment ago and not written yet, which is no sign of an end.
    if (!Number.isInteger(pid) || pid <= 0) return Date.now() - statSync(file).mtimeMs > 5000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Removes an abandoned turn file, but not the one that another process put in its place meanwhile. */
function clearAway(file) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (!isAbandoned(aside)) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

async function install(root) {
  const startedAt = Date.now();
  process.stderr.write('Installing dependencies with npm ci (about half a minute) ... ');
  const quietly = ['--no-audit', '--no-fund']; // what these would say is not shown
  const { code, output } = await npm(
    ['ci', '--ignore-scripts', '--include=dev', '--include=optional', ...quietly],
    root,
  );
  if (code !== 0) {
    const tail = output.trim().split('\n').slice(-15).join('\n');
    throw new Error(`failed.\n${tail}\nRun \`npm ci --ignore-scripts\` in ${root} to see more.`);
  }
  process.stderr.write(`done in ${Math.round((Date.now() - startedAt) / 1000)} s.\n`);
}

function npm(argv, cwd) {
  const running = process.env.npm_execpath;
  const byNode = running !== undefined && basename(running).startsWith('npm');
  const child = byNode
    ? spawn(process.execPath, [running, ...argv], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', argv, { cwd, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
  return new Promise((resolve) => {
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: 1, output: `npm could not be started: ${error.message}` }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await ensureDependencies();
