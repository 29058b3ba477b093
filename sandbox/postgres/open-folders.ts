import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { closedFolder, type UnixUser } from './user.ts';

/*
 * Folders of ours that PostgreSQL's user must pass through when we are root. The mode that is asked for at their making is cut
 * by the umask (027 and 077 close them to others), so it is set afterwards, and again on what an earlier run left closed.
 */

/** Makes `folder` and those above it as far as they are missing, and opens all that are ours from `root` on. */
export async function makeOpenFolder(folder: string, root: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o755 });
  const top = first !== undefined && isWithin(root, first) ? first : root;
  for (let path = folder; isWithin(path, top); path = dirname(path)) await open(path);
}

/** Makes everything in the folder readable, and executable where its owner may execute it. */
export async function openTree(folder: string): Promise<void> {
  await open(folder);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openTree(path);
    else if (entry.isFile()) await open(path);
  }
}

/** Throws, with the folder and the remedy, where the user cannot pass. */
export async function requirePassage(folder: string, user: UnixUser): Promise<void> {
  const closed = await closedFolder(folder, user);
  if (closed === undefined) return;
  throw new Error(
    `PostgreSQL does not run as root but as ${user.name}, who may not pass through ${closed}: ` +
      `open it (chmod o+x ${closed}), or set DATABASE_URL to a server of yours`,
  );
}

/** Leaves alone what is somebody else's, or a link, which could lead anywhere. */
async function open(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink() || found.uid !== process.getuid?.()) return;
  const mode = found.mode & 0o7777;
  const wanted = mode | 0o044 | (mode & 0o100 ? 0o011 : 0);
  if (wanted !== mode) await chmod(path, wanted);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}
