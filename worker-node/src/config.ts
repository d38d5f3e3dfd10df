import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { limits, modelId, networks, type NetworkName, type Offer } from '@cocoon/protocol'
import * as v from 'valibot'
import { attestationSettings } from './attesters/settings.ts'

/** The demonstration model that comes with this package. */
export const DEMO_MODEL = {
  id: 'cocoon-demo',
  path: fileURLToPath(new URL('../demo-model/cocoon-demo.gguf', import.meta.url)),
} as const

const whole = (name: string, min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, `${name} is a whole number`),
    v.transform(Number),
    v.minValue(min, `${name} is at least ${min}`),
    v.maxValue(max, `${name} is at most ${max}`),
  )
const price = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}$/, 'a price is whole nanograms per million tokens'),
  v.transform((text) => BigInt(text)),
)

/** A web address; `localhost:8787` would be read as one with the scheme `localhost:`. */
const webAddress = (what: string) =>
  v.pipe(
    v.string(),
    v.check((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), what),
  )
const oneOf = <const Names extends readonly string[]>(options: Names) =>
  v.picklist(options, `is one of ${options.join(', ')}`)

/** Every setting, as a flag (`--engine-url`) and an environment variable (`COCOON_ENGINE_URL`). Flags win. */
const Settings = v.object({
  /** Where the broker is. */
  broker: webAddress('the broker is an address such as https://cocoon.example'),
  network: v.optional(oneOf(Object.keys(networks) as NetworkName[]), 'mainnet'),
  /** `embedded`: llama.cpp in this process; `openai`: any OpenAI-compatible server. */
  engine: v.optional(oneOf(['embedded', 'openai']), 'embedded'),
  'engine-url': v.optional(webAddress('the engine is an address such as http://127.0.0.1:8000')),
  /** GGUF file of the embedded engine. */
  'model-path': v.optional(v.string(), DEMO_MODEL.path),
  /** The model's name on the network. */
  model: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (text) => v.is(modelId, text),
        'a model is named like qwen3-8b: at most 64 of a-z, 0-9, and . _ / - inside',
      ),
    ),
    DEMO_MODEL.id,
  ),
  /** The engine's own name for it, where it differs. */
  'engine-model': v.optional(v.string()),
  /**
   * `on` keeps vLLM's prefix cache from answering one user's prompt with another's. Other engines have no such field.
   */
  'cache-salt': v.optional(oneOf(['on', 'off']), 'off'),
  slots: v.optional(whole('slots', 1, 256), '4'),
  context: v.optional(whole('context', 64, 10_000_000)),
  threads: v.optional(whole('threads', 1, 256), '1'),
  gpu: v.optional(oneOf(['auto', 'off']), 'off'),
  seconds: v.optional(whole('seconds', 1, 3600), '600'),
  /** For requests that bring none, as model makers recommend one; the engine's own default where absent. */
  temperature: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d(\.\d+)?$/, 'temperature is a number from 0 to 2'),
      v.transform(Number),
      v.maxValue(2, 'temperature is a number from 0 to 2'),
    ),
  ),
  'price-prompt': v.optional(price, '0'),
  'price-cached': v.optional(price, '0'),
  'price-completion': v.optional(price, '0'),
  'price-reasoning': v.optional(price, '0'),
  log: v.optional(oneOf(['text', 'json']), 'text'),
  /** Answers `GET /healthz` and `GET /readyz` there; 0 takes any free port. Nothing listens where it is absent. */
  'health-port': v.optional(whole('health-port', 0, 65_535)),
  /** Only this machine may ask, unless told otherwise. */
  'health-host': v.optional(
    v.pipe(v.string(), v.minLength(1, 'an address to listen on, such as 0.0.0.0')),
    '127.0.0.1',
  ),
  ...attestationSettings,
})
export type Settings = v.InferOutput<typeof Settings>

/** Thrown for a setting that is missing or wrong; the message says which, and what to type. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const names = Object.keys(Settings.entries) as (keyof Settings)[]

/** @throws ConfigError */
export function readSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  let flags: Record<string, string | boolean | undefined>
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
    flags = parseArgs({ args: [...args], options, strict: true }).values
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown flag'
    throw new ConfigError(`${why}\nFlags: ${names.map((name) => `--${name}`).join(' ')}`)
  }
  const variable = (name: string): string => `COCOON_${name.toUpperCase().replaceAll('-', '_')}`
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const value = flags[name] ?? environment[variable(name)]
    if (value !== undefined) values[name] = value
  }
  const result = v.safeParse(Settings, values)
  if (!result.success) {
    const [issue] = result.issues
    const name = v.getDotPath(issue) ?? 'settings'
    const missing = values[name] === undefined
    throw new ConfigError(
      missing ? `--${name} is missing: give it, or set ${variable(name)}` : `--${name}: ${issue.message}`,
    )
  }
  if (result.output.engine === 'openai' && !result.output['engine-url']) {
    throw new ConfigError('--engine openai needs --engine-url, such as http://127.0.0.1:8000')
  }
  if (result.output.engine === 'embedded' && result.output['engine-url']) {
    throw new ConfigError('--engine-url is for another engine: add --engine openai, or leave it out')
  }
  const foreign = result.output.engine === 'openai' || result.output['model-path'] !== DEMO_MODEL.path
  if (foreign && values['model'] === undefined) {
    throw new ConfigError('--model is missing: name the model as the broker lists it, such as qwen3-8b')
  }
  return result.output
}

/** What the node offers, once the engine has said what it can. */
export function offerOf(settings: Settings, engine: { context: number; maxOutput: number }): Offer {
  return {
    model: settings.model,
    context: engine.context,
    maxOutput: engine.maxOutput,
    price: {
      prompt: settings['price-prompt'],
      cached: settings['price-cached'],
      completion: settings['price-completion'],
      reasoning: settings['price-reasoning'],
    },
  }
}

/** Bytes of a sealed body this node takes. */
export const REQUEST_LIMIT = limits.request
