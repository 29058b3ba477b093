import { DefaultLogger, type LogEntry, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import type { Values } from './configuration.ts';

/** JSON logs and the metrics endpoint; called once, before anything else of the SDK. */
export function installTelemetry(values: Pick<Values, 'logLevel' | 'metricsAddress'>): Logger {
  const logger = pino({ level: values.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  Runtime.install({
    logger: new DefaultLogger(sdkLevels[values.logLevel] ?? 'INFO', (entry) => forward(logger, entry)),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
      metrics: {
        prometheus: {
          bindAddress: values.metricsAddress,
          countersTotalSuffix: true,
          useSecondsForDurations: true,
          unitSuffix: true,
        },
      },
    },
  });
  return logger;
}

const sdkLevels: Record<string, 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'> = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
};

function forward(logger: Logger, entry: LogEntry): void {
  const { sdkComponent, error, ...rest } = (entry.meta ?? {}) as Record<string, unknown>;
  const fields = { component: sdkComponent, ...rest, ...(error instanceof Error ? { err: error } : {}) };
  const level = entry.level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error';
  logger[level](fields, entry.message);
}
