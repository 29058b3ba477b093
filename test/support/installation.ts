import { copyFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buildDist } from '../../tools/build-dist.ts';
import { ROOT } from '../../tools/checks.ts';

/**
 * Groundwork as it is installed: the build of this checkout beside its dependencies, in a folder of its own. Commands and
 * worker processes of the tests run from it, and one of the tests' own; from the sources each would carry a compiler.
 * Answers the folder of the build.
 */
export async function install(folder: string): Promise<string> {
  const dist = join(folder, 'dist');
  await buildDist(dist, 'test/support/tsconfig.json');
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return dist;
}
