/** A certificate of ACM and the names it is valid for (`example.com`, `*.example.com`). */
export interface Certificate {
  readonly arn: string;
  readonly domains: readonly string[];
}

/** Whether a name on a certificate covers the host: equal, or a wildcard that stands for exactly one label. */
export function covers(domain: string, host: string): boolean {
  const name = domain.toLowerCase();
  const wanted = host.toLowerCase();
  if (name === wanted) return true;
  if (!name.startsWith('*.')) return false;
  const dot = wanted.indexOf('.');
  return dot > 0 && wanted.slice(dot) === name.slice(1);
}

/** The ARNs that serve the hosts, without repeats. Throws for the first host without one. */
export function certificatesFor(hosts: readonly string[], certificates: readonly Certificate[]): string[] {
  const arns = new Set<string>();
  for (const host of hosts) {
    const found = certificates.filter(({ domains }) => domains.some((domain) => covers(domain, host)));
    if (found.length === 0) throw new Error(`no certificate found for host: ${host}`);
    for (const { arn } of found) arns.add(arn);
  }
  return [...arns];
}
