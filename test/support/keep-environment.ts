import { afterAll } from 'vitest';

/** For a file whose tests change this process's environment: afterwards it is as it was at the call. */
export function keepEnvironment(): void {
  const own = { ...process.env };
  afterAll(() => giveBack(own));
}

/** Makes `environment` that of this process. */
export function giveBack(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
}
