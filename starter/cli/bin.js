#!/usr/bin/env node
// The `groundwork` command: the compiled program where there is one (an installed package, a checkout after
// `npm run build`), otherwise the sources.
import { existsSync } from 'node:fs';

// The SDK's notice about Node 20 from 2027 on is for us (docs/dependencies.md), not for each command's output.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const compiled = new URL('../../dist/starter/cli/main.js', import.meta.url);
if (existsSync(compiled)) {
  await import(compiled.href);
} else {
  const { ensureDependencies } = await import('../../tools/ensure-dependencies.mjs');
  await ensureDependencies();
  const { register } = await import('tsx/esm/api');
  register();
  await import(new URL('./main.ts', import.meta.url).href);
}
