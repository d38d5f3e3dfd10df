import { type Bytes, encodeFrame } from '@cocoon/protocol'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi } from 'vitest'
import type { Account } from '../src/index.ts'
import { Question, TestUser } from './test-client.ts'
import { type TakenJob, TestNode } from './test-node.ts'
import type { Wire } from './wire.ts'

export interface Asking {
  readonly node: TestNode
  readonly user: TestUser
  readonly question: Question
  readonly wire: Wire
  readonly job: TakenJob
}

/** A question that has reached its node. */
export async function asking(content?: Bytes): Promise<Asking> {
  const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
  const question = await user.prepare(node, content)
  const wire = await user.connect(node.id)
  question.send(wire)
  return { node, user, question, wire, job: await node.takeJob() }
}

/** A frame of the node that nobody could open: the relay reads nine bytes of it. */
export function junkFrame({ question, node }: Asking, sequence: number, length: number, final = false): void {
  const ciphertext = new Uint8Array(length)
  const frame = encodeFrame({ sequence, final, nodeNonce: sequence === 0 ? new Uint8Array(32) : null, ciphertext })
  node.wire.send({ kind: 'frame', jobId: question.jobId, frame })
}

/** The rows a relay keeps, by table. */
export function stored(node: TestNode): Promise<{ jobs: number; batches: number; chunks: number }> {
  return runInDurableObject(node.relay, (_, { storage }) => {
    const count = (table: string): number => {
      return storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n
    }
    return { jobs: count('jobs'), batches: count('batches'), chunks: count('chunks') }
  })
}

/** Waits until the relay knows that this reader is gone. */
export async function readerLeaves(node: TestNode, wire: Wire): Promise<void> {
  wire.close(1000)
  await expect.poll(() => runInDurableObject(node.relay, (_, ctx) => ctx.getWebSockets('client').length)).toBe(0)
}

/** Since when a relay has missed its node; null while it is here. */
export function goneSince(node: TestNode): Promise<number | null> {
  return runInDurableObject(node.relay, (_, { storage }) => {
    return storage.sql.exec<{ gone: number | null }>('SELECT gone FROM link').one().gone
  })
}

/** The node's socket breaks; resolves when the relay knows. */
export async function nodeLeaves(node: TestNode): Promise<void> {
  node.wire.close(1000)
  await expect.poll(() => goneSince(node)).not.toBeNull()
}

/** What is in an object's memory is lost and every socket breaks, as in a crash or a deploy. */
export function crash(stub: DurableObjectStub): Promise<void> {
  return evictDurableObject(stub, { webSockets: 'close' })
}

/** The same in the middle of whatever the object is doing. */
export async function abort(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, ctx) => ctx.abort('crash')).catch(() => undefined)
}

export const NOTHING = { jobs: 0, batches: 0, chunks: 0 }

/** Questions this user has asked, as their account counts them. */
export async function used(user: TestUser): Promise<number> {
  const account = env.ACCOUNT.getByName(user.name) as DurableObjectStub<Account>
  const { left, of } = await account.trial(100)
  return of - left
}

/** The clock of the broker jumps; give it back with `vi.useRealTimers()`. */
export function later(milliseconds: number): void {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(now + milliseconds)
}
