import {
  base64url,
  createSigner,
  linkChallenge,
  networks,
  nodeIdOf,
  signFor,
  signStatement,
  type Statement,
} from '@cocoon/protocol'
import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type NodeAttachment, verifyHello, verifyOffer } from '../src/node-link.ts'
import { settingsOf } from '../src/settings.ts'
import { Matcher } from '../src/matcher.ts'
import { asking, goneSince } from './asking.ts'
import { TestUser } from './test-client.ts'
import { MODEL, TestNode } from './test-node.ts'

afterEach(reset)

const PRICE = { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n }

/** How the broker closes the socket of a node that says this. */
async function refusal(node: TestNode, changes: Parameters<TestNode['hello']>[1] = {}): Promise<string> {
  const wire = await node.dial()
  wire.send(await node.hello(await wire.next('challenge'), changes))
  const { code, reason } = await wire.closed
  return `${code} ${reason}`
}

async function nodes(): Promise<number> {
  return (await env.MATCHER.getByName(`${MODEL}|world`).summary()).nodes
}

describe('a hello', () => {
  it('makes a node known, with its price and its slots', async () => {
    const node = await TestNode.joined({}, 3)
    const { free, price, context } = await env.MATCHER.getByName(`${MODEL}|world`).summary()
    expect({ free, price, context }).toEqual({
      free: 3,
      price: { prompt: '1000', cached: '100', completion: '4000', reasoning: '4000' },
      context: 2048,
    })
    expect(node.wire.open).toBe(true)
  })

  it('names no more free slots than there are, and no more slots than jobs a node may hold', async () => {
    const node = await TestNode.create()
    await node.join({ slots: Number.MAX_SAFE_INTEGER, free: Number.MAX_SAFE_INTEGER })
    expect(await env.MATCHER.getByName(`${MODEL}|world`).summary()).toMatchObject({ free: 256 })
    node.wire.send({ kind: 'load', slots: 2, free: 9, draining: false })
    await expect.poll(async () => (await env.MATCHER.getByName(`${MODEL}|world`).summary()).free).toBe(2)
    node.wire.send({ kind: 'load', slots: 2, free: 2, draining: true })
    await expect.poll(async () => (await env.MATCHER.getByName(`${MODEL}|world`).summary()).free).toBe(0)
  })

  it('of another identity than the address names is refused', async () => {
    const [node, other] = await Promise.all([TestNode.create(), TestNode.create()])
    node.statement = other.statement
    expect(await refusal(node)).toBe('4403 the identity key is not the one of this node id')
  })

  it('whose challenge another key signed is refused', async () => {
    const [node, other] = await Promise.all([TestNode.create(), createSigner()])
    const wire = await node.dial()
    const { nonce } = await wire.next('challenge')
    const signature = await signFor('cocoon/1 link challenge', other, linkChallenge(nonce, 'broker.test'))
    wire.send(await node.hello({ kind: 'challenge', nonce, network: networks.localnet }, { signature }))
    expect((await wire.closed).reason).toBe('the challenge is not signed by the identity key')
  })

  it('signed for another socket, or for another broker, is refused', async () => {
    const node = await TestNode.create()
    const [wire, other] = await Promise.all([node.dial(), node.dial()])
    wire.send(await node.hello(await other.next('challenge')))
    expect((await wire.closed).reason).toBe('the challenge is not signed by the identity key')
    const { nonce } = await (await node.dial()).next('challenge')
    const signature = await signFor('cocoon/1 link challenge', node.signer, linkChallenge(nonce, 'another.test'))
    expect(await refusal(node, { signature })).toBe('4403 the challenge is not signed by the identity key')
  })

  it('with a statement that somebody changed is refused', async () => {
    const node = await TestNode.create()
    const { body, signature } = node.statement
    signature[0] = (signature[0] ?? 0) ^ 1
    expect(await refusal(node, { statement: { body, signature } })).toBe(
      '4403 statement is not signed by its identity key',
    )
  })

  it('with a statement for another network is refused', async () => {
    expect(await refusal(await TestNode.create({ network: networks.mainnet }))).toBe(
      '4403 statement is for another network',
    )
  })

  it('with bytes that are no statement closes as malformed', async () => {
    const node = await TestNode.create()
    const statement = await signStatement({ version: 2 } as unknown as Statement, node.signer)
    expect(await refusal(node, { statement })).toMatch(/^4400 unexpected object/)
  })

  it('that offers no model of ours is told which there are, and costs its earlier socket nothing', async () => {
    const node = await TestNode.joined()
    const offers = [{ model: 'llama', context: 10, maxOutput: 10, price: PRICE }]
    const statement = await node.newStatement({ offers })
    expect(await refusal(node, { statement })).toBe(
      '4403 this broker carries none of the models offered; it carries: cocoon-demo',
    )
    expect(node.wire.open).toBe(true)
    expect(await nodes()).toBe(1)
  })

  it('is told when the broker has no room for one more node with its model, and leaves nothing listed', async () => {
    const full = (async () => false) as unknown as Matcher['offer']
    vi.spyOn(Matcher.prototype, 'offer').mockImplementation(full)
    const node = await TestNode.create()
    expect(await refusal(node)).toBe('4403 this broker lists no more nodes for cocoon-demo in its region')
    expect(await goneSince(node)).toBeGreaterThan(0)
    vi.restoreAllMocks()
    expect(await nodes()).toBe(0)
    await node.join()
    expect(await nodes()).toBe(1)
  })

  it('without evidence joins a development network alone', async () => {
    const node = await TestNode.create({ network: networks.testnet })
    const testnet = settingsOf({ ...env, NETWORK: 'testnet' })
    const code = verifyOffer(node.statement, node.id, testnet).catch((error: unknown) => error)
    expect(await code).toMatchObject({ code: 'not-attested' })
    node.statement = await node.newStatement({ network: networks.testnet, evidence: new Uint8Array(32) })
    expect((await verifyOffer(node.statement, node.id, testnet)).nodeId).toBe(node.id)
  })

  it('is checked whole by one function, which says what is wrong', async () => {
    const node = await TestNode.create()
    const challenge = { kind: 'challenge', nonce: new Uint8Array(32), network: networks.localnet } as const
    const socket = { node: node.id, host: 'broker.test', challenge: 'A'.repeat(43) } as NodeAttachment
    const settings = settingsOf(env)
    const hello = await node.hello(challenge)
    expect((await verifyHello(hello, socket, settings)).nodeId).toBe(node.id)
    const failing = verifyHello(hello, { ...socket, host: 'another.test' }, settings).catch((error: unknown) => error)
    expect(await failing).toMatchObject({ code: 'bad-statement' })
  })

  it('comes first: a frame, a load or a second hello in its place closes the socket', async () => {
    const node = await TestNode.create()
    const early = await node.dial()
    early.send({ kind: 'frame', jobId: new Uint8Array(32), frame: new Uint8Array(600) })
    expect(await early.closed).toEqual({ code: 4400, reason: 'a node says hello first' })
    const loading = await node.dial()
    loading.send({ kind: 'load', slots: 1, free: 1, draining: false })
    expect(await loading.closed).toEqual({ code: 4400, reason: 'a node says hello first' })
    const twice = await node.dial()
    const hello = await node.hello(await twice.next('challenge'))
    twice.send(hello)
    twice.send(hello)
    expect((await twice.closed).code).toBe(4400)
  })

  it('is not heard from a client, nor a question from a node', async () => {
    const { node, user, question } = await asking()
    const wire = await user.connect(node.id)
    wire.send(await node.hello({ kind: 'challenge', nonce: new Uint8Array(32), network: networks.localnet }))
    expect(await wire.closed).toEqual({ code: 4400, reason: 'a client does not send hello' })
    node.wire.send(question.open)
    expect(await node.wire.closed).toEqual({ code: 4400, reason: 'a node does not send open' })
  })
})

describe('a newer statement', () => {
  it('replaces the older, also in what is leased', async () => {
    const node = await TestNode.joined()
    node.statement = await node.newStatement({ payee: 'somebody' })
    node.wire.send({ kind: 'statement', statement: node.statement })
    await node.wire.next('joined')
    const user = await TestUser.signIn()
    const { statement } = await user.match()
    const question = await user.prepare(node)
    expect(statement.body).toBe(base64url(node.statement.body))
    question.send(await user.connect(node.id))
    expect((await node.takeJob()).jobId).toEqual(question.jobId)
  })

  it('by somebody else closes the socket and takes the node off the list', async () => {
    const [node, other] = await Promise.all([TestNode.joined(), TestNode.create()])
    node.wire.send({ kind: 'statement', statement: other.statement })
    expect(await node.wire.closed).toEqual({ code: 4403, reason: 'the identity key is not the one of this node id' })
    await expect.poll(nodes).toBe(0)
  })

  it('keeps the load that came while it was checked', async () => {
    const node = await TestNode.joined()
    node.wire.send({ kind: 'statement', statement: await node.newStatement() })
    node.wire.send({ kind: 'load', slots: 4, free: 1, draining: false })
    await node.wire.next('joined')
    await expect.poll(async () => (await env.MATCHER.getByName(`${MODEL}|world`).summary()).free).toBe(1)
    const load = await runInDurableObject(node.relay, (_, ctx) => {
      return ctx.getWebSockets('node')[0]?.deserializeAttachment() as NodeAttachment
    })
    expect(load.free).toBe(1)
    expect(await nodeIdOf(node.signer.publicKey)).toBe(load.node)
  })
})
