// `npm run build`: what production runs, in dist/.
import { join } from 'node:path';
import { buildDist } from './build-dist.ts';
import { ROOT } from './checks.ts';

try {
  const { copied, bundle } = await buildDist(join(ROOT, 'dist'));
  console.log(`dist/ is built: ${copied} files copied, workflow bundle ${(bundle / 1_000_000).toFixed(1)} MB`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
