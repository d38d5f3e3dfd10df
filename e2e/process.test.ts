import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

function descendants(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = table.split('\n').map((row) => row.trim().split(/\s+/).map(Number))
  const below = (parent: number): number[] => {
    return pairs.flatMap(([child, of]) => (of === parent && child !== undefined ? [child, ...below(child)] : []))
  }
  return below(pid)
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function untilPrinted(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
      if (pattern.test(text)) resolve(text)
    })
    child.on('exit', () => reject(new Error(`ended before it printed ${pattern}:\n${text}`)))
  })
}

function run(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
}

describe('the commands at the root', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    it(`start says where it listens and leaves nobody behind on ${signal}`, async () => {
      const child = run('scripts/run.mjs', 'start')
      const printed = await untilPrinted(child, /Ctrl-C/)
      const link = /open +(\S+)/.exec(printed)?.[1] ?? ''
      expect((await fetch(link, { redirect: 'manual' })).status).toBe(302)
      const family = descendants(child.pid ?? 0)
      expect(family.length).toBeGreaterThan(2)
      child.kill(signal)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await expect.poll(() => family.filter(alive), { timeout: 15_000 }).toEqual([])
    })
  }

  it('ask streams an answer of the running system', async () => {
    const system = run('scripts/run.mjs', 'start')
    await untilPrinted(system, /Ctrl-C/)
    const ask = run('scripts/run.mjs', 'ask', 'Repeat this word: terminal')
    expect(await untilPrinted(ask, /terminal/)).toContain('terminal')
    const [code] = (await once(ask, 'exit')) as [number]
    expect(code).toBe(0)
    system.kill('SIGINT')
    await once(system, 'exit')
  })

  it('smoke prints one line of JSON last and exits with 0', async () => {
    const child = run('scripts/run.mjs', 'smoke', '--prompt', 'Repeat this word: smokesig')
    let text = ''
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()))
    const [code] = (await once(child, 'exit')) as [number]
    const outcome: unknown = JSON.parse(text.trim().split('\n').at(-1) ?? '')
    expect(outcome).toMatchObject({ ok: true, answer: 'smokesig', model: 'cocoon-demo' })
    expect(code).toBe(0)
  })
})
