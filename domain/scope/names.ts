import type { Scheme, ScopeSlugs, Visibility } from '../../contract/scope/input.ts';
import { sha256Bytes, sha256Hex } from '../canonical.ts';

/** Names made from slugs (specs: scope creation, section 3). Equal input gives equal output; nothing is random. */

const LABEL_VALUE_LENGTH = 63;
const DOMAIN_LABEL_LENGTH = 57;
/** What {@link cutLabelValue} makes a value of a label from. */
const LABEL_VALUE = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;

/** Cut to 63 characters, then from its end until it ends alphanumeric. */
export function cutLabelValue(value: string): string {
  return value.slice(0, LABEL_VALUE_LENGTH).replace(/[^a-zA-Z0-9]+$/, '');
}

/** Five letters from the first five bytes of SHA-256 of the uncut label. */
export function fiveLetters(label: string): string {
  return [...sha256Bytes(label).slice(0, 5)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');
}

/** `<namespace>-<application>-<last>` cut to 57 characters, then `-` and five letters: at most 63 characters. */
export function hostLabel(slugs: Pick<ScopeSlugs, 'namespace' | 'application'>, last: string): string {
  const label = `${slugs.namespace}-${slugs.application}-${last}`;
  return `${label.slice(0, DOMAIN_LABEL_LENGTH).replace(/[-.]+$/, '')}-${fiveLetters(label)}`;
}

export interface DomainSuffix {
  /** Base domain, for example `apps.example.com`. */
  base: string;
  /** Account slug between label and base; absent when `applicationDomain` is off. */
  account?: string | undefined;
}

/** The generated domain of a scope. */
export function scopeDomain(slugs: ScopeSlugs, suffix: DomainSuffix): string {
  return [hostLabel(slugs, slugs.scope), suffix.account, suffix.base].filter((part) => part !== undefined).join('.');
}

/** The keeper's host: the domain formula with the balancer name in place of the scope slug. */
export function keeperHost(slugs: ScopeSlugs, balancer: string, suffix: DomainSuffix): string {
  return [hostLabel(slugs, balancer), suffix.account, suffix.base].filter((part) => part !== undefined).join('.');
}

export interface BalancerKey {
  prefix: string;
  visibility: Visibility;
  region: string;
  scheme: Scheme;
  scopeId: string;
}

/** Name of the balancer that a scope would create; `salt` grows only when the name is taken by something not ours to use. */
export function autocreatedBalancerName(key: BalancerKey, salt = 0): string {
  const subject = `${key.region}/${key.scheme}/${key.scopeId}${salt === 0 ? '' : `/${salt}`}`;
  return `${key.prefix}${key.visibility}-${sha256Hex(subject).slice(0, 6)}`;
}

/** What is wrong with an autocreate prefix, or undefined. 18 + `private-` (8) + 6 hex digits are the 32 that AWS allows. */
export function prefixProblem(prefix: string): string | undefined {
  if (!/^[a-z0-9-]+$/.test(prefix)) return `"${prefix}" may contain only a-z, 0-9 and "-"`;
  if (prefix.length > 18) return `"${prefix}" has ${prefix.length} characters, at most 18 are allowed`;
  if (prefix.startsWith('-')) return `"${prefix}" may not begin with "-"`;
  if (prefix.startsWith('internal-')) return `"${prefix}" may not begin with "internal-", which AWS reserves`;
  return undefined;
}

/** What is wrong with the name of a balancer, or undefined. It is also a group name of the load balancer controller. */
export function balancerNameProblem(name: string): string | undefined {
  if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) {
    return `"${name}" may contain only a-z, 0-9 and "-", and must begin and end with a letter or digit`;
  }
  if (name.length > 32) return `"${name}" has ${name.length} characters, at most 32 are allowed`;
  if (name.startsWith('internal-')) return `"${name}" may not begin with "internal-", which AWS reserves`;
  return undefined;
}

/** What is wrong with an RFC 1123 label, or undefined: Kubernetes takes such as the name of a namespace. */
export function kubernetesLabelProblem(name: string): string | undefined {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return undefined;
  return `must be 1 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit, got "${name}"`;
}

/** What `<brand>-autocreate` leaves of the 63 characters of a label's key. */
const LONGEST_BRAND = 52;

/** What is wrong with a brand, or undefined. It is a namespace, the key of labels and the first part of names. */
export function brandProblem(brand: string): string | undefined {
  if (brand.length > LONGEST_BRAND)
    return `"${brand}" has ${brand.length} characters, at most ${LONGEST_BRAND} are allowed`;
  return kubernetesLabelProblem(brand);
}

const NRN_KEYS = ['account', 'namespace', 'application'] as const;

type NrnIds = { [K in (typeof NRN_KEYS)[number]]?: string };

/** Ids of account, namespace and application in an NRN (`key=id:key=id:...`). */
export function nrnIds(nrn: string | undefined): NrnIds {
  const pairs = new Map(
    (nrn ?? '').split(':').map((pair) => {
      const [key, ...id] = pair.split('=');
      return [key, id.join('=')];
    }),
  );
  const ids: NrnIds = {};
  for (const key of NRN_KEYS) {
    const id = pairs.get(key);
    if (id) ids[key] = id;
  }
  return ids;
}

/** What is wrong with an NRN, or undefined: its ids become values of labels. */
export function nrnProblem(nrn: string | undefined): string | undefined {
  const [key, id] = Object.entries(nrnIds(nrn)).find(([, value]) => !LABEL_VALUE.test(value)) ?? [];
  if (key === undefined) return undefined;
  return `the id of the ${key}, "${id}", may contain only letters, digits, ".", "_" and "-", and must begin with a letter or digit`;
}
