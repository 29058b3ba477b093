import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The user's cache folder of Groundwork: `$XDG_CACHE_HOME/groundwork`, else `~/.cache/groundwork`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CACHE_HOME; // a relative one is invalid by the XDG specification, and ignored
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'groundwork');
}

/** Where a binary of this version lives for this machine: `<cache>/<name>-<version>-<platform>-<arch>`. */
export function binaryFolder(name: string, version: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheRoot(env), `${name}-${version}-${process.platform}-${process.arch}`);
}

/** The name of an executable file on this platform. */
export function executable(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}
