/** What setup and doctor find, for people and machines. */

/** Kind of trouble; the command line turns it into its exit code of the same name. */
export type Trouble = 'usage' | 'notFound' | 'conflict' | 'forbidden' | 'unavailable' | 'unexpected';

export interface Finding {
  /** What was looked at, for example "Kubernetes: patch ingresses". */
  subject: string;
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  message: string;
  /** What to do about it. */
  remedy?: string;
  /** Present when `state` is `failed`. */
  trouble?: Trouble;
}

/** Something that setup could not do. */
export class SetupError extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}

export const ok = (subject: string, message: string): Finding => ({ subject, state: 'ok', message });

export const warning = (subject: string, message: string, remedy: string): Finding => ({
  subject,
  state: 'warning',
  message,
  remedy,
});

export const skipped = (subject: string, message: string): Finding => ({ subject, state: 'skipped', message });

export const failed = (subject: string, trouble: Trouble, message: string, remedy: string): Finding => ({
  subject,
  state: 'failed',
  message,
  remedy,
  trouble,
});
