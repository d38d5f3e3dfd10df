import { utf8 } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Account } from '../src/account.ts'
import { LEASE_LIFETIME, Matcher } from '../src/matcher.ts'
import { abort, crash, later, NOTHING, stored, used } from './asking.ts'
import { hangs } from './hanging.ts'
import { persist, ServingNode } from './serving.ts'
import { Question, TestUser } from './test-client.ts'
import { MODEL } from './test-node.ts'

const serving: ServingNode[] = []
afterEach(async () => {
  for (const node of serving.splice(0)) node.stop()
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

async function nodes(count: number): Promise<ServingNode[]> {
  for (let node = 0; node < count; node++) serving.push(await ServingNode.start())
  return [...serving]
}

/** Made anew each time: a stub of an object that crashed is broken. */
const place = (): DurableObjectStub<Matcher> => env.MATCHER.getByName(`${MODEL}|world`) as DurableObjectStub<Matcher>

/** Nothing is left of anything: no row, no reservation, one question. */
async function settled(user: TestUser, everywhere: readonly ServingNode[]): Promise<void> {
  const soon = { timeout: 3_000 }
  await expect.poll(() => used(user), soon).toBe(1)
  for (const { node } of everywhere) await expect.poll(() => stored(node), soon).toEqual(NOTHING)
  await expect.poll(async () => (await place().summary()).nodes, soon).toBe(everywhere.length)
  later(LEASE_LIFETIME + 1)
  expect(await place().summary()).toMatchObject({ reserved: 0, waiting: 0 })
}

describe('a relay that crashes while it', { timeout: 20_000 }, () => {
  it.each(['before', 'after'] as const)(
    'takes a question, %s the account did: it is answered, once, and nothing is left',
    async (when) => {
      const [first] = await nodes(1)
      if (!first) throw new Error('unreachable')
      const user = await TestUser.signIn()
      const match = await user.match()
      const stop = hangs(Account.prototype, 'hold', when)
      const answered = persist(user, await Question.seal(match, utf8('why')), match.node)
      await expect.poll(() => stop.reached, { timeout: 5_000 }).toBe(true)
      await abort(first.node.relay)
      expect(await answered).toMatch(/done$/)
      await settled(user, [first])
      expect(first.ran).toBe(1)
    },
  )

  it.each(['before', 'after'] as const)(
    'says what its node can do, %s the matcher heard: the next question is answered',
    async (when) => {
      const [first] = await nodes(1)
      if (!first) throw new Error('unreachable')
      const stop = hangs(Matcher.prototype, 'load', when)
      first.node.load(3)
      await expect.poll(() => stop.reached, { timeout: 5_000 }).toBe(true)
      await abort(first.node.relay)
      const user = await TestUser.signIn()
      const question = await user.prepare(first.node, utf8('why'))
      expect(await persist(user, question, first.node.id)).toMatch(/done$/)
      await settled(user, [first])
    },
  )

  it.each(['before', 'after'] as const)(
    'looks for another node, %s one was found: the question is answered there',
    async (when) => {
      const [first, second] = await nodes(2)
      if (!first || !second) throw new Error('unreachable')
      const user = await TestUser.signIn()
      const question = await user.prepare(first.node, utf8('why'), await user.lease(first.node, { reserved: false }))
      first.node.load(0)
      await expect.poll(async () => (await place().summary()).free).toBe(4)
      const stop = hangs(Matcher.prototype, 'lease', when)
      const answered = persist(user, question, first.node.id)
      await expect.poll(() => stop.reached, { timeout: 5_000 }).toBe(true)
      await abort(first.node.relay)
      first.node.load(0)
      expect(await answered).toMatch(/done$/)
      await settled(user, [first, second])
    },
  )
})

describe('a matcher that crashes', { timeout: 20_000 }, () => {
  it('while a slot is reserved, and again while the load is told: the question is answered, once', async () => {
    const [first] = await nodes(1)
    if (!first) throw new Error('unreachable')
    const user = await TestUser.signIn()
    const match = await user.match()
    await crash(place())
    const question = await Question.seal(match, utf8('why'))
    const answered = persist(user, question, match.node)
    await expect.poll(() => first.ran, { timeout: 3_000 }).toBe(1)
    const stop = hangs(Matcher.prototype, 'load', 'before')
    first.node.load(3)
    await expect.poll(() => stop.reached, { timeout: 3_000 }).toBe(true)
    await abort(place())
    first.node.load(4)
    expect(await answered).toBe('done')
    await settled(user, [first])
    await expect.poll(async () => (await place().summary()).free).toBe(4)
  })

  it('while a node joins: the node comes again', async () => {
    const stop = hangs(Matcher.prototype, 'offer', 'before')
    const joining = nodes(1).catch(() => undefined)
    await expect.poll(() => stop.reached, { timeout: 3_000 }).toBe(true)
    await abort(place())
    await joining
    vi.restoreAllMocks()
    if (serving.length === 0) await nodes(1)
    const user = await TestUser.signIn()
    const match = await user.match()
    expect(await persist(user, await Question.seal(match, utf8('why')), match.node)).toBe('done')
  })
})

describe('an account that crashes', { timeout: 20_000 }, () => {
  it.each(['before', 'after'] as const)(
    'while a question is taken, %s it was: it is answered, and counted once',
    async (when) => {
      const [first] = await nodes(1)
      if (!first) throw new Error('unreachable')
      const user = await TestUser.signIn()
      const stop = hangs(Account.prototype, 'hold', when)
      const match = await user.match()
      const answered = persist(user, await Question.seal(match, utf8('why')), match.node)
      await expect.poll(() => stop.reached, { timeout: 3_000 }).toBe(true)
      await abort(env.ACCOUNT.getByName(user.name))
      expect(await answered).toBe('broker-fault done')
      await settled(user, [first])
    },
  )
})
