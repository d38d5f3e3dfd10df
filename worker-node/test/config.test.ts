import { describe, expect, test } from 'vitest'
import { ConfigError, DEMO_MODEL, offerOf, readSettings as readWith, type ReadText } from '../src/config.ts'

const noFile: ReadText = () => undefined
const readSettings = (args: readonly string[], environment: Record<string, string | undefined> = {}, file?: string) =>
  readWith(args, environment, file === undefined ? noFile : () => file)
const broker = ['--broker', 'https://cocoon.example']
function complaint(args: readonly string[], environment: Record<string, string> = {}): string {
  try {
    readSettings(args, environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'none'
}

describe('settings', () => {
  test('have a default for everything but the broker', () => {
    const { models, file, ...settings } = readSettings(broker, {})
    expect([models, file]).toEqual([[settings], undefined])
    expect(settings).toEqual({
      broker: 'https://cocoon.example',
      network: 'mainnet',
      engine: 'embedded',
      'model-path': DEMO_MODEL.path,
      model: DEMO_MODEL.id,
      'cache-salt': 'off',
      slots: 'auto',
      threads: 1,
      gpu: 'off',
      seconds: 600,
      benchmark: 'on',
      'price-prompt': 0n,
      'price-cached': 0n,
      'price-completion': 0n,
      'price-reasoning': 0n,
      log: 'text',
      'health-host': '127.0.0.1',
      metrics: 'off',
      attester: 'none',
      'gpu-command': 'none',
      'tsm-directory': '/sys/kernel/config/tsm/report',
      'measurements-directory': '/sys/devices/virtual/misc/tdx_guest/measurements',
    })
  })

  test('come from the environment, and flags win', () => {
    const environment = {
      COCOON_BROKER: 'https://one.example',
      COCOON_SLOTS: '7',
      COCOON_PRICE_PROMPT: '12',
      COCOON_ENGINE_URL: 'http://127.0.0.1:9',
      COCOON_ENGINE: 'openai',
      COCOON_MODEL: 'qwen3-8b',
      UNRELATED: 'x',
    }
    const settings = readSettings(['--slots', '9'], environment)
    expect(settings).toMatchObject({
      broker: 'https://one.example',
      slots: 9,
      'price-prompt': 12n,
      'engine-url': 'http://127.0.0.1:9',
    })
    expect(readSettings(broker, environment).broker).toBe('https://cocoon.example')
  })

  test('let a health port be asked for, on this machine unless told otherwise', () => {
    expect(readSettings(broker, { COCOON_HEALTH_PORT: '9090' })).toMatchObject({
      'health-port': 9090,
      'health-host': '127.0.0.1',
    })
    const flags = [...broker, '--health-port', '0', '--health-host', '0.0.0.0']
    expect(readSettings(flags, { COCOON_HEALTH_PORT: '9090' })).toMatchObject({
      'health-port': 0,
      'health-host': '0.0.0.0',
    })
  })

  const wrong: [string, string[], RegExp][] = [
    ['health-port', [...broker, '--health-port', '65536'], /^--health-port: health-port is at most 65535$/],
    ['broker', [], /^--broker is missing: give it, or set COCOON_BROKER$/],
    ['broker', ['--broker', 'cocoon.example'], /^--broker: .*such as https:\/\/cocoon\.example/],
    ['broker', ['--broker', 'localhost:8787'], /^--broker: .*such as https:\/\/cocoon\.example/],
    ['broker', ['--broker', 'ftp://cocoon.example'], /^--broker: .*such as https:\/\/cocoon\.example/],
    ['network', [...broker, '--network', 'ethereum'], /^--network: is one of mainnet, testnet, localnet$/],
    ['network', [...broker, '--network', 'toString'], /^--network: is one of/],
    ['engine', [...broker, '--engine', 'magic'], /^--engine: is one of embedded, openai$/],
    ['engine', [...broker, '--engine', 'openai'], /needs --engine-url, such as http:\/\/127\.0\.0\.1:8000$/],
    ['model', [...broker, '--model-path', 'other.gguf'], /^--model is missing: name the model/],
    ['model', [...broker, '--engine', 'openai', '--engine-url', 'http://127.0.0.1:9'], /^--model is missing/],
    ['engine-url', [...broker, '--engine-url', 'http://127.0.0.1:8000'], /add --engine openai/],
    ['engine-url', [...broker, '--engine-url', '127.0.0.1:8000'], /^--engine-url: .*such as http/],
    ['model', [...broker, '--model', 'My Model'], /^--model: .*named like qwen3-8b/],
    ['slots', [...broker, '--slots', '0'], /^--slots: slots is at least 1$/],
    ['slots', [...broker, '--slots', '257'], /^--slots: slots is at most 256$/],
    ['slots', [...broker, '--slots', 'four'], /^--slots: slots is a whole number$/],
    ['slots', [...broker, '--slots', '1e2'], /^--slots: slots is a whole number$/],
    ['context', [...broker, '--context', '63'], /^--context: context is at least 64$/],
    ['threads', [...broker, '--threads', '-1'], /--threads/],
    ['gpu', [...broker, '--gpu', 'yes'], /^--gpu: is one of auto, off$/],
    ['seconds', [...broker, '--seconds', '3601'], /^--seconds: seconds is at most 3600$/],
    ['temperature', [...broker, '--temperature', 'hot'], /^--temperature: temperature is a number from 0 to 2$/],
    ['temperature', [...broker, '--temperature', '2.5'], /^--temperature: temperature is a number from 0 to 2$/],
    ['cache-salt', [...broker, '--cache-salt', 'yes'], /^--cache-salt: is one of on, off$/],
    ['price-prompt', [...broker, '--price-prompt', '0.5'], /^--price-prompt: .*whole nanograms/],
    ['price-cached', [...broker, '--price-cached', ''], /^--price-cached: .*whole nanograms/],
    ['price-completion', [...broker, '--price-completion', 'x'], /^--price-completion: .*whole nanograms/],
    ['price-reasoning', [...broker, '--price-reasoning', '1'.repeat(16)], /^--price-reasoning: .*whole nanograms/],
    ['log', [...broker, '--log', 'xml'], /^--log: is one of text, json$/],
    ['a flag', [...broker, '--slot', '4'], /'--slot'.*\nFlags: --broker --network/],
    ['a flag', [...broker, '--slots'], /'--slots.*\nFlags: /],
    ['a word', [...broker, 'extra'], /'extra'.*\nFlags: /],
  ]
  test.each(wrong)('say what is wrong with %s: %j', (_name, args, message) => {
    expect(complaint(args)).toMatch(message)
  })

  test.each([
    ['payee', [...broker, '--payee', 'EQ'], /^--payee: an address has 48 characters/],
    ['payee', [...broker, '--payee', `0:${'0'.repeat(63)}g`], /^--payee: an address/],
    ['metrics', [...broker, '--metrics', 'on'], /needs --health-port, such as 9090/],
  ])('say what is wrong with %s: %j', (_name, args, message) => {
    expect(complaint(args)).toMatch(message)
  })

  test('name the variable where a variable is wrong', () => {
    expect(complaint(broker, { COCOON_SLOTS: 'many' })).toMatch(/^--slots: slots is a whole number$/)
  })
})

describe('the file', () => {
  const ofFile = (file: string, args: readonly string[] = [], environment: Record<string, string> = {}): string => {
    try {
      readSettings(args, environment, file)
    } catch (error) {
      if (error instanceof ConfigError) return error.message
      throw error
    }
    return 'none'
  }

  test('is under the environment, which is under the flags', () => {
    const file = 'broker = "https://file.example"\nslots = 2\nseconds = 60\nlog = "json"\n'
    const settings = readSettings(['--slots', '9'], { COCOON_SECONDS: '30', COCOON_SLOTS: '8' }, file)
    expect(settings).toMatchObject({ broker: 'https://file.example', slots: 9, seconds: 30, log: 'json' })
    expect(settings.file).toMatch(/worker-node\.toml$/)
  })

  test('is the one that was named, and then it must be there', () => {
    const asked: string[] = []
    const none: ReadText = (path) => void asked.push(path)
    const named = () => readWith(['--config', 'mine.toml', ...broker], {}, none)
    expect(named).toThrow(/^--config: mine\.toml cannot be read\. `worker-node init` writes one$/)
    readWith(broker, {}, none)
    expect(asked).toEqual(['mine.toml', 'worker-node.toml'])
    expect(() => readWith(broker, { COCOON_CONFIG: 'env.toml' }, none)).toThrow(/env\.toml/)
  })

  test('lists several models, each over what the file says of all', () => {
    const file = `
broker = "https://cocoon.example"
price-completion = 50
engine = "openai"
engine-url = "http://127.0.0.1:11434"
[[models]]
model = "qwen3-8b"
engine-model = "qwen3:8b"
price-completion = 80
[[models]]
model = "cocoon-demo"
engine = "embedded"
`
    expect(ofFile(file)).toMatch(/--engine-url is for another engine/)
    const { models, model } = readSettings([], {}, file.replace('engine = "embedded"', 'temperature = 0.5'))
    expect(model).toBe('qwen3-8b')
    expect(models.map((one) => [one.model, one['engine-model'], one['price-completion'], one.temperature])).toEqual([
      ['qwen3-8b', 'qwen3:8b', 80n, undefined],
      ['cocoon-demo', undefined, 50n, 0.5],
    ])
  })

  const one = 'broker = "https://cocoon.example"\n'
  test.each<[string, string, RegExp, string[]?]>([
    ['a wrong value', `${one}slots = 0`, /^worker-node\.toml:2: slots: slots is at least 1$/],
    ['a word that is close', `${one}slot = 4`, /^worker-node\.toml:2: slot is no setting here; did you mean slots\?$/],
    ['a word that is none', `${one}colour = "red"`, /^worker-node\.toml:2: colour is no setting here$/],
    ['no TOML', `${one}slots: 4`, /^worker-node\.toml:2: a setting stands as name = value$/],
    ['another table', `${one}[[engines]]`, /^worker-node\.toml:2: \[\[engines\]\] is not known/],
    ['a model without a name', `${one}[[models]]\nslots = 1`, /^worker-node\.toml:2: \[\[models\]\] needs a model/],
    ['a model twice', `${one}[[models]]\nmodel="a"\n[[models]]\nmodel="a"`, /two \[\[models\]\] are named a$/],
    [
      'what is no model’s',
      `${one}[[models]]\nmodel="a"\nbroker="x"`,
      /^worker-node\.toml:4: broker is no setting here$/,
    ],
    ['a flag beside models', `${one}[[models]]\nmodel="a"`, /^--slots: .* lists \[\[models\]\]/, ['--slots', '3']],
  ])('says what is wrong, and where: %s', (_what, file, message, args = []) => {
    expect(ofFile(file, args)).toMatch(message)
  })
})

test('an offer carries what the engine can and what the provider asks', () => {
  const settings = readSettings([...broker, '--price-cached', '5', '--model', 'qwen3-8b'], {})
  expect(offerOf(settings, { context: 8192, maxOutput: 2048 })).toEqual({
    model: 'qwen3-8b',
    context: 8192,
    maxOutput: 2048,
    price: { prompt: 0n, cached: 5n, completion: 0n, reasoning: 0n },
  })
})
