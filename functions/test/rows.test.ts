import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it } from 'vitest'
import { Question, TestUser } from './test-client.ts'
import { MODEL, TestNode } from './test-node.ts'
import { NOTHING, stored } from './asking.ts'

afterEach(reset)

/** Counts the rows that an object writes from now on: they are what its storage costs. */
async function countRows(stub: DurableObjectStub): Promise<{ written: number }> {
  const count = { written: 0 }
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql)
    sql.exec = ((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings)
      count.written += cursor.rowsWritten
      return cursor
    }) as typeof sql.exec
  })
  return count
}

/** A job with so many frames of content, on a body of so many pieces, from its match until nothing is left of it. */
async function rowsOf(frames: number, bodyBytes = 0): Promise<{ relay: number; account: number; matcher: number }> {
  const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
  const account = env.ACCOUNT.getByName(user.name)
  const matching = env.MATCHER.getByName(`${MODEL}|world`)
  const [relayRows, accountRows, matcherRows] = await Promise.all([node.relay, account, matching].map(countRows))
  const question = await Question.seal(await user.match(), new Uint8Array(bodyBytes))
  const wire = await user.connect(node.id)
  question.send(wire)
  const job = await node.takeJob()
  node.wire.send({ kind: 'load', slots: 4, free: 3, draining: false })
  for (let frame = 0; frame < frames; frame++) await job.say('word')
  await job.finish()
  await question.read(wire)
  node.wire.send({ kind: 'load', slots: 4, free: 4, draining: false })
  question.acknowledge(wire)
  await expect.poll(() => stored(node)).toEqual(NOTHING)
  await wire.quiet()
  return {
    relay: relayRows?.written ?? 0,
    account: accountRows?.written ?? 0,
    matcher: matcherRows?.written ?? 0,
  }
}

/** storage-schema.md gives these numbers; a change here is a change of what a job costs. */
describe('the rows that a job writes', () => {
  it('are thirteen for a short answer', async () => {
    expect(await rowsOf(10)).toEqual({ relay: 6, account: 3, matcher: 4 })
  })

  it('grow by three for every sixteen frames', async () => {
    // 200 frames of content and the final one are padded to 208: thirteen batches.
    expect(await rowsOf(200)).toEqual({ relay: 3 + 3 * 13, account: 3, matcher: 4 })
  })

  it('grow by two for every piece of a body that takes more than one', async () => {
    expect(await rowsOf(10, 2.5 * 1024 * 1024)).toEqual({ relay: 6 + 2 * 3, account: 3, matcher: 4 })
  })
})
