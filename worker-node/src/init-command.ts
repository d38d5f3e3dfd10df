import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { askBroker } from './broker-facts.ts'
import { CONFIG_FILE, ConfigError } from './config.ts'
import { detectEngines } from './engine/detect.ts'
import { configText, type Given, interview, type Person } from './init.ts'

/** Settings that the file is made of; each may be given as a flag, and is not asked for then. */
const asked = [
  'broker',
  'network',
  'payee',
  'engine',
  'engine-url',
  'engine-model',
  'model-path',
  'model',
  'context',
  'price-prompt',
  'price-completion',
  'state',
  'health-port',
] as const

/**
 * `worker-node init`: asks at the terminal, or with `--yes` takes what flags say and what is found.
 *
 * @throws ConfigError
 */
export async function initCommand(args: readonly string[], print: (line: string) => void): Promise<void> {
  const { flags, yes, force, out } = readFlags(args)
  if (existsSync(out) && !force) throw new ConfigError(`${out} is there already: edit it, or add --force`)
  if (!yes && !process.stdin.isTTY)
    throw new ConfigError('nobody is there to be asked: add --yes, and what to know as flags')
  const around = { broker: askBroker, engines: () => detectEngines(), state: defaultState() }
  const terminal = yes ? undefined : createInterface({ input: process.stdin, output: process.stdout })
  const person: Person = {
    present: !yes,
    say: print,
    async ask(question, otherwise) {
      if (!terminal) return otherwise
      const answer = await terminal.question(
        `${question}${otherwise === '' || otherwise === '-' ? '' : ` [${otherwise}]`}: `,
      )
      return answer.trim() === '' ? otherwise : answer.trim()
    },
  }
  try {
    const text = configText(await interview(person, around, flags))
    // A key may be written into it later.
    await writeFile(out, text, { mode: 0o600 }).catch((cause: unknown) => {
      throw new ConfigError(`--out: ${out} cannot be written`, { cause })
    })
  } finally {
    terminal?.close()
  }
  const config = out === CONFIG_FILE ? '' : ` --config ${out}`
  print(`wrote ${out}. Next: worker-node doctor${config}, then worker-node run${config}`)
}

function readFlags(args: readonly string[]): { flags: Given; yes: boolean; force: boolean; out: string } {
  const options = Object.fromEntries([...asked, 'out'].map((name) => [name, { type: 'string' as const }]))
  const switches = { yes: { type: 'boolean' as const }, force: { type: 'boolean' as const } }
  try {
    const { values } = parseArgs({ args: [...args], options: { ...options, ...switches }, strict: true })
    const { yes, force, out, ...flags } = values as Record<string, string | boolean | undefined>
    const target = typeof out === 'string' ? out : CONFIG_FILE
    return { flags: flags as Given, yes: yes === true, force: force === true, out: target }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown flag'
    throw new ConfigError(`${why}\nFlags: --yes --force --out ${asked.map((name) => `--${name}`).join(' ')}`, { cause })
  }
}

function defaultState(): string {
  const base = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  return join(base, 'cocoon-node')
}
