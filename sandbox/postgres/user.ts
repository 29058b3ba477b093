import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A user with an entry in passwd: `initdb` refuses to run as a bare number. */
export interface UnixUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom PostgreSQL runs as: it refuses root, so for root it is `postgres` or else `nobody`. Undefined means "as we are".
 */
export async function serverUser(): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  const user = users.get('postgres') ?? users.get('nobody');
  if (user === undefined) {
    throw new Error(
      'PostgreSQL does not run as root, and /etc/passwd has neither a user postgres nor nobody: add one, or run as another user',
    );
  }
  return user;
}

export function parsePasswd(text: string): Map<string, UnixUser> {
  const users = new Map<string, UnixUser>();
  for (const line of text.split('\n')) {
    const [name = '', , uid, gid] = line.split(':');
    if (name !== '' && uid !== undefined && gid !== undefined)
      users.set(name, { name, uid: Number(uid), gid: Number(gid) });
  }
  return users;
}

/** Whether the user may pass through the folder and all above it, judged by mode bits alone. */
export async function mayTraverse(folder: string, user: UnixUser): Promise<boolean> {
  return (await closedFolder(folder, user)) === undefined;
}

/** The lowest of the folder and all above it that the user may not pass through, judged by mode bits alone. */
export async function closedFolder(folder: string, user: UnixUser): Promise<string | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return path;
    if (path === dirname(path)) return undefined;
  }
}

/** A cache that other users may pass through, for root, whose own home is closed to them. */
export function systemCacheRoot(): string {
  return process.platform === 'linux' ? '/var/cache/groundwork' : join(tmpdir(), 'groundwork-cache');
}
