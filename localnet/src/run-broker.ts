// The built bundle and assets in workerd, as production runs them: without the proxies of `wrangler dev` or Vite, which
// slow a relay down many times over.
import { globSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions as readWorker } from 'wrangler'
import { announce, stopWith } from './child.ts'

const { BUNDLE = '', STATE = '', PORT = '0', BINDINGS = '{}' } = process.env
const { workerOptions, main } = readWorker(resolve(BUNDLE, 'cocoon/wrangler.json'))
if (!main) throw new Error('the bundle holds no worker: run the build first')
const { modulesRules: _, ...worker } = workerOptions
const root = dirname(main)
const others = globSync('**/*.js', { cwd: root }).map((file) => resolve(root, file))
const modules = [main, ...others.filter((file) => file !== main)].map((path) => ({ type: 'ESModule' as const, path }))

const broker = new Miniflare(
  convertV4MiniflareOptions({
    host: '127.0.0.1',
    port: Number(PORT),
    cf: false,
    telemetry: { enabled: false },
    resourcePersistencePath: resolve(STATE),
    workers: [
      {
        ...worker,
        name: 'cocoon',
        modulesRoot: root,
        modules,
        bindings: { ...(worker['bindings'] as object | undefined), ...(JSON.parse(BINDINGS) as object) },
      },
    ],
  }),
)
stopWith(() => broker.dispose())
announce((await broker.ready).origin)
