import type { IpSettings } from '../../domain/ip/settings.ts';
import type { Database } from '../postgres/database.ts';
import type { IpMetrics } from './metrics.ts';

/** What the activities of the IP room work with; the worker makes it once. */
export interface IpDependencies {
  settings: IpSettings;
  /** At least as many connections as local activities of the room at once. */
  database: Database;
  /** For imports, surveys, rebuilding and the sweep, whose statements may take a minute. */
  patientDatabase: Database;
  metrics?: IpMetrics | undefined;
}
