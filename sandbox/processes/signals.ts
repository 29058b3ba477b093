/**
 * Stops on SIGINT, SIGTERM and SIGHUP, once, and then ends the process with the code that a shell expects of that signal.
 * A second SIGINT ends it at once: the watchdog does the rest. Returns a function that takes the handlers off again.
 */
export function stopOnSignals(stop: (signal: NodeJS.Signals) => Promise<void>): () => void {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  let stopping = false;
  const handlers = (Object.keys(codes) as (keyof typeof codes)[]).map((signal) => {
    const handler = () => {
      if (stopping) {
        if (signal === 'SIGINT') process.exit(codes[signal]);
        return;
      }
      stopping = true;
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
