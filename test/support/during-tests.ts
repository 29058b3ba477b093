import { afterAll, beforeAll } from 'vitest';

/** Opens something before the file's tests and closes it after them. What is answered is there only inside tests. */
export function duringTests<T extends object>(open: () => Promise<T & { close(): Promise<void> }>): T {
  let opened: (T & { close(): Promise<void> }) | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());
  return new Proxy({} as T, {
    get: (_, key) => {
      if (!opened) throw new Error('it is open only while tests run');
      return opened[key as keyof T];
    },
    set: (_, key, value) => Reflect.set(opened ?? {}, key, value),
  });
}
