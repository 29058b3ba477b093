/** Signals closer together than this come from one key. */
const SAME_KEY_MS = 500;

/**
 * Stops on SIGINT, SIGTERM and SIGHUP, once, and then ends the process with the code that a shell expects of that signal.
 * A later second SIGINT ends it at once: the watchdog does the rest. (Under npm one Ctrl-C arrives twice.) Returns a function that takes the handlers off again.
 */
export function stopOnSignals(stop: (signal: NodeJS.Signals) => Promise<void>): () => void {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  let stoppingSince: number | undefined;
  const handlers = (Object.keys(codes) as (keyof typeof codes)[]).map((signal) => {
    const handler = () => {
      if (stoppingSince !== undefined) {
        if (signal === 'SIGINT' && performance.now() - stoppingSince > SAME_KEY_MS) process.exit(codes[signal]);
        return;
      }
      stoppingSince = performance.now();
      stop(signal).then(
        () => process.exit(codes[signal]),
        (error: unknown) => {
          console.error(error instanceof Error ? error.message : error);
          process.exit(1);
        },
      );
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return () => {
    for (const { signal, handler } of handlers) process.off(signal, handler);
  };
}
