import type { DeploymentModifier, ObjectModifier, ObjectModifiers } from '../contract/modifiers.ts';
import { isRecord } from '../contract/record.ts';

/** Labels and annotations that a platform adds to objects (specs: deployment, section 5). */

type ModifiedKind = 'service' | 'ingress' | 'deployment' | 'pdb' | 'hpa' | 'dnsendpoint';

export interface Extras {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** What objects of a kind get beside their own: the global part, then the kind's, which wins. */
export function extrasOf(modifiers: ObjectModifiers, kind: ModifiedKind): Extras {
  const own: ObjectModifier = (kind === 'hpa' || kind === 'dnsendpoint' ? undefined : modifiers[kind]) ?? {};
  return {
    labels: { ...modifiers.global?.labels, ...own.labels },
    annotations: { ...modifiers.global?.annotations, ...own.annotations },
  };
}

export function placementOf(modifiers: ObjectModifiers): Pick<DeploymentModifier, 'tolerations' | 'nodeselector'> {
  const { tolerations, nodeselector } = modifiers.deployment ?? {};
  return { ...(tolerations ? { tolerations } : {}), ...(nodeselector ? { nodeselector } : {}) };
}

const OUR_LABELS: ReadonlySet<string> = new Set([
  'account',
  'account_id',
  'namespace',
  'namespace_id',
  'application',
  'application_id',
  'scope',
  'scope_id',
  'deployment_id',
  'name',
  'pod-template-hash',
  'alb_name',
  'dns/zone-type',
  ...['managed-by', 'part-of', 'component', 'instance', 'name'].map((name) => `app.kubernetes.io/${name}`),
]);

const ALB = 'alb.ingress.kubernetes.io/';
/** Of every Ingress and Service: one value of ours that differs stops the whole group of the balancer, or moves traffic. */
const OUR_ALB_ANNOTATIONS =
  /^(group\.|load-balancer-name$|load-balancer-attributes$|scheme$|listen-ports$|ssl-redirect$|target-type$|target-node-labels$|tags$|actions\.|conditions\.|healthcheck-|healthy-threshold-count$|unhealthy-threshold-count$|success-codes$|backend-protocol)/;

/** Every label and annotation of the modifiers that is ours to set or that Kubernetes would refuse. `path` is of the modifiers. */
export function modifierProblems(
  modifiers: ObjectModifiers,
  brand: string,
  path: string,
): { path: string; message: string }[] {
  const kinds = ['global', 'service', 'ingress', 'deployment', 'secret', 'pdb'] as const;
  return kinds.flatMap((kind) => {
    const { labels, annotations } = modifiers[kind] ?? {};
    const wrongLabels = Object.entries(labels ?? {}).flatMap(([key, value]) => {
      const at = `${path}.${kind}.labels.${key}`;
      if (OUR_LABELS.has(key) || key === brand || key === `${brand}-autocreate`)
        return [{ path: at, message: 'is set by Groundwork' }];
      if (!isKey(key)) return [{ path: at, message: 'is not a label key' }];
      return isLabelValue(value) ? [] : [{ path: at, message: `"${value}" is not a label value` }];
    });
    const wrongAnnotations = Object.keys(annotations ?? {}).flatMap((key) => {
      const at = `${path}.${kind}.annotations.${key}`;
      if (key.startsWith(ALB) && OUR_ALB_ANNOTATIONS.test(key.slice(ALB.length))) {
        return [{ path: at, message: 'is set by Groundwork' }];
      }
      return isKey(key) ? [] : [{ path: at, message: 'is not an annotation key' }];
    });
    return [...wrongLabels, ...wrongAnnotations];
  });
}

const KINDS: ReadonlySet<string> = new Set(['global', 'service', 'ingress', 'deployment', 'secret', 'pdb']);

/** Modifiers as a document or a text of JSON has them; undefined when they are of another shape. */
export function readModifiers(raw: unknown): ObjectModifiers | undefined {
  const given = typeof raw === 'string' ? parsed(raw) : raw;
  if (!isRecord(given)) return undefined;
  const right = Object.entries(given).every(
    ([kind, modifier]) => KINDS.has(kind) && (modifier === null || (isRecord(modifier) && isModifier(modifier))),
  );
  return right ? given : undefined;
}

function isModifier({ labels, annotations, tolerations, nodeselector }: Record<string, unknown>): boolean {
  const absent = (value: unknown) => value === undefined || value === null;
  const isTexts = (value: unknown) =>
    absent(value) || (isRecord(value) && Object.values(value).every((text) => typeof text === 'string'));
  const tolerates = absent(tolerations) || (Array.isArray(tolerations) && tolerations.every(isRecord));
  return tolerates && [labels, annotations, nodeselector].every(isTexts);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `name` or `prefix/name`, as Kubernetes takes keys of labels and annotations. */
function isKey(key: string): boolean {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (parts.length > 2 || name.length > 63 || !/^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name)) return false;
  return prefix === undefined || (prefix.length <= 253 && /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(prefix));
}

function isLabelValue(value: string): boolean {
  return value.length <= 63 && /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value);
}
