import { randomBytes } from 'node:crypto';

/** An identity that kube-apiserver knows by a bearer token. */
export interface KubernetesUser {
  /** How the sandbox calls it: names the kubeconfig file `<key>.kubeconfig`. */
  readonly key: string;
  /** How RBAC calls it. A service account is `system:serviceaccount:<namespace>:<name>`. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** May do everything, past RBAC. The sandbox's controllers and `kubectl` use it. */
export const ADMIN: KubernetesUser = { key: 'admin', name: 'admin', groups: ['system:masters'] };

/** A service account without a token controller: RBAC that is bound to the account applies to this token as it is. */
export function serviceAccount(key: string, namespace: string, name: string): KubernetesUser {
  return {
    key,
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
}

/** The worker, whose rights are what deploy/rbac gives to its service account, and no more. */
export const WORKER: KubernetesUser = serviceAccount('worker', 'groundwork', 'groundwork-worker');

export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** A line of the file for `--token-auth-file`: token, user name, user id, groups. */
export function tokenLine(user: KubernetesUser, token: string): string {
  return `${token},${user.name},${user.key},"${user.groups.join(',')}"`;
}

/** A kubeconfig for one user; `caFile` only for https. Plain http is accepted by the clients with `insecure`. */
export function kubeconfig(options: { server: string; user: string; token: string; caFile?: string }): string {
  const trust =
    options.caFile === undefined
      ? 'insecure-skip-tls-verify: true'
      : `certificate-authority: ${JSON.stringify(options.caFile)}`;
  return `apiVersion: v1
kind: Config
clusters:
  - name: sandbox
    cluster:
      server: ${options.server}
      ${trust}
users:
  - name: ${options.user}
    user:
      token: ${options.token}
contexts:
  - name: ${options.user}@sandbox
    context:
      cluster: sandbox
      user: ${options.user}
current-context: ${options.user}@sandbox
`;
}
