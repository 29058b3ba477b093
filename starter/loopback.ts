/**
 * Lets gRPC reach this machine and not a proxy when one is set for the internet: grpc-js sends 127.0.0.1 there, too. What is
 * exempt already stays so. Twice, or in a child process, is as once.
 */
export function exemptLoopback(env: Record<string, string | undefined>): void {
  if (!(env.grpc_proxy || env.https_proxy || env.http_proxy)) return;
  const exempt = (env.no_grpc_proxy || env.no_proxy)?.split(',') ?? [];
  env.no_grpc_proxy = [...new Set([...exempt, '127.0.0.1', 'localhost'])].join(',');
}
