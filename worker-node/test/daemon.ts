import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** `worker-node`, as a provider would type it, away from every file that could be read by chance. */
export function workerNode(args: readonly string[], environment: Record<string, string> = {}, cwd = '/') {
  const env = { PATH: process.env['PATH'] ?? '', ...environment }
  const child = spawn(process.execPath, [main, ...args], { env, cwd })
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (err += data.toString()))
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }))
  })
  /** The first line of its log about this event. */
  const line = async (event: string): Promise<string> => {
    for (;;) {
      const found = out.split('\n').find((text) => text.includes(`"event":"${event}"`))
      if (found) return found
      if (child.exitCode !== null) throw new Error(`ended before ${event}: ${err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { child, ended, line, heard: () => out }
}
