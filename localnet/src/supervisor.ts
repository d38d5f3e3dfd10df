import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Gets every line the child writes. */
  readonly line?: (name: string, line: string) => void
  /** The child says where it listens (child.ts); otherwise it counts as started at once. */
  readonly announces?: boolean
}

interface Child {
  readonly name: string
  readonly process: ChildProcess
  expected: boolean
}

/**
 * Starts processes, each in its own group, and stops every group, newest first, on any way out of this process. An IPC
 * channel to each child closes with this process, so even a killed supervisor leaves nobody behind.
 */
export class Supervisor {
  readonly #children: Child[] = []
  #stopping: Promise<void> | undefined
  /** Called when a child ends by itself. */
  readonly #failed: (name: string, how: string) => void

  constructor(failed: (name: string, how: string) => void) {
    this.#failed = failed
    process.on('exit', () => this.#killAll('SIGKILL'))
  }

  start(name: string, file: string, options: ChildOptions = {}): Promise<string> {
    const { args = [], env = {}, line, announces = false } = options
    const child = spawn(process.execPath, [file, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    })
    const entry: Child = { name, process: child, expected: false }
    this.#children.push(entry)
    const last: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue
      createInterface(stream).on('line', (text) => {
        last.push(text)
        if (last.length > 20) last.shift()
        line?.(name, text)
      })
    }
    return new Promise((resolve, reject) => {
      if (!announces) child.once('spawn', () => resolve(''))
      child.on('message', (message: { url: string }) => resolve(message.url))
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        if (this.#stopping || entry.expected) return
        const how = `${name} ended (${signal ?? code})\n${last.join('\n')}`
        reject(new Error(how))
        this.#failed(name, how)
      })
    })
  }

  /** Ends one child, as a crash or a stop would. */
  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.findLast((candidate) => candidate.name === name && !candidate.expected)
    if (!child) throw new RangeError(`no child ${name}`)
    child.expected = true
    await this.#endChild(child, signal)
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll(): Promise<void> {
    const late = setTimeout(() => this.#killAll('SIGKILL'), 8000)
    for (const child of this.#children.toReversed()) await this.#endChild(child, 'SIGTERM')
    clearTimeout(late)
  }

  async #endChild({ process: child }: Child, signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    signalGroup(child, signal)
    await gone
  }

  #killAll(signal: NodeJS.Signals): void {
    for (const { process: child } of this.#children) signalGroup(child, signal)
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal)
  } catch {
    // The group is gone.
  }
}
