/** An error answer of an AWS service: `code` is the wire code, without the `Exception` suffix that the SDK adds. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A parameter that breaks a constraint of the ELBv2 API. */
export const validationError = (message: string) => new AwsError('ValidationError', message);

export const throttlingError = () => new AwsError('Throttling', 'Rate exceeded');
