import { encodeCbor, networks, readHeader, utf8 } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { later, NOTHING, stored, used } from './asking.ts'
import { nowSeconds, TestUser } from './test-client.ts'
import { TestNode } from './test-node.ts'
import type { Wire } from './wire.ts'

const MEGABYTE = 1024 * 1024
let node: TestNode
let user: TestUser
let wire: Wire

beforeEach(async () => {
  ;[node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
  wire = await user.connect(node.id)
})
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** What the broker says of a job that it does not pass on; nothing of it stays, and no question is taken. */
async function stopped(): Promise<string> {
  const { code } = await wire.next('stopped')
  expect((await node.wire.quiet()).map(({ kind }) => kind)).toEqual([])
  expect(await stored(node)).toEqual(NOTHING)
  expect(await used(user)).toBe(0)
  return code
}

describe('an upload', () => {
  it('needs the digest of header and body as its job id', async () => {
    const { open } = await user.prepare(node)
    open.body[40] = (open.body[40] ?? 0) ^ 1
    wire.send(open)
    expect(await stopped()).toBe('malformed')
  })

  it('needs that digest over chunks too', async () => {
    const question = await user.prepare(node, new Uint8Array(MEGABYTE + 1))
    wire.send(question.open)
    for (const chunk of question.chunks) wire.send({ ...chunk, body: chunk.body.map((byte) => byte ^ 1) })
    expect(await stopped()).toBe('malformed')
  })

  it('is refused when its chunks grow longer than announced', async () => {
    const question = await user.prepare(node, new Uint8Array(MEGABYTE + 1))
    wire.send(question.open)
    for (const chunk of question.chunks.slice(0, -1)) wire.send(chunk)
    wire.send({ kind: 'chunk', jobId: question.jobId, body: new Uint8Array(MEGABYTE) })
    expect(await stopped()).toBe('malformed')
  })

  it('is refused in a great number of small pieces', async () => {
    const question = await user.prepare(node, new Uint8Array(MEGABYTE + 1))
    wire.send(question.open)
    for (let piece = 0; piece < 17; piece++)
      wire.send({ kind: 'chunk', jobId: question.jobId, body: new Uint8Array(1) })
    expect(await stopped()).toBe('malformed')
  })

  it('takes no chunk more when it is whole, and loses nothing by it', async () => {
    const question = await user.prepare(node)
    question.send(wire)
    wire.send({ kind: 'chunk', jobId: question.jobId, body: utf8('more') })
    expect((await wire.next('stopped')).code).toBe('wrong-order')
    await node.takeJob()
    expect(await stored(node)).toMatchObject({ jobs: 1 })
    expect(await used(user)).toBe(1)
  })

  it('has no chunk without a first message', async () => {
    wire.send({ kind: 'chunk', jobId: new Uint8Array(32), body: utf8('what') })
    expect(await stopped()).toBe('unknown-job')
  })

  it('is dropped when its reader cancels or leaves before it is whole', async () => {
    const question = await user.prepare(node, new Uint8Array(MEGABYTE + 1))
    wire.send(question.open)
    wire.send(question.cancel)
    const second = await user.prepare(node, new Uint8Array(MEGABYTE + 1))
    wire.send(second.open)
    await expect.poll(() => stored(node)).toEqual({ jobs: 1, batches: 0, chunks: 1 })
    wire.close(1000)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    expect(await node.wire.quiet()).toEqual([])
  })

  it('that broke off is begun anew by the same first message', async () => {
    const question = await user.prepare(node, new Uint8Array(2 * MEGABYTE))
    wire.send(question.open)
    if (question.chunks[0]) wire.send(question.chunks[0])
    const second = await user.connect(node.id)
    question.send(second)
    expect((await node.takeJob()).content.length).toBe(2 * MEGABYTE)
  })

  it('that broke off cannot be resumed: match again', async () => {
    const question = await user.prepare(node, new Uint8Array(MEGABYTE + 1))
    wire.send(question.open)
    question.resume(wire, 0)
    expect(await stopped()).toBe('lease-expired')
  })
})

describe('a lease', () => {
  it.each([
    ['of another user', { user: 'key:00' }],
    ['for another node', { node: 'ab'.repeat(32) }],
    ['that is over', { expires: nowSeconds() - 1 }],
  ])('%s opens nothing', async (_, changes) => {
    const question = await user.prepare(node, undefined, await user.lease(node, changes))
    question.send(wire)
    expect(await stopped()).toBe('lease-expired')
  })

  it('that was tampered with opens nothing', async () => {
    const lease = await user.lease(node)
    const question = await user.prepare(node, undefined, `${lease.slice(0, -2)}AA`)
    question.send(wire)
    expect(await stopped()).toBe('lease-expired')
  })

  it('is no session, and a session no lease', async () => {
    const question = await user.prepare(node, undefined, user.token)
    question.send(wire)
    expect(await stopped()).toBe('lease-expired')
  })

  it('is good for one job', async () => {
    const lease = await user.lease(node)
    const first = await user.prepare(node, undefined, lease)
    first.send(wire)
    await node.takeJob()
    const second = await user.prepare(node, undefined, lease)
    second.send(wire)
    expect(await wire.next('stopped')).toMatchObject({ jobId: second.jobId, code: 'lease-expired' })
    expect(await used(user)).toBe(1)
  })

  it('expires by the clock of the broker', async () => {
    const question = await user.prepare(node)
    later(31_000)
    question.send(wire)
    expect(await stopped()).toBe('lease-expired')
  })

  it('is for the model that the header names', async () => {
    const question = await user.prepare(node, undefined, await user.lease(node, { model: 'another-model' }))
    question.send(wire)
    expect(await stopped()).toBe('malformed')
  })
})

describe('a header', () => {
  it.each([
    ['of another network', { network: networks.mainnet }],
    ['of another version', { version: 2 }],
  ])('%s is refused', async (_, changes) => {
    const { open } = await user.prepare(node)
    const header = readHeader(open.header, networks.localnet)
    wire.send({ ...open, header: encodeCbor({ ...header, ...changes }) })
    expect(await stopped()).toBe('malformed')
  })

  it('that is none is refused', async () => {
    const { open } = await user.prepare(node)
    wire.send({ ...open, header: utf8('header') })
    expect(await stopped()).toBe('malformed')
  })
})
