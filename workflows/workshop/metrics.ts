import { metricMeter } from '@temporalio/workflow';
import type { OperationResult } from '../../contract/workshop/status.ts';
import { shownUtilization } from '../../domain/workshop/status.ts';
import type { AutoscalerRun, Look } from './run.ts';

/**
 * Metrics of the autoscalers, next to those of the SDK; not counted again on replay. Labels: provision, reason, result. Made
 * when they are used: this module is loaded before any run exists.
 */

const decisions = () => metricMeter.createCounter('groundwork_workshop_decisions', undefined, 'Decisions by reason');
const operations = () =>
  metricMeter.createCounter('groundwork_workshop_operations', undefined, 'Ended operations by result');
const conflicts = () =>
  metricMeter.createCounter('groundwork_workshop_conflicts', undefined, 'Count writes that met a conflict');
const waited = () =>
  metricMeter.createHistogram(
    'groundwork_workshop_threshold_to_write',
    'float',
    'seconds',
    'From the first look that asked for growth to the count write',
  );
const desired = () =>
  metricMeter.createGauge(
    'groundwork_workshop_desired_count',
    'int',
    undefined,
    'Count that is wanted: the target of a decision or operation, else the count',
  );
const current = () =>
  metricMeter.createGauge('groundwork_workshop_current_count', 'int', undefined, 'Count of a provision');
const inFlight = () =>
  metricMeter.createGauge(
    'groundwork_workshop_in_flight_claims',
    'int',
    undefined,
    'Claims of a provision on their way',
  );
const utilization = () =>
  metricMeter.createGauge('groundwork_workshop_utilization', 'float', undefined, 'Assigned seats by all seats, 0 to 1');

export function measureLook(run: AutoscalerRun, { decision }: Look): void {
  const { namespace, name } = run.address;
  const labels = { namespace, provision: name };
  const { inputs, reason, target } = decision;
  decisions().add(1, { namespace, reason });
  current().set(inputs.count, labels);
  desired().set(run.state.operation?.target ?? target ?? inputs.count, labels);
  inFlight().set(inputs.inFlightClaims, labels);
  utilization().set(shownUtilization(decision), labels);
}

/** The run is over: nobody looks at its provision any more. */
export function measureOver({ address: { namespace, name } }: AutoscalerRun): void {
  utilization().set(shownUtilization(undefined), { namespace, provision: name });
}

export function measureWrite({ askedSince }: AutoscalerRun): void {
  if (askedSince !== undefined) waited().record((Date.now() - askedSince) / 1000);
}

export function measureConflict({ address }: AutoscalerRun): void {
  conflicts().add(1, { namespace: address.namespace });
}

export function measureEnd({ address }: AutoscalerRun, result: OperationResult): void {
  operations().add(1, { namespace: address.namespace, result });
}
