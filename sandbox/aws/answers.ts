import { ELB_NAMESPACE } from './elbv2/router.ts';
import { DNS_NAMESPACE } from './route53/router.ts';
import { STS_NAMESPACE } from './sts.ts';
import { xmlDocument } from './xml.ts';

export type Service = 'elbv2' | 'route53' | 'sts';

/** What goes back on the wire. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  errorCode?: string;
}

const NAMESPACES: Record<Service, string> = { elbv2: ELB_NAMESPACE, route53: DNS_NAMESPACE, sts: STS_NAMESPACE };

export const xmlAnswer = (
  status: number,
  requestId: string,
  body: string,
  headers: Record<string, string> = {},
): Answer => ({
  status,
  headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId, ...headers },
  body,
});

/** An error in the form that all three services share today. */
export function errorAnswer(
  service: Service,
  requestId: string,
  error: { code: string; status: number; message: string },
): Answer {
  const document = xmlDocument('ErrorResponse', NAMESPACES[service], {
    Error: { Type: error.status < 500 ? 'Sender' : 'Receiver', Code: error.code, Message: error.message },
    RequestId: requestId,
  });
  return { ...xmlAnswer(error.status, requestId, document), errorCode: error.code };
}

/** The beginning of a success without content, for a body that is cut before the request has taken effect. */
export const emptySuccess = (service: Service, action: string, requestId: string): Answer =>
  xmlAnswer(
    200,
    requestId,
    xmlDocument(`${action}Response`, NAMESPACES[service], {
      [`${action}Result`]: { ResponseMetadata: { RequestId: requestId } },
    }),
  );
