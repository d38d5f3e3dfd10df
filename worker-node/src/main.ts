import { createSigner, networks, secureRandom } from '@cocoon/protocol'
import { AttestationError } from './attesters/attester.ts'
import type { NodeEvidence, NodeEvidenceOptions } from './attesters/node-evidence.ts'
import { isHelp, runCommand } from './commands.ts'
import { ConfigError, offerOf, readSettings, REQUEST_LIMIT, type Settings } from './config.ts'
import { type Engine, EngineError } from './engine/engine.ts'
import { MeteredEngine } from './engine/metered.ts'
import { serveControl } from './control.ts'
import { measureModels, startEngines } from './engines.ts'
import { countedLog, createLog } from './log.ts'
import { EngineCheck, serveHealth, type Unready } from './health.ts'
import { Meter } from './meter.ts'
import { metricsText } from './metrics.ts'
import { WorkerNode } from './node.ts'
import { systemClock } from './prekeys.ts'
import { type Reload, reoffer } from './reload.ts'
import { type NodeStatus, statusOf } from './status.ts'

/** What a private node shows; an open one does not even load what it would take. */
async function startEvidence(options: NodeEvidenceOptions): Promise<NodeEvidence | null> {
  if (options.settings.attester === 'none') return null
  const { startNodeEvidence } = await import('./attesters/node-evidence.ts')
  return startNodeEvidence(options)
}

/** Tells whoever watches this machine how the node is; undefined where nobody asked for that. */
async function startHealth(
  settings: Settings,
  engine: Engine,
  nodeOf: () => WorkerNode | undefined,
  metrics: () => string,
) {
  const { 'health-port': port, 'health-host': host } = settings
  if (port === undefined) return undefined
  const check = new EngineCheck(engine, () => systemClock.monotonic())
  const unready = async (): Promise<Unready[]> => {
    const reasons: Unready[] = []
    const node = nodeOf()
    if (node?.draining) reasons.push('draining')
    if (!node?.up) reasons.push('link-down')
    if (!(await check.answers())) reasons.push('engine-silent')
    return reasons
  }
  try {
    return await serveHealth({ host, port, unready, metrics: settings.metrics === 'on' ? metrics : undefined })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be listened on'
    throw new ConfigError(`--health-port: ${why}`, { cause })
  }
}

/** `worker-node run`: the daemon, until it is told to stop. */
async function run(args: readonly string[]): Promise<void> {
  const settings = readSettings(args, process.env)
  const { models } = settings
  const meter = new Meter(
    models.map(({ model }) => model),
    () => systemClock.monotonic(),
  )
  const log = countedLog(
    createLog(settings.log, (line) => console.log(line), Date.now),
    meter,
  )
  const started = await startEngines(models)
  const engine = new MeteredEngine(started.engine, meter)
  const monotonic = (): number => systemClock.monotonic()
  const speeds = settings.benchmark === 'on' ? await measureModels(started, monotonic, log) : new Map<string, number>()
  const signer = await createSigner()
  const evidence = await startEvidence({
    settings,
    engine: {
      models: models.map(({ model }) => model),
      engine: engine.kind,
      engineUrl: engineAddress(models),
    },
    network: networks[settings.network],
    identity: signer.publicKey,
    clock: systemClock,
    random: secureRandom,
    log,
  })
  // A port that is taken is said before anybody sends this node a job.
  let node: WorkerNode | undefined
  const status = (): NodeStatus =>
    statusOf(meter, {
      node: node?.nodeId ?? '',
      network: settings.network,
      broker: settings.broker,
      link: node?.up ? 'up' : 'down',
      draining: node?.draining ?? false,
      uptimeSeconds: Math.floor(process.uptime()),
      ...(node?.load ?? { slots: engine.slots, free: 0 }),
      evidence: evidence && {
        tee: evidence.renewal.current.evidence.tee,
        notAfter: evidence.renewal.current.claims.notAfter,
      },
      payee: settings.payee ?? null,
      offers: node?.offers ?? [],
    })
  const health = await startHealth(
    settings,
    engine,
    () => node,
    () => metricsText(meter, status()),
  )
  if (health) log('health.up', { port: health.port })
  node = await WorkerNode.start({
    broker: settings.broker,
    engine,
    engineModels: new Map(models.map(({ model }) => [model, model])),
    log,
    signer,
    ...(evidence ? { bind: (dates) => evidence.renewal.bind(dates), attested: evidence.attested } : {}),
    terms: {
      network: networks[settings.network],
      // An open node names no evidence, which only a development network accepts.
      evidence: evidence?.renewal.current.digest ?? null,
      payee: settings.payee ?? null,
      offers: models.flatMap((one, index) => {
        const served = started.models[index]
        return served ? [offerOf(one, { ...served, speed: speeds.get(one.model) })] : []
      }),
      limits: { request: REQUEST_LIMIT, seconds: settings.seconds },
    },
  })
  log('node.started', {
    model: models.map(({ model }) => model).join(','),
    slots: engine.slots,
    why: `node ${node.nodeId.slice(0, 16)}, ${evidence ? `attested by ${evidence.renewal.current.evidence.tee}` : 'not attested'}`,
  })
  const running = node
  let stopping = false
  const stop = async (patience?: number): Promise<void> => {
    stopping = true
    log('node.draining')
    await running.stop(patience)
    await engine.close()
    evidence?.close()
    health?.close()
    control?.close()
    process.exit(0)
  }
  const reload = async (): Promise<Reload> => {
    const { offers, report } = reoffer(settings, readSettings(args, process.env), running.offers)
    if (report.repriced.length > 0) await running.offer([...offers])
    log('settings.reloaded', { count: report.repriced.length, ...(report.waiting[0] && { why: waits(report) }) })
    return report
  }
  const drain = (patience: number | undefined): void => {
    if (!stopping) void stop(patience ?? settings.seconds * 1000)
  }
  const control =
    settings.state === undefined ? undefined : await serveControl(settings.state, { status, drain, reload })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const) {
    process.on(signal, () => {
      // Where a file says what this node is, a daemon's hangup means that it changed; a terminal's, that it closed.
      if (signal === 'SIGHUP' && settings.file && !process.stdout.isTTY) return void reload().catch(complain)
      if (stopping) process.exit(1)
      void stop()
    })
  }
  function complain(error: unknown): void {
    log('settings.fault', { why: error instanceof ConfigError ? error.message : 'unknown' })
  }
}

/** Of all models, where they have one and the same: two addresses are no one place that evidence could speak of. */
function engineAddress(models: readonly Settings[]): string | undefined {
  const [url, ...others] = new Set(models.map((one) => one['engine-url']))
  return others.length > 0 ? undefined : url
}

function waits({ waiting }: Reload): string {
  return `changed, and wait for a restart: ${waiting.join(', ')}`
}

// npm only warns of it, and what is missing would be said as a TypeError.
if (typeof WebSocket === 'undefined') {
  console.error(`worker-node: Node ${process.versions.node} is too old: install Node 22 or later`)
  process.exit(2)
}
const [first = 'run', ...rest] = process.argv.slice(2)
// Flags alone are the daemon's.
const [name, args] = first.startsWith('-') && !isHelp(first) ? ['run', process.argv.slice(2)] : [first, rest]
const command = name === 'run' ? run(args) : runCommand(name, args)
command.catch((error: unknown) => {
  const expected = [ConfigError, EngineError, AttestationError].some((kind) => error instanceof kind)
  console.error(expected && error instanceof Error ? `worker-node: ${error.message}` : error)
  process.exit(expected ? 2 : 1)
})
