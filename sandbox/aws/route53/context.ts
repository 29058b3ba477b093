import { AwsError } from '../errors.ts';
import { changeStatus, type Lifecycle, type Moment } from '../lifecycle.ts';
import type { Change, DnsTables, HostedZone } from '../model.ts';
import type { XmlValue } from '../xml.ts';

export interface DnsContext {
  readonly tables: DnsTables;
  readonly moment: Moment;
  readonly lifecycle: Lifecycle;
}

/** Throws `NoSuchHostedZone` (404). */
export function getZone({ tables }: DnsContext, id: string): HostedZone {
  const zone = tables.zones.get(id);
  if (!zone) throw new AwsError('NoSuchHostedZone', `No hosted zone found with ID: ${id}`, 404);
  return zone;
}

export const changeXml = (change: Change, now: number): XmlValue => ({
  Id: `/change/${change.id}`,
  Status: changeStatus(change, now),
  SubmittedAt: new Date(change.submittedAt),
  Comment: change.comment,
});

/** A `maxitems` of the query: 1 or more, larger ones are cut to `most`. */
export function readMaxItems(query: URLSearchParams, most: number): number {
  const value = query.get('maxitems');
  if (value === null) return most;
  if (!/^[1-9]\d{0,9}$/.test(value)) {
    throw new AwsError(
      'InvalidInput',
      `1 validation error detected: Value '${value}' at 'maxItems' failed to satisfy constraint: Member must be a whole number of at least 1`,
    );
  }
  return Math.min(Number(value), most);
}
