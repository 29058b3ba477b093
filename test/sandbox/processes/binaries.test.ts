import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { binaryFolder, cacheRoot } from '../../../sandbox/binaries/cache.ts';
import type { Fetch } from '../../../sandbox/binaries/download.ts';
import { installOnce } from '../../../sandbox/binaries/install.ts';
import { KUBERNETES_VERSION, resolveKubernetes } from '../../../sandbox/binaries/kubernetes.ts';
import { resolveTemporal, TEMPORAL_CLI_VERSION } from '../../../sandbox/binaries/temporal.ts';
import { temporaryFolders } from './support.ts';

const folder = temporaryFolders();
const NEW_CLI = 'temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)';
const OLD_CLI = 'temporal version 1.3.0 (Server 1.27.1, UI 2.36.0)';

const offline: Fetch = async () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }) });
};

async function program(path: string, prints: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${prints}'\n`);
  await chmod(path, 0o755);
  return path;
}

/** A machine with nothing: an empty cache, an empty PATH, no network. What was reported is in `lines`. */
async function bareMachine(): Promise<{
  root: string;
  env: NodeJS.ProcessEnv;
  lines: string[];
  report: (line: string) => void;
  fetch: Fetch;
}> {
  const root = await folder();
  const lines: string[] = [];
  await mkdir(join(root, 'bin'));
  const env = { XDG_CACHE_HOME: join(root, 'cache'), PATH: join(root, 'bin'), HOME: root };
  return { root, env, lines, report: (line) => lines.push(line), fetch: offline };
}

describe('the Temporal server comes from', () => {
  test('TEMPORAL_ADDRESS before anything else', async () => {
    const machine = await bareMachine();
    machine.env.TEMPORAL_ADDRESS = 'temporal.example:7233';
    expect(await resolveTemporal(machine)).toEqual({
      kind: 'external',
      address: 'temporal.example:7233',
      source: 'TEMPORAL_ADDRESS',
    });
  });

  test('TEMPORAL_CLI_PATH, which is never passed over when it does not work', async () => {
    const machine = await bareMachine();
    await program(join(machine.root, 'bin', 'temporal'), NEW_CLI);
    machine.env.TEMPORAL_CLI_PATH = await program(join(machine.root, 'mine'), NEW_CLI);
    expect(await resolveTemporal(machine)).toMatchObject({
      path: join(machine.root, 'mine'),
      source: 'TEMPORAL_CLI_PATH',
    });
    machine.env.TEMPORAL_CLI_PATH = await program(join(machine.root, 'mine'), OLD_CLI);
    await expect(resolveTemporal(machine)).rejects.toThrow(/TEMPORAL_CLI_PATH.*Server 1\.27\.1.*1\.31 or newer/);
  });

  test('`temporal` on PATH when it is new enough, else the cache', async () => {
    const machine = await bareMachine();
    const onPath = await program(join(machine.root, 'bin', 'temporal'), NEW_CLI);
    const cached = await program(
      join(binaryFolder('temporal', TEMPORAL_CLI_VERSION, machine.env), 'temporal'),
      NEW_CLI,
    );
    expect(await resolveTemporal(machine)).toMatchObject({ path: onPath });
    await program(onPath, OLD_CLI);
    expect(await resolveTemporal(machine)).toMatchObject({ path: cached });
    expect(machine.lines.at(-1)).toContain('cache');
  });

  test('the published download, which is in the cache afterwards', async () => {
    const machine = await bareMachine();
    await program(join(machine.root, 'pack', 'temporal'), NEW_CLI);
    const archive = await tarball(join(machine.root, 'pack'));
    const fetch: Fetch = async (url) =>
      String(url).startsWith('https://temporal.download/cli/')
        ? Response.json({ archiveUrl: 'https://archive.example/cli.tar.gz', fileToExtract: 'temporal' })
        : new Response(new Uint8Array(archive));
    expect(await resolveTemporal({ ...machine, fetch })).toMatchObject({ source: 'published download' });
    expect(await resolveTemporal(machine)).toMatchObject({ source: expect.stringContaining('cache') });
  });

  test('nowhere: then one message says what was tried and what to install', async () => {
    const machine = await bareMachine();
    const error = await resolveTemporal(machine).catch((caught: Error) => caught.message);
    expect(error).toMatch(
      /Install the Temporal CLI 1\.8\.2 .* or Go 1\.26, or set TEMPORAL_CLI_PATH or TEMPORAL_ADDRESS/,
    );
    expect(error).toMatch(/published download: temporal\.download: ENOTFOUND/);
    expect(error).toMatch(/there is no `go` on PATH/);
    expect(await readdir(cacheRoot(machine.env))).toEqual([]); // no lock and no half installation is left
  });
});

describe('kube-apiserver comes from', () => {
  test('KUBECONFIG only when asked for', async () => {
    const machine = await bareMachine();
    machine.env.KUBECONFIG = '/home/me/.kube/config';
    machine.env.KUBEBUILDER_ASSETS = await assets(join(machine.root, 'assets'));
    expect(await resolveKubernetes(machine)).toMatchObject({ kind: 'binaries', source: 'KUBEBUILDER_ASSETS' });
    expect(await resolveKubernetes({ ...machine, useKubeconfig: true })).toMatchObject({
      kind: 'external',
      source: 'KUBECONFIG',
    });
  });

  test('KUBEBUILDER_ASSETS, which must hold both programs', async () => {
    const machine = await bareMachine();
    machine.env.KUBEBUILDER_ASSETS = join(machine.root, 'empty');
    await expect(resolveKubernetes(machine)).rejects.toThrow(
      /KUBEBUILDER_ASSETS.*no executable etcd and kube-apiserver/,
    );
  });

  test('the newest published archive of our minor version, when its checksum is right', async () => {
    const machine = await bareMachine();
    await assets(join(machine.root, 'pack', 'controller-tools', 'envtest'));
    const archive = await tarball(join(machine.root, 'pack'));
    const published =
      (hash: string): Fetch =>
      async (url) =>
        String(url).endsWith('envtest-releases.yaml')
          ? new Response(releases(hash))
          : new Response(new Uint8Array(archive));
    await expect(resolveKubernetes({ ...machine, fetch: published('0'.repeat(128)) })).rejects.toThrow(
      /v1\.35\.10-.* has the SHA-512/,
    );
    const right = createHash('sha512').update(archive).digest('hex');
    const found = await resolveKubernetes({ ...machine, fetch: published(right) });
    expect(found).toMatchObject({ source: 'published envtest archive' });
    expect(await readdir(binaryFolder('kubernetes', KUBERNETES_VERSION, machine.env))).toEqual(
      expect.arrayContaining(['etcd', 'kube-apiserver']),
    );
  });
});

describe('an installation', () => {
  test('is made by one of two who want it at once; the other waits for it', async () => {
    const target = join(await folder(), 'tool');
    let fills = 0;
    const install = () =>
      installOnce({
        folder: target,
        report: () => {},
        complete: (where) =>
          access(join(where, 'tool')).then(
            () => true,
            () => false,
          ),
        fill: async (temporary) => {
          fills += 1;
          await writeFile(join(temporary, 'tool'), `made ${fills} time`);
        },
      });
    expect((await Promise.all([install(), install(), install()])).filter(Boolean)).toHaveLength(1);
    expect(await readFile(join(target, 'tool'), 'utf8')).toBe('made 1 time');
    expect(await readdir(join(target, '..'))).toEqual(['tool']);
  });

  test('takes over from an installer that died, and removes what it left', async () => {
    const root = await folder();
    const target = join(root, 'tool');
    await writeFile(`${target}.lock`, JSON.stringify({ pid: 1, born: 'another boot' }));
    await mkdir(`${target}.partial-abc`);
    const fill = (temporary: string) => writeFile(join(temporary, 'tool'), '');
    const complete = (where: string) =>
      access(join(where, 'tool')).then(
        () => true,
        () => false,
      );
    expect(await installOnce({ folder: target, report: () => {}, complete, fill })).toBe(true);
    expect(await readdir(root)).toEqual(['tool']);
  });
});

async function assets(path: string): Promise<string> {
  await program(join(path, 'etcd'), 'etcd');
  await program(join(path, 'kube-apiserver'), 'kube-apiserver');
  return path;
}

async function tarball(path: string): Promise<Buffer> {
  await promisify(execFile)('tar', ['-czf', `${path}.tar.gz`, '-C', path, '.']);
  return readFile(`${path}.tar.gz`);
}

/** The list of releases, in which ten comes after nine and other minor versions are newer. */
function releases(hash: string): string {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const versions = ['v1.35.9', 'v1.35.10', 'v1.36.0'];
  return JSON.stringify({
    releases: Object.fromEntries(
      versions.map((version) => {
        const name = `envtest-${version}-${platform}.tar.gz`;
        return [
          version,
          { [name]: { hash: version === 'v1.35.10' ? hash : 'wrong', selfLink: `https://archive.example/${name}` } },
        ];
      }),
    ),
  });
}
