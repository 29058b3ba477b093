/** Host names: the domain of a scope and its additional domains. */

export const LONGEST_HOST = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Lower case, without the trailing dot. */
export function normalizeHost(host: string): string {
  return host.trim().toLowerCase().replace(/\.$/, '');
}

export const isDnsLabel = (label: string): boolean => LABEL.test(label);

/** What is wrong with a normalised host name, or undefined. A wildcard is allowed as the whole first label only. */
export function hostProblem(host: string): string | undefined {
  if (host.length === 0) return 'is empty';
  if (host.length > LONGEST_HOST) return `has ${host.length} characters, at most ${LONGEST_HOST} are allowed`;
  const labels = host.split('.');
  if (labels.length < 2) return `"${host}" has no domain: at least two labels are needed`;
  for (const [index, label] of labels.entries()) {
    if (label === '*') {
      if (index === 0 && labels.length > 2) continue;
      return `"${host}" has a wildcard that is not the first label of a domain`;
    }
    if (!isDnsLabel(label)) return `"${host}" has the label "${label}", which is not a valid DNS label`;
  }
  return undefined;
}

/** Whether `host` is `base` or lies below it, by whole labels. */
export function isWithin(host: string, base: string): boolean {
  return host === base || host.endsWith(`.${base}`);
}

/** The domain above the first label: a certificate for `*.<parent>` covers the host. */
export function parentDomain(host: string): string {
  return host.slice(host.indexOf('.') + 1);
}

/** Route 53's stored form of a name read back as we write it: lower case, `\052` is `*`, no trailing dot. */
export function fromRoute53Name(name: string): string {
  const unescaped = name.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return normalizeHost(unescaped);
}

/** DNS name of a balancer as records may spell it: case, trailing dot and `dualstack.` do not matter. */
export function balancerDnsName(name: string): string {
  return fromRoute53Name(name).replace(/^dualstack\./, '');
}
