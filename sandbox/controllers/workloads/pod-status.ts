import type { V1ContainerState, V1ContainerStatus, V1PodCondition, V1PodStatus } from '@kubernetes/client-node';
import type { Container, Pod, Wire } from '../objects.ts';

type PodStatus = Wire<V1PodStatus>;
type ContainerStatus = Wire<V1ContainerStatus>;
type ContainerState = Wire<V1ContainerState>;
type Condition = Wire<V1PodCondition>;

/** What the simulated kubelet knows of a Pod; the first container is the one that fails, the others do as it does not. */
export interface PodView {
  phase: 'Pending' | 'Running';
  podIp?: string;
  ready: boolean;
  restarts: number;
  state: ContainerState;
  lastState?: ContainerState;
}

/** The status that the kubelet would write. Transition times stay while a condition keeps its value. Pure. */
export function podStatus(pod: Pod, view: PodView, node: { ip: string }, now: Date): PodStatus {
  const at = seconds(now);
  const before = new Map((pod.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const condition = (type: string, isTrue: boolean, reason?: string, message?: string): Condition => {
    const status = isTrue ? 'True' : 'False';
    const known = before.get(type);
    const lastTransitionTime = known?.status === status && known.lastTransitionTime ? known.lastTransitionTime : at;
    return { type, status, lastTransitionTime, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
  };
  const containers = pod.spec?.containers ?? [];
  const unready = `containers with unready status: [${containers.map(({ name }) => name).join(' ')}]`;
  const notReady = view.ready ? ([] as const) : (['ContainersNotReady', unready] as const);
  const started = view.phase === 'Running';
  return {
    phase: view.phase,
    hostIP: node.ip,
    startTime: pod.status?.startTime ?? at,
    ...(view.podIp === undefined ? {} : { podIP: view.podIp, podIPs: [{ ip: view.podIp }] }),
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', view.ready, ...notReady),
      condition('Ready', view.ready, ...notReady),
    ],
    containerStatuses: containers.map((container) => containerStatus(container, view)),
    ...(pod.spec?.initContainers && started
      ? { initContainerStatuses: pod.spec.initContainers.map((container) => completed(container, at)) }
      : {}),
  };
}

function containerStatus(container: Container, view: PodView): ContainerStatus {
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: view.restarts > 0 || view.state.running ? `sandbox://${container.image ?? ''}` : '',
    ready: view.ready,
    started: view.state.running !== undefined,
    restartCount: view.restarts,
    state: view.state,
    ...(view.lastState === undefined ? {} : { lastState: view.lastState }),
  };
}

function completed(container: Container, at: string): ContainerStatus {
  const state = { terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at } };
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: `sandbox://${container.image ?? ''}`,
    ready: true,
    restartCount: 0,
    state,
  };
}

/** An instant as Kubernetes writes it: whole seconds. */
export function seconds(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z');
}
