import { ConfigError, DEMO_MODEL, type Settings } from './config.ts'
import { type Engine, EngineError, type EngineModel } from './engine/engine.ts'
import { OpenAiEngine } from './engine/openai.ts'
import { type MeasuredSpeed, measure } from './engine/measure.ts'
import { RoutedEngine } from './engine/routed.ts'
import type { Log } from './log.ts'

/** Silence of an engine after which a job fails. Milliseconds. */
const ENGINE_SILENCE = 60_000

/** Each has a context of its own in memory. */
const EMBEDDED_SLOTS = 4

export interface StartedEngines {
  readonly engine: Engine
  /** As the engines describe them, under their names on the network, in the order of the settings. */
  readonly models: readonly EngineModel[]
}

/**
 * Starts or reaches what the settings name. Models of one address share an engine; an embedded one has its own.
 *
 * @throws ConfigError, EngineError
 */
export async function startEngines(models: readonly Settings[]): Promise<StartedEngines> {
  const engines = new Map<string, Engine>()
  const routes = []
  for (const settings of models) {
    const key = settings.engine === 'openai' ? `at ${settings['engine-url'] ?? ''}` : `in ${settings['model-path']}`
    const engine = engines.get(key) ?? (await startEngine(settings))
    engines.set(key, engine)
    const { model, engine: kind, 'engine-model': engineModel = model } = settings
    // The demonstration model knows its answers by heart: anything but the likeliest token is wrong.
    const temperature = settings.temperature ?? (settings['model-path'] === DEMO_MODEL.path ? 0 : undefined)
    routes.push({ model, engine, engineModel: kind === 'embedded' ? model : engineModel, temperature })
  }
  const engine = new RoutedEngine(routes)
  try {
    return { engine, models: await engine.models() }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/**
 * How fast each model is, by its name, in tokens a second of one answer. One that cannot be measured is left out: what is
 * wrong with it shows at its first job, and others may be well.
 */
export async function measureModels(
  { engine, models }: StartedEngines,
  monotonic: () => number,
  log: Log,
): Promise<ReadonlyMap<string, number>> {
  const speeds = new Map<string, number>()
  for (const { id: model } of models) {
    let speed: MeasuredSpeed
    try {
      speed = await measure(engine, model, monotonic)
    } catch (error) {
      log('engine.fault', { model, why: error instanceof EngineError ? error.message : 'unknown' })
      continue
    }
    const { firstTokenMs, single, together } = speed
    log('engine.measured', {
      model,
      firstTokenMs: Math.round(firstTokenMs),
      tokensPerSecond: Math.round(single),
      why: `${Math.round(together)} tokens a second in ${engine.slots} slots`,
    })
    if (single >= 1) speeds.set(model, Math.round(single))
  }
  return speeds
}

async function startEngine(settings: Settings): Promise<Engine> {
  const contextSize = settings.context === undefined ? {} : { contextSize: settings.context }
  const { slots, threads, model: modelId, 'engine-key': apiKey } = settings
  if (settings.engine === 'openai') {
    const baseUrl = settings['engine-url'] ?? ''
    const cacheSalt = settings['cache-salt'] === 'on'
    const key = apiKey === undefined ? {} : { apiKey }
    try {
      return new OpenAiEngine({ baseUrl, idleMs: ENGINE_SILENCE, slots, cacheSalt, ...contextSize, ...key })
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new ConfigError(`--engine-url: ${cause.message}`, { cause })
    }
  }
  // llama.cpp takes a second to load, which a provider with another engine or a mistyped flag need not wait for.
  const { startEmbeddedEngine } = await import('./engine/embedded.ts')
  const gpu = settings.gpu === 'auto' ? 'auto' : false
  return startEmbeddedEngine({
    modelPath: settings['model-path'],
    modelId,
    slots: slots === 'auto' ? EMBEDDED_SLOTS : slots,
    threads,
    gpu,
    ...contextSize,
  })
}
