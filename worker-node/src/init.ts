import { NANOGRAMS_PER_GRAM, networks, TICKER } from '@cocoon/protocol'
import type { BrokerFacts } from './broker-facts.ts'
import { ConfigError, readSettings } from './config.ts'
import { type DetectedEngine, networkName } from './engine/detect.ts'

/** What stands in the file that `init` writes. */
export interface Answers {
  readonly broker: string
  readonly network: string
  readonly payee: string | undefined
  readonly engine:
    | { readonly kind: 'embedded'; readonly modelPath: string | undefined }
    | { readonly kind: 'openai'; readonly url: string }
  readonly models: readonly {
    readonly model: string
    readonly engineModel: string | undefined
    readonly context: number | undefined
  }[]
  /** Nanograms per million tokens. */
  readonly prompt: bigint
  readonly completion: bigint
  readonly state: string
  readonly healthPort: number
}

/** A person at a terminal. */
export interface Person {
  /** False with `--yes`: then every answer is what Enter means. */
  readonly present: boolean
  /** The answer, or `otherwise` where only Enter was pressed. */
  ask(question: string, otherwise: string): Promise<string>
  say(line: string): void
}

/** What the wizard finds out by itself. */
export interface Surroundings {
  readonly broker: (origin: string) => Promise<BrokerFacts>
  readonly engines: () => Promise<readonly DetectedEngine[]>
  /** Default of the node's folder. */
  readonly state: string
}

/** What flags said already; the wizard does not ask for it again. */
export type Given = Readonly<Partial<Record<string, string>>>

const DEFAULT_HEALTH_PORT = 9090

/**
 * Asks what is not given. Every answer is checked at once, and asked for again when it is wrong; a person who is not there
 * (`--yes`) answers with Enter, and hears of what has no default.
 *
 * @throws ConfigError
 */
export async function interview(person: Person, around: Surroundings, given: Given): Promise<Answers> {
  const broker = await until(person, 'The broker, as its owners name it', '', given['broker'], (text) => {
    if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '')
    throw new ConfigError('--broker is an address such as https://cocoon.example')
  })
  const facts = await around.broker(broker).catch((error: unknown) => {
    person.say(
      `${broker} does not answer now (${error instanceof Error ? error.message : 'unknown reason'}); going on without it`,
    )
    return undefined
  })
  const names = Object.entries(networks)
  const theirs = names.find(([, id]) => id === facts?.network)?.[0]
  const network = await until(person, 'The network', theirs ?? 'mainnet', given['network'], (text) => {
    if (names.some(([name]) => name === text)) return text
    throw new ConfigError(`--network is one of ${names.map(([name]) => name).join(', ')}`)
  })
  const payee = await until(
    person,
    'The TON address that is paid (Enter: work for free)',
    '-',
    given['payee'],
    (text) => {
      if (text === '-') return undefined
      // The one schema says what is wrong with an address.
      readSettings(['--broker', broker, '--payee', text], {}, () => undefined)
      return text
    },
  )
  const { engine, models } = await engineAnswers(person, around, given, facts)
  const prompt = await priceOf(person, 'prompt', given['price-prompt'])
  const completion = await priceOf(person, 'completion', given['price-completion'])
  const state = given['state'] ?? (await person.ask('A folder of the node’s own', around.state))
  const healthPort = Number(given['health-port'] ?? DEFAULT_HEALTH_PORT)
  return { broker, network, payee, engine, models, prompt, completion, state, healthPort }
}

type EngineAnswers = Pick<Answers, 'engine' | 'models'>

async function engineAnswers(
  person: Person,
  around: Surroundings,
  given: Given,
  facts: BrokerFacts | undefined,
): Promise<EngineAnswers> {
  const context = given['context'] === undefined ? undefined : Number(given['context'])
  const named = (engineModel: string, own?: number): Answers['models'][number] => {
    const model = given['model'] ?? listed(networkName(engineModel), facts)
    return { model, engineModel: model === engineModel ? undefined : engineModel, context: context ?? own }
  }
  const demo: EngineAnswers = {
    engine: { kind: 'embedded', modelPath: undefined },
    models: [{ model: given['model'] ?? 'cocoon-demo', engineModel: undefined, context }],
  }
  const file = given['model-path']
  if (file !== undefined) {
    return { engine: { kind: 'embedded', modelPath: file }, models: [{ ...named(file), engineModel: undefined }] }
  }
  const found = given['engine'] === 'embedded' ? [] : await around.engines()
  const url = given['engine-url']
  if (url !== undefined) {
    const known = found.find((engine) => engine.url === url.replace(/\/(v1\/?)?$/, ''))
    const wanted = given['engine-model'] ?? known?.models[0]?.id ?? given['model']
    if (wanted === undefined) throw new ConfigError('--engine-model is missing: the engine names no model of its own')
    const own = known?.models.find(({ id }) => id === wanted)?.context
    return { engine: { kind: 'openai', url }, models: [named(wanted, own)] }
  }
  const offers = found.flatMap((engine) => engine.models.map((model) => ({ engine, model })))
  if (offers.length === 0) {
    person.say('No engine listens on this machine; the demonstration model answers in this program.')
    return demo
  }
  for (const [index, { engine, model }] of offers.entries()) {
    person.say(`  ${index + 1}  ${model.id}, ${engine.kind} at ${engine.url}`)
  }
  person.say(`  0  the demonstration model, in this program`)
  const one = await until(person, 'Which one answers', '1', undefined, (text) => {
    const chosen = Number(text)
    if (/^\d+$/.test(text) && chosen <= offers.length) return offers[chosen - 1] ?? null
    throw new ConfigError(`a number from 0 to ${offers.length}`)
  })
  if (!one) return demo
  return { engine: { kind: 'openai', url: one.engine.url }, models: [named(one.model.id, one.model.context)] }
}

/** The broker's name for a model, where one of its names is in the engine's or the other way round. */
function listed(name: string, facts: BrokerFacts | undefined): string {
  const plain = (text: string): string => networkName(text).replaceAll(/[^a-z0-9]/g, '')
  const close = facts?.models.filter(
    (model) => plain(name).startsWith(plain(model)) || plain(model).startsWith(plain(name)),
  )
  return close?.length === 1 && close[0] !== undefined ? close[0] : name
}

async function priceOf(person: Person, what: string, given: string | undefined): Promise<bigint> {
  if (given !== undefined) return BigInt(given)
  return until(person, `Price of a million ${what} tokens, in ${TICKER}`, '0', undefined, (text) => {
    const found = /^(\d{1,6})(?:\.(\d{1,9}))?$/.exec(text)
    if (!found) throw new ConfigError(`a number of ${TICKER}, such as 0.2`)
    return BigInt(found[1] ?? '0') * NANOGRAMS_PER_GRAM + BigInt((found[2] ?? '').padEnd(9, '0'))
  })
}

/** Asks until the answer is right. An answer that was given as a flag is not asked for, and must be right. */
async function until<Value>(
  person: Person,
  question: string,
  otherwise: string,
  given: string | undefined,
  read: (text: string) => Value,
): Promise<Value> {
  if (given !== undefined) return read(given)
  for (;;) {
    const text = (await person.ask(question, otherwise)).trim()
    try {
      return read(text)
    } catch (error) {
      if (!(error instanceof ConfigError) || !person.present) throw error
      person.say(`  ${error.message.replace(/^--[\w-]+: /, '')}`)
    }
  }
}

/** The file. What it says is read by the one schema before it is written. */
export function configText(answers: Answers): string {
  const { engine, models, payee, prompt, completion } = answers
  const several = models.length > 1
  const modelLines = (model: Answers['models'][number]): string[] => [
    line('model', model.model),
    ...(model.engineModel === undefined ? [] : [line('engine-model', model.engineModel)]),
    ...(model.context === undefined ? [] : [line('context', model.context)]),
  ]
  const lines = [
    '# Every setting: docs/running-a-node.md. After a change of prices: worker-node reload',
    line('broker', answers.broker),
    line('network', answers.network),
    payee === undefined ? '# payee = "UQ…"  # without one the node works for free' : line('payee', payee),
    '',
    '# A folder of this node alone: status, reload and drain reach it there.',
    line('state', answers.state),
    '',
    ...(engine.kind === 'openai' ? [line('engine', 'openai'), line('engine-url', engine.url)] : []),
    ...(engine.kind === 'embedded' && engine.modelPath !== undefined ? [line('model-path', engine.modelPath)] : []),
    ...(several ? [] : models.flatMap(modelLines)),
    '',
    '# Nanograms per million tokens. Cached ones cost as much as others unless it says less here.',
    line('price-prompt', prompt),
    line('price-cached', prompt),
    line('price-completion', completion),
    line('price-reasoning', completion),
    '',
    '# For this machine alone: /healthz, /readyz, /metrics.',
    line('health-port', answers.healthPort),
    line('metrics', true),
    ...(several ? models.flatMap((model) => ['', '[[models]]', ...modelLines(model)]) : []),
  ]
  const text = `${lines.join('\n')}\n`
  readSettings([], {}, () => text)
  return text
}

function line(name: string, value: string | number | bigint | boolean): string {
  return `${name} = ${typeof value === 'string' ? JSON.stringify(value) : value}`
}
