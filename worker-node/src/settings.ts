import { fileURLToPath } from 'node:url'
import { modelId, networks, type NetworkName } from '@cocoon/protocol'
import { parseAddress } from '@cocoon/protocol/money'
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
/** Copied whole or refused, and said what is wrong with it. */
const address = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    try {
      parseAddress(dataset.value)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      addIssue({ message: error.message })
    }
  }),
)
const path = v.pipe(v.string(), v.minLength(1, 'is a path'))

/** What may differ from model to model: in the file, `[[models]]` has these. */
const modelSettings = {
  /** `embedded`: llama.cpp in this process; `openai`: any OpenAI-compatible server. */
  engine: v.optional(oneOf(['embedded', 'openai']), 'embedded'),
  'engine-url': v.optional(webAddress('the engine is an address such as http://127.0.0.1:8000')),
  /** What the engine wants to hear as its API key. In the file or the environment: other users of a machine see flags. */
  'engine-key': v.optional(v.pipe(v.string(), v.minLength(1, 'is a key'))),
  /** GGUF file of the embedded engine. */
  'model-path': v.optional(path, DEMO_MODEL.path),
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
  /** Jobs at a time. `auto`: what the engine says it has, or 8 until it says that it has no room; 4 of an embedded one. */
  slots: v.optional(
    v.lazy((input): v.GenericSchema<string, number | 'auto'> =>
      input === 'auto' ? v.literal('auto') : whole('slots', 1, 256),
    ),
    'auto',
  ),
  context: v.optional(whole('context', 64, 10_000_000)),
  threads: v.optional(whole('threads', 1, 256), '1'),
  gpu: v.optional(oneOf(['auto', 'off']), 'off'),
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
} as const

/** Every setting, as a flag (`--engine-url`), an environment variable (`COCOON_ENGINE_URL`) and a line of the file. */
export const Settings = v.object({
  /** Where the broker is. */
  broker: webAddress('the broker is an address such as https://cocoon.example'),
  network: v.optional(oneOf(Object.keys(networks) as NetworkName[]), 'mainnet'),
  ...modelSettings,
  /** The TON address that is paid. A node without one works for free. */
  payee: v.optional(address),
  seconds: v.optional(whole('seconds', 1, 3600), '600'),
  /** Before the node joins, each model answers a few words: it is warm then, and its speed stands in the offer. */
  benchmark: v.optional(oneOf(['on', 'off']), 'on'),
  /** A folder of this node's own: its control socket is there. Without it `status`, `drain` and `reload` reach nothing. */
  state: v.optional(path),
  log: v.optional(oneOf(['text', 'json']), 'text'),
  /** Answers `GET /healthz` and `GET /readyz` there; 0 takes any free port. Nothing listens where it is absent. */
  'health-port': v.optional(whole('health-port', 0, 65_535)),
  /** Only this machine may ask, unless told otherwise. */
  'health-host': v.optional(
    v.pipe(v.string(), v.minLength(1, 'an address to listen on, such as 0.0.0.0')),
    '127.0.0.1',
  ),
  /** `GET /metrics` on the health port: how much is asked here, which the other two do not tell. */
  metrics: v.optional(oneOf(['on', 'off']), 'off'),
  ...attestationSettings,
})
export type Settings = v.InferOutput<typeof Settings>
export type SettingName = keyof Settings

export const settingNames = Object.keys(Settings.entries) as SettingName[]
export const modelSettingNames = Object.keys(modelSettings) as (keyof typeof modelSettings)[]
