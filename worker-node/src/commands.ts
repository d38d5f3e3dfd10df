import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CONFIG_FILE, ConfigError, readSettings } from './config.ts'
import { askControl } from './control.ts'
import type { Reload } from './reload.ts'
import { type NodeStatus, statusText } from './status.ts'

const REFRESH = 1_000

const usage = `usage: worker-node <command> [flags]

  init       asks what is needed and writes ${CONFIG_FILE}; with --yes it asks nothing
  doctor     looks for what would keep this node from earning, and says what to do about it
  run        the daemon
  status     what a running node does now; --watch goes on, --json is for programs
  reload     prices of a running node as the file says now
  drain      takes no new job, ends when the running ones did; --seconds N at the latest
  evidence   what this machine can show of itself, in files

Settings: flags, over COCOON_… in the environment, over ${CONFIG_FILE} (--config FILE for another).
Exit codes: 0 done, 1 a fault, 2 something to change: the message says what.`

export function isHelp(word: string): boolean {
  return word === '--help' || word === '-h' || word === 'help' || word === '--version'
}

/** Every command but the daemon itself. Each is loaded when it is asked for. */
export async function runCommand(name: string, args: readonly string[]): Promise<void> {
  const print = (text: string): void => console.log(text)
  switch (name) {
    case 'init': {
      const { initCommand } = await import('./init-command.ts')
      return initCommand(args, print)
    }
    case 'doctor': {
      const { doctorCommand } = await import('./doctor-command.ts')
      return doctorCommand(args, print)
    }
    case 'status':
      return statusCommand(args)
    case 'drain':
      return drainCommand(args)
    case 'reload':
      return reloadCommand(args)
    case 'evidence': {
      const { evidenceCommand } = await import('./evidence-command.ts')
      return evidenceCommand({ args, environment: process.env, now: Date.now, print })
    }
    case '--version':
      return print(version())
    default:
      if (!isHelp(name)) throw new ConfigError(`${name} is no command\n\n${usage}`)
      print(usage)
  }
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

interface ControlFlags {
  readonly state: string
  readonly own: Readonly<Record<string, string | boolean | undefined>>
}

/** Flags of the command, and the folder of the running node: a flag, a variable, or what the file says. */
function controlFlags(args: readonly string[], own: Record<string, { type: 'string' | 'boolean' }>): ControlFlags {
  const options = { ...own, state: { type: 'string' as const }, config: { type: 'string' as const } }
  let flags: Record<string, string | boolean | undefined>
  try {
    flags = parseArgs({ args: [...args], options, strict: true }).values
  } catch (cause) {
    throw new ConfigError(`${cause instanceof Error ? cause.message : 'unknown flag'}\n\n${usage}`, { cause })
  }
  const named = flags['state'] ?? process.env['COCOON_STATE']
  if (typeof named === 'string') return { state: named, own: flags }
  const config = typeof flags['config'] === 'string' ? ['--config', flags['config']] : []
  const { state } = readSettings(config, process.env)
  if (state === undefined) {
    throw new ConfigError('--state is missing: give the folder that the node runs with, or name it in the file')
  }
  return { state, own: flags }
}

async function statusCommand(args: readonly string[]): Promise<void> {
  const { state, own } = controlFlags(args, { watch: { type: 'boolean' }, json: { type: 'boolean' } })
  for (;;) {
    const status = (await askControl(state, 'GET', '/status')) as NodeStatus
    const text = own['json'] ? `${JSON.stringify(status)}\n` : statusText(status, Date.now())
    // Home, and clear what is below: the terminal does not flicker as with a cleared screen.
    process.stdout.write(own['watch'] && !own['json'] ? `\u001b[H\u001b[J${text}` : text)
    if (!own['watch']) return
    await new Promise((resolve) => setTimeout(resolve, REFRESH))
  }
}

async function drainCommand(args: readonly string[]): Promise<void> {
  const { state, own } = controlFlags(args, { seconds: { type: 'string' } })
  const { seconds } = own
  if (seconds !== undefined && !/^\d{1,5}$/.test(String(seconds))) {
    throw new ConfigError('--seconds: is a whole number of seconds, such as 60')
  }
  await askControl(state, 'POST', '/drain', String(seconds ?? ''))
  for (let left: NodeStatus | undefined; ;) {
    const status = await statusOrGone(state)
    if (status === 'gone') return console.log('drained: the node has ended')
    const running = ({ models }: NodeStatus): number => models.reduce((sum, model) => sum + model.running, 0)
    if (!left || running(left) !== running(status)) console.log(`${running(status)} jobs are still running`)
    left = status
    await new Promise((resolve) => setTimeout(resolve, REFRESH))
  }
}

/** A node that is merely slow to answer has not ended. */
async function statusOrGone(state: string): Promise<NodeStatus | 'gone'> {
  for (;;) {
    try {
      return (await askControl(state, 'GET', '/status')) as NodeStatus
    } catch (error) {
      const cause = error instanceof ConfigError ? error.cause : undefined
      const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') return 'gone'
      if (cause === undefined) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH))
  }
}

async function reloadCommand(args: readonly string[]): Promise<void> {
  const { state } = controlFlags(args, {})
  const { repriced, waiting } = (await askControl(state, 'POST', '/reload')) as Reload
  console.log(repriced.length === 0 ? 'no price changed' : `new prices: ${repriced.join(', ')}`)
  if (waiting.length > 0) console.log(`changed too, and waits for a restart: ${waiting.join(', ')}`)
}
