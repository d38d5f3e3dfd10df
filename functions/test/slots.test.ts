import { runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import type { MatchAnswer } from '../src/matcher-calls.ts'
import type { Matcher } from '../src/matcher.ts'
import { asked, matcher, offering } from './matching-place.ts'
import { runs } from './seeded.ts'

afterEach(() => vi.useRealTimers())

const kind = <K extends string>(name: K) => fc.constant(name)
const anyEvent = fc.oneof(
  fc.record({ do: kind('offer'), node: fc.nat(3), free: fc.nat(3), attested: fc.boolean() }),
  fc.record({ do: kind('load'), node: fc.nat(3), free: fc.nat(3), ended: fc.nat(30) }),
  fc.record({ do: kind('withdraw'), node: fc.nat(3) }),
  fc.record({ do: kind('lease'), exclude: fc.nat(4) }),
  fc.record({ do: kind('wait'), user: fc.nat(2), secret: fc.boolean(), exclude: fc.nat(4), there: fc.boolean() }),
  fc.record({ do: kind('abandon'), which: fc.nat(30) }),
  fc.record({ do: kind('later'), seconds: fc.nat(40) }),
)
type Event = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never

/** The same account of slots as the matcher's, kept in the plainest way. */
class Model {
  readonly #matcher: Matcher
  readonly #nodes = new Map<string, { free: number; attested: boolean }>()
  readonly #leases = new Map<string, { node: string; until: number }>()
  readonly #waiting = new Map<string, { policy: string; exclude: readonly string[] }>()
  readonly #ids: string[] = []

  constructor(subject: Matcher) {
    this.#matcher = subject
  }

  async happens(what: Event): Promise<void> {
    const node = 'node' in what ? `n${what.node}` : ''
    const exclude = 'exclude' in what && what.exclude < 4 ? [`n${what.exclude}`] : []
    const request = asked({ exclude })
    this.#ids.push(request.id)
    switch (what.do) {
      case 'offer': {
        const { free, attested } = what
        this.#nodes.set(node, { free, attested })
        await this.#matcher.offer(
          offering(node, { free, slots: 3, evidence: attested ? 'ab' : null, useBy: Date.now() + 36_000_000 }),
        )
        break
      }
      case 'load': {
        const ended = this.#ids.slice(what.ended, what.ended + 1)
        for (const id of ended) this.#leases.delete(id)
        const known = this.#nodes.get(node)
        if (known) this.#nodes.set(node, { ...known, free: what.free })
        this.#matcher.load({ node, slots: 3, free: what.free, ended })
        break
      }
      case 'withdraw':
        this.#nodes.delete(node)
        this.#matcher.withdraw(node)
        break
      case 'lease':
        this.#answered(request.id, this.#matcher.lease(request))
        break
      case 'wait': {
        const policy = what.secret ? 'private' : 'open'
        this.#waiting.set(request.id, { policy, exclude })
        const waits = this.#matcher.wait({ ...request, policy, user: `u${what.user}` }, () => what.there)
        void waits.then((answer) => this.#answered(request.id, answer))
        break
      }
      case 'abandon': {
        const id = this.#ids[what.which] ?? 'nobody'
        this.#leases.delete(id)
        this.#matcher.abandon(id)
        break
      }
      case 'later':
        vi.setSystemTime(Date.now() + what.seconds * 1000)
        this.#matcher.summary()
    }
    // Those whose turn came say that they are there, or do not; then it is the next one's.
    for (let turn = 0; turn < 4; turn++) await scheduler.wait(0)
  }

  #answered(id: string, answer: MatchAnswer): void {
    this.#waiting.delete(id)
    if (answer.kind === 'granted') this.#leases.set(id, { node: answer.grant.node, until: answer.grant.expires })
  }

  /** What the matcher says, and what it should; and nodes with a free slot that somebody waits for. */
  compare(): { said: object; right: object; idle: readonly object[] } {
    for (const [id, { until }] of this.#leases) if (until <= Date.now()) this.#leases.delete(id)
    const leased = (name: string): number => [...this.#leases.values()].filter(({ node }) => node === name).length
    const nodes = [...this.#nodes].map(([name, node]) => ({ ...node, name, left: node.free - leased(name) }))
    const { nodes: known, free, reserved, waiting } = this.#matcher.summary()
    const right = {
      known: nodes.length,
      free: nodes.reduce((sum, { left }) => sum + Math.max(0, left), 0),
      reserved: this.#leases.size,
      waiting: this.#waiting.size,
    }
    const idle = [...this.#waiting.values()].flatMap(({ policy, exclude }) => {
      const may = nodes.filter(({ name, attested }) => !exclude.includes(name) && (policy === 'open' || attested))
      return may.filter(({ left }) => left > 0)
    })
    return { said: { known, free, reserved, waiting }, right, idle }
  }
}

it(
  'a matcher leases no slot twice, loses none, and lets nobody wait for one that is free',
  { timeout: 60_000 },
  async () => {
    const property = fc.asyncProperty(fc.array(anyEvent, { maxLength: 40 }), async (events) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      await runInDurableObject(matcher(), async (self) => {
        const model = new Model(self)
        for (const what of events) {
          await model.happens(what)
          const { said, right, idle } = model.compare()
          expect(said).toEqual(right)
          expect(idle).toEqual([])
        }
        // Time ends every wait and every lease.
        await model.happens({ do: 'later', seconds: 60 })
        expect(self.summary()).toMatchObject({ reserved: 0, waiting: 0 })
      })
      vi.useRealTimers()
    })
    await fc.assert(property, runs(40))
  },
)
