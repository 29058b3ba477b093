import { AwsError } from '../errors.ts';
import type { AwsState } from '../state.ts';
import { type XmlValue, xmlDocument } from '../xml.ts';
import { changeResourceRecordSets } from './changes.ts';
import { changeXml, type DnsContext } from './context.ts';
import { listResourceRecordSets } from './records.ts';
import {
  createHostedZone,
  deleteHostedZone,
  getHostedZone,
  listHostedZones,
  listHostedZonesByName,
  listTagsForHostedZone,
} from './zones.ts';

export const DNS_PREFIX = '/2013-04-01/';
export const DNS_NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/';

interface Input {
  /** The id in the path, empty where the path has none. */
  id: string;
  query: URLSearchParams;
  body: string;
}

interface Route {
  action: string;
  method: string;
  path: RegExp;
  write: boolean;
  /** 201 for what creates a resource with an address of its own. */
  status?: 201;
  run(context: DnsContext, input: Input): XmlValue;
}

const ROUTES: readonly Route[] = [
  {
    action: 'ChangeResourceRecordSets',
    method: 'POST',
    path: /^hostedzone\/([^/]+)\/rrset\/?$/,
    write: true,
    run: (context, { id, body }) => changeResourceRecordSets(context, id, body),
  },
  {
    action: 'ListResourceRecordSets',
    method: 'GET',
    path: /^hostedzone\/([^/]+)\/rrset\/?$/,
    write: false,
    run: (context, { id, query }) => listResourceRecordSets(context, id, query),
  },
  {
    action: 'CreateHostedZone',
    method: 'POST',
    path: /^hostedzone\/?$/,
    write: true,
    status: 201,
    run: (context, { body }) => createHostedZone(context, body),
  },
  {
    action: 'ListHostedZones',
    method: 'GET',
    path: /^hostedzone\/?$/,
    write: false,
    run: (context, { query }) => listHostedZones(context, query),
  },
  {
    action: 'ListHostedZonesByName',
    method: 'GET',
    path: /^hostedzonesbyname\/?$/,
    write: false,
    run: (context, { query }) => listHostedZonesByName(context, query),
  },
  {
    action: 'GetHostedZone',
    method: 'GET',
    path: /^hostedzone\/([^/]+)$/,
    write: false,
    run: (context, { id }) => getHostedZone(context, id),
  },
  {
    action: 'DeleteHostedZone',
    method: 'DELETE',
    path: /^hostedzone\/([^/]+)$/,
    write: true,
    run: (context, { id }) => deleteHostedZone(context, id),
  },
  {
    action: 'GetChange',
    method: 'GET',
    path: /^change\/([^/]+)$/,
    write: false,
    run: (context, { id }) => getChange(context, id),
  },
  {
    action: 'ListTagsForResource',
    method: 'GET',
    path: /^tags\/hostedzone\/([^/]+)$/,
    write: false,
    run: (context, { id }) => listTagsForHostedZone(context, id),
  },
];

/** The operation of a request below `/2013-04-01/`, undefined when there is none. */
export function dnsRoute(method: string, path: string): { route: Route; id: string } | undefined {
  const rest = path.slice(DNS_PREFIX.length);
  for (const route of ROUTES) {
    const match = route.method === method ? route.path.exec(rest) : null;
    if (match) return { route, id: match[1] ?? '' };
  }
  return undefined;
}

/** Carries a Route 53 operation out and gives status and document. With `stale` a read sees the state before the latest mutation. */
export function handleDns(
  state: AwsState,
  found: ReturnType<typeof dnsRoute>,
  request: { query: URLSearchParams; body: string; stale: boolean },
): { status: number; document: string; location?: string } {
  if (!found) throw new AwsError('UnknownOperationException', 'The sandbox does not serve this operation', 404);
  const { route, id } = found;
  const run = (tables: DnsContext['tables']) =>
    route.run(
      { tables, moment: state.moment(), lifecycle: state.lifecycle },
      { id, query: request.query, body: request.body },
    );
  const content = route.write ? state.mutateDns(run) : run(request.stale ? state.staleDns() : state.dns());
  const document = xmlDocument(`${route.action}Response`, DNS_NAMESPACE, content);
  if (route.status !== 201) return { status: 200, document };
  const created = /<Id>\/(hostedzone\/[A-Z0-9]+)<\/Id>/.exec(document)?.[1] ?? '';
  return { status: 201, document, location: `https://route53.amazonaws.com${DNS_PREFIX}${created}` };
}

function getChange({ tables, moment }: DnsContext, id: string): XmlValue {
  const change = tables.changes.get(id);
  if (!change) throw new AwsError('NoSuchChange', `Could not find resource with ID: ${id}`, 404);
  return { ChangeInfo: changeXml(change, moment.now) };
}
