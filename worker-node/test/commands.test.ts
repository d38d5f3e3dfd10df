import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { networks, verifyStatement } from '@cocoon/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NodeStatus } from '../src/status.ts'
import { workerNode } from './daemon.ts'
import { Relay, until } from './relay.ts'
import { openAnswer, sealJob } from './sealed-job.ts'

let folder: string
let relay: Relay
const children: ReturnType<typeof workerNode>[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cocoon-commands-'))
  relay = await Relay.start()
})
afterEach(async () => {
  for (const { child } of children.splice(0)) child.kill('SIGKILL')
  await relay.stop()
  await rm(folder, { recursive: true, force: true })
})

function start(...args: string[]) {
  const node = workerNode(args, {}, folder)
  children.push(node)
  return node
}
const file = (more: string) => `
broker = "${relay.url}"
network = "localnet"
log = "json"
state = "${join(folder, 's')}"
health-port = 0
metrics = true
slots = 2
${more}
`
test('a node that a file describes: run, answer, status, another price, metrics, drain', async () => {
  await writeFile(join(folder, 'worker-node.toml'), file('price-completion = 7'))
  const node = start('run')
  await relay.joined()
  const ask = async () => {
    const model = 'cocoon-demo'
    const body = { model, messages: [{ role: 'user', content: 'What is Cocoon?' }], max_tokens: 8 }
    const job = await sealJob(relay.statement, { model, content: new TextEncoder().encode(JSON.stringify(body)) })
    relay.send(job.job)
    return openAnswer(job, await relay.answer(job.job.jobId))
  }
  expect((await ask()).text).not.toBe('')

  // It was measured before it joined, and says so in its offer.
  expect(JSON.parse(await node.line('engine.measured'))).toMatchObject({ model: 'cocoon-demo' })
  const joined = (await verifyStatement(relay.statement, networks.localnet)).statement
  expect(joined.offers[0]?.speed).toBeGreaterThan(0)

  const json = await start('status', '--json').ended
  const status = JSON.parse(json.out) as NodeStatus
  expect(status).toMatchObject({ link: 'up', draining: false, slots: 2, evidence: null, payee: null, faults: 0 })
  expect(status.models).toMatchObject([{ model: 'cocoon-demo', answered: 1, price: { completion: '7' } }])
  expect((await start('status').ended).out).toMatch(/takes jobs[^]*0 of 2 busy[^]*cocoon-demo/)

  await writeFile(join(folder, 'worker-node.toml'), file('price-completion = 9\nseconds = 60'))
  const before = relay.statement
  const reload = await start('reload').ended
  expect(reload.out).toBe('new prices: cocoon-demo\nchanged too, and waits for a restart: seconds\n')
  await until(() => relay.statement !== before, 'a statement with the new price')
  const { statement } = await verifyStatement(relay.statement, networks.localnet)
  expect(statement.offers[0]).toMatchObject({ speed: joined.offers[0]?.speed, price: { completion: 9n } })
  expect((await ask()).text).not.toBe('')

  await writeFile(join(folder, 'worker-node.toml'), file('price-completion = "much"'))
  node.child.kill('SIGHUP')
  expect(await node.line('settings.fault')).toMatch(/price-completion: a price is whole nanograms/)
  expect(await start('reload').ended).toMatchObject({ code: 2, err: expect.stringMatching(/price-completion/) })
  await writeFile(join(folder, 'worker-node.toml'), file(''))

  const { port } = JSON.parse(await node.line('health.up')) as { port: number }
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(metrics).toContain('cocoon_node_up 1\n')
  expect(metrics).toContain('cocoon_faults_total{event="settings.fault"} 1\n')

  const drain = await start('drain').ended
  expect(drain).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^(0 jobs are still running\n)?drained: the node has ended\n$/),
  })
  expect((await node.ended).code).toBe(0)
  expect(await start('status').ended).toMatchObject({ code: 2, err: expect.stringMatching(/no node runs/) })
})

test.each([
  [['dance'], /dance is no command/],
  [['status', '--colour'], /--colour/],
  [['status'], /--broker is missing/],
  [['status', '--state', '/nowhere'], /no node runs with --state \/nowhere/],
  [['drain', '--state', '/nowhere', '--seconds', 'soon'], /--seconds/],
])('%j leaves with 2 and says what to type', async (args, message) => {
  const { code, err } = await start(...args).ended
  expect([code, err]).toEqual([2, expect.stringMatching(message)])
  expect(err).not.toMatch(/\n\s+at /)
})

test('help and version are no mistakes', async () => {
  expect(await start('--help').ended).toMatchObject({ code: 0, out: expect.stringMatching(/init[^]*doctor/) })
  expect(await start('--version').ended).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})
