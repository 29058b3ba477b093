import { topWarnings } from '../events.ts';
import { containerCause } from '../explain.ts';
import { readProbe, sayMode } from '../probes.ts';
import { type Check, check, nameOf, nothingToCheck, verdict } from './check.ts';
import type { SeenPod } from './snapshot.ts';

/** Whether the instances of the scope run, are ready and have what they need. */

const running = (pods: readonly SeenPod[]) => pods.filter(({ status }) => status?.phase !== 'Succeeded');

/** Every container whose reason is one of `reasons`, or any when it is absent. */
function causes(pods: readonly SeenPod[], reasons?: readonly string[]) {
  return pods.flatMap((pod) =>
    [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].flatMap((container) => {
      const cause = containerCause(container);
      if (!cause || (reasons && !reasons.includes(cause.reason))) return [];
      const exit = cause.exitCode === undefined ? '' : `, exit code ${cause.exitCode}`;
      return [{ object: nameOf(pod), words: `container ${container.name}: ${cause.reason}${exit}` }];
    }),
  );
}

const CRASHES = [
  'CrashLoopBackOff',
  'BackOff',
  'Error',
  'OOMKilled',
  'RunContainerError',
  'ContainerCannotRun',
  'StartError',
];
const IMAGES = ['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull'];
const STORAGE = ['FailedMount', 'FailedAttachVolume'];

export const podChecks: readonly Check[] = [
  check('scope', 'pod_existence', ['pods', 'deployments'], ({ pods, deployments }) => {
    if (deployments.length === 0) return nothingToCheck('Deployment');
    const bad = deployments
      .filter((deployment) => (deployment.spec?.replicas ?? 1) > 0)
      .filter((deployment) => !pods.some(({ metadata }) => metadata?.labels?.name === nameOf(deployment)))
      .map((deployment) => ({ object: nameOf(deployment), words: 'has no pod' }));
    return verdict(
      bad,
      `${pods.length} pods found`,
      'failed',
      'see the events of the ReplicaSet: FailedCreate names the reason',
    );
  }),

  check('scope', 'container_crash_detection', ['pods'], ({ pods }) => {
    if (pods.length === 0) return nothingToCheck('pod');
    return verdict(causes(pods, CRASHES), 'no container crashes', 'failed', 'read the start-up logs of the container');
  }),

  check('scope', 'image_pull_status', ['pods'], ({ pods }) => {
    if (pods.length === 0) return nothingToCheck('pod');
    return verdict(causes(pods, IMAGES), 'every image was pulled', 'failed', 'check image name, tag and pull secrets');
  }),

  check('scope', 'memory_limits_check', ['pods'], ({ pods }) => {
    if (pods.length === 0) return nothingToCheck('pod');
    const killed = causes(pods, ['OOMKilled']);
    if (killed.length > 0) return verdict(killed, '', 'failed', 'raise the memory limit, or use less memory');
    const unlimited = pods.flatMap((pod) =>
      (pod.spec?.containers ?? [])
        .filter(({ resources }) => !resources?.limits?.memory)
        .map(({ name }) => ({ object: nameOf(pod), words: `container ${name} has no memory limit` })),
    );
    return verdict(unlimited, 'no container was killed for memory', 'warning', 'set memoryMiLimit');
  }),

  check('scope', 'pod_readiness', ['pods'], ({ pods }) => {
    const own = running(pods);
    if (own.length === 0) return nothingToCheck('pod');
    const bad = own.flatMap((pod) => {
      const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready?.status === 'True') return [];
      return [{ object: nameOf(pod), words: `is not ready${ready?.reason ? `: ${ready.reason}` : ''}` }];
    });
    const status = bad.length === own.length ? 'failed' : 'warning';
    return verdict(bad, `${own.length} of ${own.length} pods are ready`, status, 'see container states and probes');
  }),

  check('scope', 'resource_availability', ['pods'], ({ pods }) => {
    if (pods.length === 0) return nothingToCheck('pod');
    const bad = pods.flatMap((pod) => {
      const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
      return scheduled?.status === 'False'
        ? [{ object: nameOf(pod), words: `is not scheduled: ${scheduled.message ?? scheduled.reason ?? ''}` }]
        : [];
    });
    return verdict(bad, 'every pod has a node', 'failed', 'lower the requests, add nodes, or review the selectors');
  }),

  check('scope', 'storage_mounting', ['events'], ({ events }) => {
    const bad = events
      .filter(({ type, reason }) => type === 'Warning' && STORAGE.includes(reason ?? ''))
      .map(({ involvedObject, message }) => ({ object: involvedObject?.name ?? '', words: message ?? '' }));
    return verdict(bad, 'every volume is mounted', 'failed', 'the PVC, Secret or ConfigMap must exist');
  }),

  check('scope', 'container_port_health', ['pods'], ({ pods }) => {
    if (pods.length === 0) return nothingToCheck('pod');
    const bad = pods.flatMap((pod) =>
      (pod.status?.containerStatuses ?? [])
        .filter(({ state, ready }) => state?.running !== undefined && ready === false)
        .map(({ name }) => {
          const ports = pod.spec?.containers?.find((container) => container.name === name)?.ports ?? [];
          const words = `container ${name} runs and does not answer on ${ports.map((port) => port.containerPort).join(', ') || 'its port'}`;
          return { object: nameOf(pod), words };
        }),
    );
    return verdict(
      bad,
      'every running container answers on its ports',
      'failed',
      'bind 0.0.0.0 and the port of the workload',
    );
  }),

  check('scope', 'health_probe_endpoints', ['pods', 'events'], ({ pods, events }) => {
    if (pods.length === 0) return nothingToCheck('pod');
    const names = new Set(pods.map(nameOf));
    const failing = events.filter(
      ({ reason, involvedObject }) => reason === 'Unhealthy' && names.has(involvedObject?.name ?? ''),
    );
    const bad = failing.map(({ involvedObject, message = '' }) => {
      const probe = readProbe(message);
      const words = probe ? `${probe.kind} probe on ${probe.path || '/'}: ${sayMode(probe)}` : message;
      return { object: involvedObject?.name ?? '', words };
    });
    return verdict(bad, 'no probe fails', 'warning', 'the health path must answer 2xx in time');
  }),

  check('logs', 'application_log_evidence', ['logs', 'events'], ({ logs, events }) => {
    const noisy = logs.filter(({ errors }) => errors > 0);
    const warnings = topWarnings(events);
    const bad = noisy.map(({ pod, container, lines, errors }) => ({
      object: pod,
      words: `container ${container}: ${errors} of ${lines} recent lines look like errors`,
    }));
    const finding = verdict(
      bad,
      `no error in the recent logs of ${logs.length} containers`,
      'warning',
      'read the logs of these containers',
    );
    return { ...finding, details: { ...finding.details, warnings } };
  }),
];
