import type { DeploymentPlan } from '../../contract/deployment/status.ts';
import { sayRouting } from '../../domain/deployment/checklist.ts';
import { expectedRouting } from '../../domain/deployment/expected.ts';
import { routingObjects } from '../../domain/deployment/objects/routing.ts';
import { sideObjects } from '../../domain/deployment/objects/side.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import type { Routing } from '../../domain/deployment/rollout/routing.ts';
import { gatewayRef } from '../../domain/scope/dns-endpoint.ts';
import { prospect } from './beginning.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { isByGateway } from './gateway.ts';

type Applied = Exclude<Routing, { form: 'before' }>;

const alone: Applied = { form: 'single', side: 'green' };
const toGreen = (percent: number): Applied => ({ form: 'weighted', percent });

/** What a rollout would do: every object, the balancer, its load, and the expected rules after each step. Reads only. */
export async function planDeployment(
  deps: DeploymentDependencies,
  input: { request: DeploymentRequest },
): Promise<DeploymentPlan> {
  const { start, request, balancer, load, peak, warnings } = await prospect(deps, input.request);
  const { plan, shape } = start;
  const percents = plan.traffic.steps.map(({ percent }) => percent);
  const routings: Applied[] =
    plan.strategy === 'initial'
      ? [alone]
      : [toGreen(0), ...percents.map(toGreen), ...(percents.at(-1) === 100 ? [] : [toGreen(100)]), alone];
  const [first = alone] = routings;
  return {
    scopeId: request.scopeId,
    deploymentId: request.deploymentId,
    dryRun: true,
    strategy: request.strategy,
    ...(balancer ? { balancer: balancer.name } : {}),
    ...(isByGateway(request) ? { gateway: gatewayRef(request.scope.gateway) } : {}),
    ...(load ? { load } : {}),
    ...(peak ? { peak } : {}),
    objects: [...sideObjects(request), ...routingObjects(request, balancer?.name, shape, first)].map((object) => ({
      ...object,
    })),
    steps: routings.map((routing) => ({
      what: sayRouting(routing, plan),
      percent: routing.form === 'weighted' ? routing.percent : 100,
      expected: expectedRouting(shape, routing),
    })),
    warnings: [...request.warnings, ...warnings],
  };
}
