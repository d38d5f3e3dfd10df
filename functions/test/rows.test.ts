import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { later, NOTHING, stored } from './asking.ts'
import { Question, TestUser } from './test-client.ts'
import { MODEL, TestNode } from './test-node.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** What Cloudflare bills of an object: rows, calls and sockets, and messages that come in over a socket. */
interface Billed {
  written: number
  read: number
  calls: number
  messages: number
}

/** What `npm run bench` reads of a test, and makes the bill of. */
declare module 'vitest' {
  interface TaskMeta {
    /** Of one job, all objects together. */
    job?: Billed
  }
}

const restore: (() => void)[] = []
afterEach(() => {
  for (const back of restore.splice(0)) back()
})

/** The outermost method alone is a call: what an object does within one costs nothing. */
function countCalls(instance: object, count: Billed): void {
  const prototype = Object.getPrototypeOf(instance) as Record<string, unknown>
  let inside = false
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name]
    if (name === 'constructor' || typeof method !== 'function') continue
    prototype[name] = function (this: object, ...given: unknown[]): unknown {
      const outermost = this === instance && !inside
      if (outermost && name === 'webSocketMessage') count.messages++
      else if (outermost && !name.startsWith('webSocket')) count.calls++
      if (!outermost) return method.apply(this, given)
      inside = true
      try {
        return method.apply(this, given)
      } finally {
        inside = false
      }
    }
    restore.push(() => (prototype[name] = method))
  }
}

/** Counts from now on, alarms included. */
async function countBilled(stub: DurableObjectStub): Promise<Billed> {
  const count = { written: 0, read: 0, calls: 0, messages: 0 }
  await runInDurableObject(stub, (instance, { storage }) => {
    countCalls(instance, count)
    const exec = storage.sql.exec.bind(storage.sql)
    storage.sql.exec = ((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings)
      const rows = cursor.toArray()
      count.written += cursor.rowsWritten
      count.read += cursor.rowsRead
      return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows[Symbol.iterator]() }
    }) as unknown as typeof storage.sql.exec
    const setAlarm = storage.setAlarm.bind(storage)
    storage.setAlarm = (...at) => {
      count.written += 1
      return setAlarm(...at)
    }
  })
  return count
}

interface JobShape {
  /** Frames of content. */
  readonly frames: number
  readonly bodyBytes?: number
  /** How many times thirty seconds it goes on. */
  readonly lasts?: number
}

/** A job from its match until nothing is left of it. Not the first of its user, its node and its day. */
async function rowsOf(
  shape: JobShape,
): Promise<{ rows: Record<'relay' | 'account' | 'matcher', number>; all: Billed }> {
  const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
  const account = env.ACCOUNT.getByName(user.name)
  const matching = env.MATCHER.getByName(`${MODEL}|world`)
  await runDurableObjectAlarm(node.relay)
  await job(node, user, { frames: 1 })
  const [relay, accounts, matcher] = await Promise.all([node.relay, account, matching].map(countBilled))
  await job(node, user, shape)
  const written = (billed: Billed | undefined): number => billed?.written ?? 0
  const rows = { relay: written(relay), account: written(accounts), matcher: written(matcher) }
  const sum = (what: keyof Billed) => (relay?.[what] ?? 0) + (accounts?.[what] ?? 0) + (matcher?.[what] ?? 0)
  return { rows, all: { written: sum('written'), read: sum('read'), calls: sum('calls'), messages: sum('messages') } }
}

async function job(node: TestNode, user: TestUser, { frames, bodyBytes = 0, lasts = 0 }: JobShape): Promise<void> {
  const question = await Question.seal(await user.match(), new Uint8Array(bodyBytes))
  const wire = await user.connect(node.id)
  question.send(wire)
  const taken = await node.takeJob()
  node.load(3)
  for (let frame = 0; frame < frames; frame++) await taken.say('word')
  await question.read(wire, frames)
  for (let pause = 1; pause <= lasts; pause++) {
    later(30_000)
    // As a node does every two seconds with what is not acknowledged.
    taken.resend(frames + pause - 2)
    await taken.acknowledged(frames + pause - 1)
    await taken.say('later')
    await question.read(wire, 1)
  }
  await taken.finish()
  await question.read(wire)
  node.load(4)
  question.acknowledge(wire)
  await expect.poll(() => stored(node)).toEqual(NOTHING)
  await wire.quiet()
}

/** storage-schema.md and docs/operating.md give these numbers; a change here is a change of what a job costs. */
describe('the rows that a job writes', () => {
  it('are three for a short answer that its reader takes', async ({ task }) => {
    const { rows, all } = await rowsOf({ frames: 15 })
    task.meta.job = all
    expect(rows).toEqual({ relay: 2, account: 1, matcher: 0 })
    expect(all.read).toBeLessThan(20)
    // Calls: lease, socket, hold, load twice. Messages: open, ack, load twice, 16 frames.
    expect([all.calls, all.messages]).toEqual([5, 20])
  })

  it('are as many for a long one of less than thirty seconds', async ({ task }) => {
    const { rows, all } = await rowsOf({ frames: 200 })
    task.meta.job = all
    expect(rows).toEqual({ relay: 2, account: 1, matcher: 0 })
    // 200 frames of content and the final one are padded to 208.
    expect([all.calls, all.messages]).toEqual([5, 212])
  })

  it('grow by two for every thirty seconds that it goes on', async () => {
    expect((await rowsOf({ frames: 20, lasts: 2 })).rows).toEqual({ relay: 2 + 2 * 2, account: 1, matcher: 0 })
  })

  it('grow by two for every 128 KiB of it', async () => {
    // 600 frames of 560 bytes are two batches and a rest.
    expect((await rowsOf({ frames: 600 })).rows).toEqual({ relay: 2 + 2 * 2, account: 1, matcher: 0 })
  })

  it('grow by two for every piece of a body that takes more than one, by one when it is whole, and by an alarm', async () => {
    const { rows } = await rowsOf({ frames: 10, bodyBytes: 2.5 * 1024 * 1024 })
    expect(rows).toEqual({ relay: 2 + 2 * 3 + 1 + 1, account: 1, matcher: 0 })
  })
})
