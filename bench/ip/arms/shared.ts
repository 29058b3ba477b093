/** What the process of the arms and who measures them agree upon. */

export const ARMS_QUEUE = 'bench-arms';

export interface Block {
  readonly uid: string;
  readonly cidr: string;
}

/** A block, and milliseconds until its caller had it. */
export interface Timed extends Block {
  readonly milliseconds: number;
}
