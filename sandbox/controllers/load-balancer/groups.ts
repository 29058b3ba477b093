import { type Ingress, type IngressClass, isBeingDeleted } from '../objects.ts';
import { annotation, integerOf } from './annotations.ts';

/** The `controller` of the IngressClasses that belong to this controller. */
export const INGRESS_CONTROLLER = 'ingress.k8s.aws/alb';
const EXPLICIT_FINALIZER = 'group.ingress.k8s.aws/';
const IMPLICIT_FINALIZER = 'ingress.k8s.aws/resources';
const GROUP_NAME = /^([a-z0-9][-a-z0-9.]*)?[a-z0-9]$/;

/**
 * A group of Ingresses that share one balancer, as its id: the `group.name` of an explicit group, `namespace/name` of an Ingress on its own (no group name has a
 * slash). The id is also the value of the stack tag.
 */
export type GroupId = string;

/** A group name that the controller refuses. */
export class InvalidGroupName extends Error {}

export function isExplicit(group: GroupId): boolean {
  return !group.includes('/');
}

export function finalizerOf(group: GroupId): string {
  return isExplicit(group) ? EXPLICIT_FINALIZER + group : IMPLICIT_FINALIZER;
}

/** Whether the Ingress is this controller's, by its class. A class named `alb` needs no IngressClass object here. */
export function isOurs(ingress: Ingress, classes: readonly IngressClass[]): boolean {
  const legacy = ingress.metadata.annotations?.['kubernetes.io/ingress.class'];
  if (legacy !== undefined) return legacy === 'alb';
  const name = ingress.spec?.ingressClassName;
  if (name === undefined) return false;
  const found = classes.find((candidate) => candidate.metadata.name === name);
  return found ? found.spec?.controller === INGRESS_CONTROLLER : name === 'alb';
}

/** The group that the Ingress asks for, undefined when it is not (or no longer) the controller's. Throws `InvalidGroupName`. */
export function wantedGroup(ingress: Ingress, classes: readonly IngressClass[]): GroupId | undefined {
  if (isBeingDeleted(ingress) || !isOurs(ingress, classes)) return undefined;
  const name = annotation(ingress, 'group.name');
  if (name === undefined) return `${ingress.metadata.namespace}/${ingress.metadata.name}`;
  if (name.length > 63) {
    throw new InvalidGroupName(`invalid ingress group: groupName must be no more than 63 characters: ${name}`);
  }
  if (!GROUP_NAME.test(name)) {
    throw new InvalidGroupName(
      `invalid ingress group: groupName must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character: ${name}`,
    );
  }
  return name;
}

/** The groups whose finalizer the Ingress carries: the ones that have or had to do with it. */
export function groupsByFinalizer(ingress: Ingress): GroupId[] {
  return (ingress.metadata.finalizers ?? []).flatMap((finalizer) => {
    if (finalizer === IMPLICIT_FINALIZER) return [`${ingress.metadata.namespace}/${ingress.metadata.name}`];
    return finalizer.startsWith(EXPLICIT_FINALIZER) ? [finalizer.slice(EXPLICIT_FINALIZER.length)] : [];
  });
}

export interface Group {
  id: GroupId;
  /** In the order in which their rules are laid out: by `group.order`, then by `namespace/name`. */
  members: Ingress[];
  /** Ingresses that left the group (deleted, moved, another class) and still carry its finalizer. */
  leaving: Ingress[];
}

/** The group as the Ingresses of the cluster make it. Throws when a `group.order` is malformed. */
export function loadGroup(id: GroupId, ingresses: readonly Ingress[], classes: readonly IngressClass[]): Group {
  const members: { ingress: Ingress; order: number; name: string }[] = [];
  const leaving: Ingress[] = [];
  for (const ingress of ingresses) {
    if (belongsTo(id, ingress, classes)) {
      const name = `${ingress.metadata.namespace}/${ingress.metadata.name}`;
      members.push({ ingress, order: orderOf(ingress, id), name });
    } else if (groupsByFinalizer(ingress).includes(id)) leaving.push(ingress);
  }
  members.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  return { id, members: members.map(({ ingress }) => ingress), leaving };
}

function belongsTo(id: GroupId, ingress: Ingress, classes: readonly IngressClass[]): boolean {
  try {
    return wantedGroup(ingress, classes) === id;
  } catch {
    return false;
  }
}

function orderOf(ingress: Ingress, group: GroupId): number {
  if (!isExplicit(group)) return 0;
  const order = integerOf(annotation(ingress, 'group.order'), 'group.order', 0);
  if (order < -1000 || order > 1000)
    throw new Error(`explicit ingress group order must be within [-1000:1000], but was ${order}`);
  return order;
}
