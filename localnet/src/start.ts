// `npm start`: the whole system on this machine, until Ctrl-C.
import { announceRunning, startSystem, type System } from './system.ts'

const began = performance.now()
const verbose = process.argv.includes('--verbose')
const port = Number(process.env['PORT'] ?? 0)
console.log('starting Cocoon on this machine ...')

let system: System | undefined
let withdraw = (): void => undefined
let leaving = false
async function leave(code: number): Promise<void> {
  // A second Ctrl-C does not wait: the supervisor's exit handler ends every process.
  if (leaving) process.exit(code || 1)
  leaving = true
  withdraw()
  await (system ?? (await starting.catch(() => undefined)))?.stop()
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.on(signal, () => void leave(0))

const starting = startSystem({
  port,
  chain: true,
  attested: true,
  line: (name, text) => {
    if (verbose) console.log(`  ${name.padEnd(8)} ${text}`)
  },
  failed: (how) => {
    console.error(how)
    void leave(1)
  },
})
try {
  system = await starting
  const deployment = await system.chain?.deployment()
  withdraw = announceRunning(system.origin)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`
  broker   ${system.origin}  (Hono in workerd; Mini App and API on one origin)
  node     answers with the demonstration model; attested by a simulated TDX machine, so not private
  chain    ${system.chain?.endpoint}  (toncenter v2; a block every 2 s)
           Registry ${deployment?.registry}
  makers   ${system.makers}  (simulated Intel, AMD, NVIDIA, and the owners of the registry)
  state    ${system.state}  (removed at the end)

  open     ${system.telegram}        as Telegram would open it; add ?theme=dark for dark
  ask      npm run ask -- "How does my question stay private?"

  up in ${seconds} s; Ctrl-C stops everything${verbose ? '' : ', --verbose shows every log'}
`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  await leave(1)
}
