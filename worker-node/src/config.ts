import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { limits, type Offer } from '@cocoon/protocol'
import * as v from 'valibot'
import { DEMO_MODEL, modelSettingNames, type SettingName, settingNames, Settings } from './settings.ts'
import { readToml, type TomlEntry, TomlError, type TomlFile } from './toml.ts'

export { DEMO_MODEL, type Settings } from './settings.ts'

/** Read where neither `--config` nor COCOON_CONFIG names another; it need not be there. */
export const CONFIG_FILE = 'worker-node.toml'

export interface NodeSettings extends Settings {
  /** What this node serves: the settings themselves, or those of each `[[models]]`. */
  readonly models: readonly Settings[]
  /** The file that was read. */
  readonly file: string | undefined
}

/** Thrown for a setting that is missing or wrong; the message says which, and what to type. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The text of a file; undefined where there is none. */
export type ReadText = (path: string) => string | undefined
type Environment = Readonly<Record<string, string | undefined>>
type Values = Map<string, { readonly value: string; readonly from: string }>

/**
 * The file's settings, under those of the environment, under the flags.
 *
 * @throws ConfigError
 */
export function readSettings(
  args: readonly string[],
  environment: Environment,
  readText: ReadText = textOf,
): NodeSettings {
  const flags = readFlags(args)
  const named = flags['config'] ?? environment['COCOON_CONFIG']
  const file = named ?? CONFIG_FILE
  const text = readText(file)
  if (named !== undefined && text === undefined) {
    throw new ConfigError(`--config: ${file} cannot be read. \`worker-node init\` writes one`)
  }
  const read = text === undefined ? { entries: [], tables: [] } : parseFile(file, text)
  const over: Values = new Map()
  for (const name of settingNames) {
    const flag = flags[name]
    const variable = environment[variableOf(name)]
    if (flag !== undefined) over.set(name, { value: flag, from: `--${name}` })
    else if (variable !== undefined) over.set(name, { value: variable, from: `--${name}` })
  }
  const values: Values = new Map([...fileValues(file, read.entries, settingNames), ...over])
  const models = read.tables.map((table) => {
    const own = fileValues(file, table.entries, modelSettingNames)
    if (!own.has('model')) throw new ConfigError(`${file}:${table.line}: [[models]] needs a model, such as "qwen3-8b"`)
    return settingsOf(new Map([...values, ...own]))
  })
  const loose = modelSettingNames.find((name) => over.has(name))
  if (models.length > 0 && loose) {
    throw new ConfigError(`--${loose}: ${file} lists [[models]], each with its own: change it there`)
  }
  const settings = settingsOf(
    models[0] ? new Map([...values, ['model', { value: models[0].model, from: '' }]]) : values,
  )
  const names = models.map(({ model }) => model)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new ConfigError(`${file}: two [[models]] are named ${twice}`)
  const known = text === undefined ? undefined : resolve(file)
  return { ...settings, models: models.length > 0 ? models : [settings], file: known }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function readFlags(args: readonly string[]): Partial<Record<string, string>> {
  const names = [...settingNames, 'config']
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
    return parseArgs({ args: [...args], options, strict: true }).values
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown flag'
    throw new ConfigError(`${why}\nFlags: ${names.map((name) => `--${name}`).join(' ')}`)
  }
}

function parseFile(file: string, text: string): TomlFile {
  let read: TomlFile
  try {
    read = readToml(text)
  } catch (error) {
    if (error instanceof TomlError) throw new ConfigError(`${file}:${error.line}: ${error.message}`, { cause: error })
    throw error
  }
  const other = read.tables.find(({ name }) => name !== 'models')
  if (other) throw new ConfigError(`${file}:${other.line}: [[${other.name}]] is not known; there is [[models]]`)
  return read
}

function fileValues(file: string, entries: readonly TomlEntry[], known: readonly SettingName[]): Values {
  return new Map(
    entries.map(({ key, value, line }) => {
      const from = `${file}:${line}: ${key}`
      if (known.some((name) => name === key)) return [key, { value, from }]
      const close = known.find((name) => distance(name, key) <= 2)
      throw new ConfigError(`${from} is no setting here${close ? `; did you mean ${close}?` : ''}`)
    }),
  )
}

const variableOf = (name: string): string => `COCOON_${name.toUpperCase().replaceAll('-', '_')}`

/** @throws ConfigError */
function settingsOf(values: Values): Settings {
  const given = Object.fromEntries([...values].map(([name, { value }]) => [name, value]))
  const result = v.safeParse(Settings, given)
  if (!result.success) {
    const [issue] = result.issues
    const name = v.getDotPath(issue) ?? 'settings'
    const from = values.get(name)?.from
    throw new ConfigError(
      from === undefined ? `--${name} is missing: give it, or set ${variableOf(name)}` : `${from}: ${issue.message}`,
    )
  }
  const settings = result.output
  if (settings.engine === 'openai' && !settings['engine-url']) {
    throw new ConfigError('--engine openai needs --engine-url, such as http://127.0.0.1:8000')
  }
  if (settings.engine === 'embedded' && settings['engine-url']) {
    throw new ConfigError('--engine-url is for another engine: add --engine openai, or leave it out')
  }
  if (settings.metrics === 'on' && settings['health-port'] === undefined) {
    throw new ConfigError('--metrics on needs --health-port, such as 9090: they are asked for there')
  }
  const foreign = settings.engine === 'openai' || settings['model-path'] !== DEMO_MODEL.path
  if (foreign && !values.has('model')) {
    throw new ConfigError('--model is missing: name the model as the broker lists it, such as qwen3-8b')
  }
  return settings
}

/** Letters to change, add or leave out until one word is the other. */
function distance(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1
      row.push(Math.min((before[j - 1] ?? 0) + same, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    before = row
  }
  return before[other.length] ?? 0
}

/** What the node offers, once the engine has said what it can. */
export function offerOf(settings: Settings, engine: Pick<Offer, 'context' | 'maxOutput' | 'speed'>): Offer {
  const { context, maxOutput, speed } = engine
  return {
    model: settings.model,
    context,
    maxOutput,
    ...(speed !== undefined && { speed }),
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
