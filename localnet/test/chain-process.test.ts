import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TonClient } from '@ton/ton'
import { Address } from '@ton/core'
import { expect, it } from 'vitest'
import { ChainControl } from '../src/chain/index.ts'
import { Supervisor } from '../src/supervisor.ts'

const file = fileURLToPath(new URL('../src/run-chain.ts', import.meta.url))

it('runs a chain as a process of its own, with everything deployed, and stops when told to', async () => {
  const failures: string[] = []
  const supervisor = new Supervisor((name) => failures.push(name))
  const origin = await supervisor.start('chain', file, { env: { PACE: '50' }, announces: true })
  const control = new ChainControl(origin)
  const { registry } = await control.deployment()
  const client = new TonClient({ endpoint: control.endpoint })
  expect(await client.isContractDeployed(Address.parse(registry))).toBe(true)
  expect((await control.status()).pace).toBe(50)
  await supervisor.stop()
  await expect(control.status()).rejects.toThrow('fetch failed')
  expect(failures).toEqual([])
}, 60_000)

it('goes when whoever started it is gone', async () => {
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, PACE: 'manual' },
  })
  await new Promise((resolve) => child.once('message', resolve))
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.disconnect()
  expect(await gone).toBe(0)
}, 60_000)

it('says what is wrong with its pace', async () => {
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PACE: 'fast' },
  })
  let said = ''
  child.stderr?.on('data', (text) => (said += String(text)))
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1)
  expect(said).toContain('PACE is instant, manual, or milliseconds')
}, 60_000)
