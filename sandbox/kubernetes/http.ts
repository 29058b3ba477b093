import { readFile } from 'node:fs/promises';
import https from 'node:https';

/** The answer of kube-apiserver to one plain request. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** One request to kube-apiserver over TLS; for readiness, before any client library is loaded. */
export async function apiRequest(options: {
  readonly server: string;
  readonly caFile: string;
  readonly path: string;
  readonly token?: string;
  readonly timeoutMs?: number;
}): Promise<ApiAnswer> {
  const ca = await readFile(options.caFile);
  const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  return new Promise((resolve, reject) => {
    const request = https.get(new URL(options.path, options.server), { ca, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.setTimeout(options.timeoutMs ?? 2_000, () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}
