// Completes package-lock.json after `npm install`; with --check it only reports (exit code 1 when something is missing).
//
// Packages with native parts list one optional dependency per platform. A registry (often a proxy) that answers 404 for
// foreign platforms makes `npm install` leave those entries out of the lock, and `npm ci` then refuses the lock on every
// machine ("Missing: ... from lock file"). An entry needs only its version and the platforms it is for: npm fetches the
// one that fits and skips the rest. What is added here carries no integrity hash; `npm install` on a registry that has
// all platforms adds the hashes.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const OPERATING_SYSTEMS = new Map(
  ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
    .map((name) => [name, name])
    .concat([['windows', 'win32']]),
);
const PROCESSORS = new Map(
  ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'].map((n) => [n, n]),
);
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/;
const MODULES = 'node_modules/';

/** Limits npm reads from an entry, taken from the naming convention of platform packages (`core-linux-arm64-musl`). */
export function platformLimits(name) {
  const words = name.slice(name.lastIndexOf('/') + 1).split(/[-_]/);
  const among = (known) => words.flatMap((word) => known.get(word) ?? []);
  const libc = words.flatMap((word) => (word.startsWith('musl') ? 'musl' : word.startsWith('gnu') ? 'glibc' : []));
  const limits = { os: among(OPERATING_SYSTEMS), cpu: among(PROCESSORS), libc };
  return Object.fromEntries(Object.entries(limits).filter(([, values]) => values.length > 0));
}

/** The folder that holds the package at `path`: 'a/node_modules/b' is held by 'a', 'node_modules/a' by the root ''. */
function holder(path) {
  return path.slice(0, Math.max(path.lastIndexOf(MODULES) - 1, 0));
}

function inside(folder, name) {
  return `${folder === '' ? '' : `${folder}/`}${MODULES}${name}`;
}

/** The entry that `require(name)` finds from the package at `path`, nearest folder first. */
function found(packages, path, name) {
  for (let folder = path; ; folder = holder(folder)) {
    const entry = packages[inside(folder, name)];
    if (entry !== undefined || folder === '') return entry;
  }
}

/** Optional dependencies with an exact version that the lock lacks, as `[lock path, entry]`. Adds them to `packages`. */
export function complete(packages) {
  const added = [];
  const parentsFirst = Object.keys(packages).sort();
  for (const path of parentsFirst) {
    const parent = packages[path];
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      if (!EXACT_VERSION.test(version) || found(packages, path, name)?.version === version) continue;
      // Beside its parent, as npm hoists it; nested when another version sits there.
      const beside = inside(path === '' ? '' : holder(path), name);
      const slot = packages[beside] === undefined ? beside : inside(path, name);
      const entry = { version, ...platformLimits(name), ...(parent.dev ? { dev: true } : {}), optional: true };
      packages[slot] = entry;
      added.push([slot, entry]);
    }
  }
  return added;
}

function main(argv) {
  const file = argv.find((argument) => !argument.startsWith('--')) ?? 'package-lock.json';
  const checkOnly = argv.includes('--check');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const added = complete(lock.packages);
  if (added.length === 0) {
    console.log(`${file} is complete`);
    return 0;
  }
  const list = added.map(
    ([slot, { version }]) => `${slot.slice(slot.lastIndexOf(MODULES) + MODULES.length)}@${version}`,
  );
  console.log(`${file}: ${added.length} optional entries ${checkOnly ? 'are missing' : 'added'}: ${list.join(' ')}`);
  if (checkOnly) {
    console.log('Run `npm run lock` and commit the result.');
    return 1;
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = main(process.argv.slice(2));
}
