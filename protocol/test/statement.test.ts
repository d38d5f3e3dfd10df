import { beforeAll, describe, expect, it } from 'vitest'
import {
  createSigner,
  encodeCbor,
  equal,
  limits,
  MAX_STATEMENT_SECONDS,
  nodeIdOf,
  type Offer,
  signFor,
  signStatement,
  type Statement,
  verifyStatement,
} from '../src/index.ts'
import { bytesFrom, makeNode, network, type Node } from '../vectors/material.ts'
import { codeOf } from './refused.ts'

let node: Node, other: Node
beforeAll(async () => {
  ;[node, other] = await Promise.all([makeNode('node'), makeNode('other')])
})
const offer = (index: number): Offer => ({
  model: `m${index}`,
  context: 1,
  maxOutput: 1,
  price: { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n },
})
const refused = async (change: Partial<Statement>) =>
  codeOf(async () => verifyStatement(await signStatement({ ...node.statement, ...change }, node.signer), network))

describe('a statement', () => {
  it('tells who signed it, and its digest leaves the signature out', async () => {
    const verified = await verifyStatement(node.signed, network)
    expect(verified.statement).toEqual(node.statement)
    expect(verified.nodeId).toBe(await nodeIdOf(node.signer.publicKey))
    expect(verified.nodeId).toMatch(/^[0-9a-f]{64}$/)
    expect(equal(verified.digest, other.digest)).toBe(false)
  })

  it('of one node is not accepted under the signature of another', async () => {
    const swapped = { body: node.signed.body, signature: other.signed.signature }
    expect(await codeOf(() => verifyStatement(swapped, network))).toBe('bad-statement')
    expect(await codeOf(async () => verifyStatement(await signStatement(node.statement, other.signer), network))).toBe(
      'bad-statement',
    )
  })

  it('of another network is not accepted, though signed', async () => {
    expect(await codeOf(() => verifyStatement(node.signed, -239))).toBe('bad-statement')
    expect(await codeOf(() => verifyStatement(node.signed, -3))).toBe('bad-statement')
  })

  it('changed in any bit is not accepted', async () => {
    const { body, signature } = node.signed
    for (let at = 0; at < body.length; at += 37) {
      const changed = { signature, body: body.map((byte, i) => (i === at ? byte ^ 4 : byte)) }
      expect(['bad-statement', 'broken-encoding']).toContain(await codeOf(() => verifyStatement(changed, network)))
    }
    for (const at of [0, 31, 32, 63]) {
      const changed = { body, signature: signature.map((byte, i) => (i === at ? byte ^ 4 : byte)) }
      expect(await codeOf(() => verifyStatement(changed, network))).toBe('bad-statement')
    }
    expect(await codeOf(() => verifyStatement({ body, signature: new Uint8Array(0) }, network))).toBe('bad-statement')
  })

  it('has its dates in order, and at most ten minutes and a grace apart', async () => {
    const { notBefore } = node.statement
    expect(await refused({ useBy: notBefore + MAX_STATEMENT_SECONDS })).toBe('accepted')
    expect(await refused({ useBy: notBefore + MAX_STATEMENT_SECONDS + 1 })).toBe('broken-encoding')
    expect(await refused({ useBy: notBefore + 1 })).toBe('accepted')
    expect(await refused({ useBy: notBefore })).toBe('broken-encoding')
    expect(await refused({ useBy: notBefore - 1 })).toBe('broken-encoding')
  })

  it('offers one to 32 models, each once', async () => {
    const offers = Array.from({ length: 33 }, (_, i) => offer(i))
    expect(await refused({ offers: offers.slice(1) })).toBe('accepted')
    expect(await refused({ offers })).toBe('broken-encoding')
    expect(await refused({ offers: [] })).toBe('broken-encoding')
    expect(await refused({ offers: [offer(1), offer(2), offer(1)] })).toBe('broken-encoding')
  })

  it('has fields within their bounds', async () => {
    expect(await refused({ payee: '' })).toBe('broken-encoding')
    expect(await refused({ payee: 'x'.repeat(81) })).toBe('broken-encoding')
    expect(await refused({ payee: 'x'.repeat(80) })).toBe('accepted')
    expect(await refused({ limits: { request: limits.request, seconds: 1 } })).toBe('accepted')
    expect(await refused({ limits: { request: limits.request + 1, seconds: 1 } })).toBe('broken-encoding')
    expect(await refused({ limits: { request: 1, seconds: 0 } })).toBe('broken-encoding')
    expect(await refused({ offers: [{ ...offer(1), maxOutput: 0 }] })).toBe('broken-encoding')
    expect(await refused({ offers: [{ ...offer(1), context: 0 }] })).toBe('broken-encoding')
    expect(await refused({ offers: [{ ...offer(1), speed: 40 }] })).toBe('accepted')
    expect(await refused({ offers: [{ ...offer(1), speed: 0 }] })).toBe('broken-encoding')
    for (const model of ['x'.repeat(65), '', '/a', 'A', 'a b', 'a\n', 'ä']) {
      expect(await refused({ offers: [{ ...offer(1), model }] })).toBe('broken-encoding')
    }
    expect(await refused({ offers: [{ ...offer(1), model: 'x'.repeat(64) }] })).toBe('accepted')
    expect(await refused({ evidence: await bytesFrom('evidence') })).toBe('accepted')
    expect(await refused({ version: 2 as 1 })).toBe('broken-encoding')
  })

  it('has no field that is unknown', async () => {
    const body = encodeCbor({ ...node.statement, note: 'x' })
    const signature = await signFor('cocoon/1 statement', node.signer, body)
    expect(await codeOf(() => verifyStatement({ body, signature }, network))).toBe('broken-encoding')
  })

  it('larger than a small object is refused unread', async () => {
    const signature = await signFor('cocoon/1 statement', node.signer, new Uint8Array(limits.object + 1))
    const code = codeOf(() => verifyStatement({ body: new Uint8Array(limits.object + 1), signature }, network))
    expect(await code).toBe('broken-encoding')
    await expect(verifyStatement({ body: new Uint8Array(limits.object + 1), signature }, network)).rejects.toThrow(
      /larger/,
    )
  })

  it('signed for another purpose is not accepted', async () => {
    const signer = await createSigner(node.identitySeed)
    for (const purpose of [
      'cocoon/1 refusal',
      'cocoon/1 link challenge',
      'cocoon/1 sign-in',
      'cocoon/1 session renewal',
    ] as const) {
      const signature = await signFor(purpose, signer, node.signed.body)
      expect(await codeOf(() => verifyStatement({ body: node.signed.body, signature }, network))).toBe('bad-statement')
    }
  })
})
