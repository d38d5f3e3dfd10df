import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError } from '../src/config.ts'
import { askControl, type Controls, serveControl, socketPath } from '../src/control.ts'
import type { NodeStatus } from '../src/status.ts'

let folder: string
const open: { close(): void }[] = []
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'cocoon-control-')), 'state')
})
afterEach(async () => {
  for (const server of open.splice(0)) server.close()
  await rm(join(folder, '..'), { recursive: true, force: true })
})

async function serve(more: Partial<Controls> = {}): Promise<(number | undefined)[]> {
  const drains: (number | undefined)[] = []
  const controls: Controls = {
    status: () => ({ version: 1, node: 'n' }) as NodeStatus,
    drain: (patience) => void drains.push(patience),
    reload: async () => ({ repriced: ['m'], waiting: [] }),
    ...more,
  }
  open.push(await serveControl(folder, controls))
  return drains
}

test('answers whoever may open its folder, which is nobody else', async () => {
  const drains = await serve()
  expect(await askControl(folder, 'GET', '/status')).toEqual({ version: 1, node: 'n' })
  expect(await askControl(folder, 'POST', '/reload')).toEqual({ repriced: ['m'], waiting: [] })
  await askControl(folder, 'POST', '/drain', '60')
  await askControl(folder, 'POST', '/drain', 'soon')
  expect(drains).toEqual([60_000, undefined])
  await expect(askControl(folder, 'POST', '/status')).rejects.toThrow(/not known here/)
  await expect(askControl(folder, 'POST', '/drain', 'x'.repeat(5000))).rejects.toThrow(ConfigError)
  expect((await stat(folder)).mode & 0o077).toBe(0)
  expect((await stat(socketPath(folder))).mode & 0o077).toBe(0)
})

test('says why it did not reload', async () => {
  await serve({ reload: () => Promise.reject(new ConfigError('worker-node.toml:2: slots: slots is at least 1')) })
  await expect(askControl(folder, 'POST', '/reload')).rejects.toThrow('worker-node.toml:2: slots: slots is at least 1')
})

test('two nodes do not share a folder; one that was killed leaves it usable', async () => {
  await serve()
  await expect(serve()).rejects.toThrow(/another node runs/)
  for (const server of open.splice(0)) server.close()
  await serve()
  expect(await askControl(folder, 'GET', '/status')).toMatchObject({ node: 'n' })
})

test('says what to do where no node runs, and where a path is too long', async () => {
  await expect(askControl(folder, 'GET', '/status')).rejects.toThrow(/no node runs .*`worker-node run`/)
  expect(() => socketPath(join(folder, 'x'.repeat(100)))).toThrow(/--state: the path is too long/)
})
