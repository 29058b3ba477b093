import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
  type TargetDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { KubeClient } from '../client.ts';
import { isConflict, isNotFound } from '../client.ts';
import {
  canonicalJson,
  isBeingDeleted,
  isReady,
  type KubeObject,
  type Pod,
  pathOf,
  pathTo,
  type Resource,
  type Service,
  selects,
} from '../objects.ts';
import type { Reflector } from '../watch.ts';
import { call, type Elb, hasCode } from './deploy/aws.ts';
import { type GroupId, isExplicit } from './groups.ts';
import type { TargetGroupSpec } from './model/stack.ts';
import { findPort } from './model/target-groups.ts';

/** The instance behind the one simulated node, for targets of type `instance`. */
export const NODE_INSTANCE_ID = 'i-0a1b2c3d4e5f60718';

const bindingResource: Resource = {
  group: 'elbv2.k8s.aws',
  version: 'v1beta1',
  plural: 'targetgroupbindings',
  kind: 'TargetGroupBinding',
  namespaced: true,
};

interface TargetGroupBinding extends KubeObject {
  spec: { targetGroupARN: string };
}

/** Which Pods belong into which target group, and the calls that make it so. One target group is worked on at a time (by its queue). */
export class TargetBindings {
  readonly #elb: Elb;
  readonly #services: Reflector<Service>;
  readonly #pods: Reflector<Pod>;
  readonly #bound = new Map<string, TargetGroupSpec>();

  constructor(options: { elb: Elb; services: Reflector<Service>; pods: Reflector<Pod> }) {
    this.#elb = options.elb;
    this.#services = options.services;
    this.#pods = options.pods;
  }

  /** Answers whether the target group may want other targets than before; the real one looks at a binding that changed, too. */
  bind(arn: string, spec: TargetGroupSpec): boolean {
    const before = this.#bound.get(arn);
    this.#bound.set(arn, spec);
    return before === undefined || bindingOf(before) !== bindingOf(spec);
  }

  unbind(arn: string): void {
    this.#bound.delete(arn);
  }

  all(): string[] {
    return [...this.#bound.keys()];
  }

  /** The target groups of a Service. */
  ofService(namespace: string | undefined, service: string): string[] {
    return this.#where(({ binding }) => binding.namespace === namespace && binding.service === service);
  }

  /** The target groups that the Pod is or was a target of. */
  ofPod(pod: Pod): string[] {
    return this.#where(({ binding }) => {
      if (binding.namespace !== pod.metadata.namespace) return false;
      return selects(this.#services.get(binding.namespace, binding.service)?.spec?.selector, pod.metadata.labels);
    });
  }

  #where(accepts: (spec: TargetGroupSpec) => boolean): string[] {
    return [...this.#bound].filter(([, spec]) => accepts(spec)).map(([arn]) => arn);
  }

  /** Registers the ready Pods of the Service and deregisters every other target; AWS drains those for its deregistration delay. */
  async reconcile(arn: string): Promise<void> {
    const spec = this.#bound.get(arn);
    if (!spec) return;
    const service = this.#services.get(spec.binding.namespace, spec.binding.service);
    const wanted = service ? targetsOf(spec, service, this.#pods.values()) : [];
    let health: Awaited<ReturnType<typeof this.health>>;
    try {
      health = await this.health(arn);
    } catch (error) {
      // Deleted between a Pod's event and now; the group's reconciliation knows.
      if (hasCode(error, 'TargetGroupNotFound')) return;
      throw error;
    }
    const actual = health.filter(({ state }) => state !== 'draining').map(({ target }) => target);
    const missing = difference(wanted, actual);
    const surplus = difference(actual, wanted);
    const TargetGroupArn = arn;
    if (surplus.length > 0) {
      await call('DeregisterTargets', () =>
        this.#elb.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets: surplus })),
      );
    }
    if (missing.length > 0) {
      await call('RegisterTargets', () =>
        this.#elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: missing })),
      );
    }
  }

  private async health(arn: string): Promise<{ target: TargetDescription; state: string }[]> {
    const answer = await call('DescribeTargetHealth', () =>
      this.#elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: arn })),
    );
    return (answer.TargetHealthDescriptions ?? []).flatMap(({ Target, TargetHealth }) =>
      Target ? [{ target: { Id: Target.Id, Port: Target.Port }, state: TargetHealth?.State ?? '' }] : [],
    );
  }
}

const bindingOf = ({ binding, targetType }: TargetGroupSpec) => canonicalJson({ binding, targetType });

/** What of a Pod decides whether, where and of what it is a target. */
export function targetPartOf(pod: Pod): string {
  return canonicalJson([pod.metadata.labels ?? {}, pod.status?.podIP ?? '', isReady(pod), isBeingDeleted(pod)]);
}

const text = ({ Id, Port }: TargetDescription) => `${Id}:${Port}`;

function difference(of: readonly TargetDescription[], without: readonly TargetDescription[]): TargetDescription[] {
  const known = new Set(without.map(text));
  return of.filter((target) => !known.has(text(target)));
}

/** The targets that a Service's ready Pods are. Throws when the Service cannot have targets of this type. */
export function targetsOf(spec: TargetGroupSpec, service: Service, pods: readonly Pod[]): TargetDescription[] {
  const port = findPort(service, spec.binding.port);
  const ready = pods.filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      selects(service.spec?.selector, pod.metadata.labels) &&
      !isBeingDeleted(pod) &&
      pod.status?.podIP !== undefined &&
      isReady(pod),
  );
  if (spec.targetType === 'instance') {
    if (port.nodePort === undefined) {
      throw new Error(
        `service type must be either 'NodePort' or 'LoadBalancer': ${service.metadata.namespace}/${service.metadata.name}`,
      );
    }
    // Every node forwards the node port, whether or not a Pod runs on it.
    return [{ Id: NODE_INSTANCE_ID, Port: port.nodePort }];
  }
  return ready.flatMap((pod) => {
    const targetPort = port.targetPort ?? port.port;
    const number =
      typeof targetPort === 'number'
        ? targetPort
        : pod.spec?.containers.flatMap(({ ports }) => ports ?? []).find(({ name }) => name === targetPort)
            ?.containerPort;
    return number === undefined ? [] : [{ Id: pod.status?.podIP, Port: number }];
  });
}

/** Keeps one TargetGroupBinding object for each target group of a group of Ingresses; does nothing in a cluster without that kind. */
export async function syncBindingObjects(
  client: KubeClient,
  group: GroupId,
  bound: readonly { arn: string; spec: TargetGroupSpec }[],
): Promise<void> {
  const labels = stackLabels(group);
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  let existing: TargetGroupBinding[];
  try {
    existing = (await client.list<TargetGroupBinding>(bindingResource, { labelSelector })).items ?? [];
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  for (const object of existing) {
    if (bound.some(({ arn }) => arn === object.spec.targetGroupARN)) continue;
    await client.remove(pathTo(bindingResource, object)).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
  for (const { arn, spec } of bound) {
    if (existing.some((object) => object.spec.targetGroupARN === arn)) continue;
    const { namespace, service, port } = spec.binding;
    await client
      .create(pathOf(bindingResource, namespace), {
        apiVersion: 'elbv2.k8s.aws/v1beta1',
        kind: 'TargetGroupBinding',
        metadata: { name: spec.name, namespace, labels },
        spec: {
          targetGroupARN: arn,
          targetType: spec.targetType,
          serviceRef: { name: service, port },
          ipAddressType: 'ipv4',
        },
      })
      .catch((error: unknown) => {
        if (!isConflict(error)) throw error;
      });
  }
}

function stackLabels(group: GroupId): Record<string, string> {
  if (isExplicit(group)) return { 'ingress.k8s.aws/stack': group };
  const [namespace = '', name = ''] = group.split('/');
  return { 'ingress.k8s.aws/stack-namespace': namespace, 'ingress.k8s.aws/stack-name': name };
}
