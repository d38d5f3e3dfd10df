import { createSigner, networks, secureRandom } from '@cocoon/protocol'
import { AttestationError } from './attesters/attester.ts'
import type { NodeEvidence, NodeEvidenceOptions } from './attesters/node-evidence.ts'
import { ConfigError, DEMO_MODEL, offerOf, readSettings, REQUEST_LIMIT, type Settings } from './config.ts'
import { type Engine, EngineError } from './engine/engine.ts'
import { OpenAiEngine } from './engine/openai.ts'
import { createLog } from './log.ts'
import { EngineCheck, serveHealth, type Unready } from './health.ts'
import { WorkerNode } from './node.ts'
import { systemClock } from './prekeys.ts'

/** Silence of an engine after which a job fails. Milliseconds. */
const ENGINE_SILENCE = 60_000

async function startEngine(settings: Settings): Promise<Engine> {
  const contextSize = settings.context === undefined ? {} : { contextSize: settings.context }
  const { slots, threads, model: modelId } = settings
  if (settings.engine === 'openai') {
    const baseUrl = settings['engine-url'] ?? ''
    try {
      const cacheSalt = settings['cache-salt'] === 'on'
      return new OpenAiEngine({ baseUrl, idleMs: ENGINE_SILENCE, slots, cacheSalt, ...contextSize })
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new ConfigError(`--engine-url: ${cause.message}`, { cause })
    }
  }
  // llama.cpp takes a second to load, which a provider with another engine or a mistyped flag need not wait for.
  const { startEmbeddedEngine } = await import('./engine/embedded.ts')
  const gpu = settings.gpu === 'auto' ? 'auto' : false
  return startEmbeddedEngine({ modelPath: settings['model-path'], modelId, slots, threads, gpu, ...contextSize })
}

/** What a private node shows; an open one does not even load what it would take. */
async function startEvidence(options: NodeEvidenceOptions): Promise<NodeEvidence | null> {
  if (options.settings.attester === 'none') return null
  const { startNodeEvidence } = await import('./attesters/node-evidence.ts')
  return startNodeEvidence(options)
}

/** Tells whoever watches this machine how the node is; undefined where nobody asked for that. */
async function startHealth(settings: Settings, engine: Engine, nodeOf: () => WorkerNode | undefined) {
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
    return await serveHealth({ host, port, unready })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be listened on'
    throw new ConfigError(`--health-port: ${why}`, { cause })
  }
}

async function run(): Promise<void> {
  const [command, ...args] = process.argv.slice(2)
  if (command === 'evidence') {
    const { evidenceCommand } = await import('./evidence-command.ts')
    const print = (line: string) => console.log(line)
    return evidenceCommand({ args, environment: process.env, now: Date.now, print })
  }
  const settings = readSettings(process.argv.slice(2), process.env)
  const log = createLog(settings.log, (line) => console.log(line), Date.now)
  const engine = await startEngine(settings)
  const wanted = settings.engine === 'openai' ? (settings['engine-model'] ?? settings.model) : settings.model
  const models = await engine.models()
  const model = models.find(({ id }) => id === wanted)
  if (!model) {
    const known = models.map(({ id }) => id).join(', ') || 'none'
    throw new ConfigError(`the engine has no model ${wanted}; it has: ${known}. Name one with --engine-model`)
  }
  const signer = await createSigner()
  const evidence = await startEvidence({
    settings,
    engine: { models: [settings.model], engine: settings.engine, engineUrl: settings['engine-url'] },
    network: networks[settings.network],
    identity: signer.publicKey,
    clock: systemClock,
    random: secureRandom,
    log,
  })
  // A port that is taken is said before anybody sends this node a job.
  let node: WorkerNode | undefined
  const health = await startHealth(settings, engine, () => node)
  if (health) log('health.up', { port: health.port })
  node = await WorkerNode.start({
    broker: settings.broker,
    engine,
    engineModels: new Map([[settings.model, wanted]]),
    log,
    signer,
    ...(evidence ? { bind: (dates) => evidence.renewal.bind(dates), attested: evidence.attested } : {}),
    // The demonstration model knows its answers by heart: anything but the likeliest token is wrong.
    temperature: settings.temperature ?? (settings['model-path'] === DEMO_MODEL.path ? 0 : undefined),
    terms: {
      network: networks[settings.network],
      // An open node names no evidence, which only a development network accepts.
      evidence: evidence?.renewal.current.digest ?? null,
      payee: null,
      offers: [offerOf(settings, model)],
      limits: { request: REQUEST_LIMIT, seconds: settings.seconds },
    },
  })
  log('node.started', {
    model: settings.model,
    slots: engine.slots,
    why: `node ${node.nodeId.slice(0, 16)}, ${evidence ? `attested by ${evidence.renewal.current.evidence.tee}` : 'not attested'}`,
  })
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(1)
    stopping = true
    log('node.draining')
    await node.stop()
    await engine.close()
    evidence?.close()
    health?.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const) process.on(signal, () => void stop())
}

run().catch((error: unknown) => {
  const expected = [ConfigError, EngineError, AttestationError].some((kind) => error instanceof kind)
  console.error(expected && error instanceof Error ? `worker-node: ${error.message}` : error)
  process.exit(expected ? 2 : 1)
})
