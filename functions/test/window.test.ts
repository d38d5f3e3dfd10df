import { frameHead } from '@cocoon/protocol'
import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { READ_WINDOW, ReadWindow } from '../src/read-window.ts'
import { type Asking, asking, crash, junkFrame, later, NOTHING, readerLeaves, stored, used } from './asking.ts'
import { runs } from './seeded.ts'
import type { Wire } from './wire.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** Ciphertext of 32 KiB: seven such frames fit into the window. */
const LENGTH = 32 * 1024
const FIT = 7

/** Numbers of the frames that came, in order, once no more come. */
async function arrived(wire: Wire): Promise<number[]> {
  const sequences: number[] = []
  for (let quiet = false; !quiet;) {
    const messages = await wire.quiet()
    quiet = messages.length === 0
    for (const { kind } of messages)
      if (kind === 'frame') sequences.push(frameHead((await wire.next('frame')).frame).sequence)
    if (messages.every(({ kind }) => kind !== 'frame')) return sequences
  }
  return sequences
}

const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index)

function says(asked: Asking, kind: 'read' | 'ack', next: number, wire = asked.wire): void {
  wire.send({ kind, jobId: asked.question.jobId, next })
}

/** An answer of so many large frames, which its reader does not read. */
async function unreadAnswer(frames: number): Promise<Asking> {
  const asked = await asking()
  for (let sequence = 0; sequence < frames; sequence++) junkFrame(asked, sequence, LENGTH, sequence === frames - 1)
  return asked
}

describe('a reader who does not read', () => {
  it('gets 256 KiB, and the rest as he reads, acknowledges or resumes; the node is not held up', async () => {
    const asked = await unreadAnswer(30)
    const { node, question, wire } = asked
    expect(await arrived(wire)).toEqual(from(0, FIT))
    // All but the latest is stored, and the node may forget it.
    await asked.job.acknowledged(28)
    says(asked, 'read', 3)
    expect(await arrived(wire)).toEqual(from(7, 3))
    says(asked, 'read', 2)
    expect(await arrived(wire)).toEqual([])
    says(asked, 'ack', 10)
    expect(await arrived(wire)).toEqual(from(10, FIT))
    question.resume(wire, 20)
    expect(await arrived(wire)).toEqual(from(20, FIT))
    says(asked, 'read', 27)
    expect(await arrived(wire)).toEqual(from(27, 3))
    says(asked, 'ack', 30)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
  })

  it('costs nothing while he does not: nothing is looked up until his window opens', async () => {
    const asked = await unreadAnswer(12)
    await arrived(asked.wire)
    let lookedUp = 0
    await runInDurableObject(asked.node.relay, (_, { storage: { sql } }) => {
      const exec = sql.exec.bind(sql)
      sql.exec = ((query: string, ...bindings: unknown[]) => {
        if (query.includes('FROM batches') && query.includes('bytes')) lookedUp += 1
        return exec(query, ...bindings)
      }) as typeof sql.exec
    })
    for (let time = 0; time < 20; time++) says(asked, 'read', 0)
    await arrived(asked.wire)
    expect(lookedUp).toBe(0)
    says(asked, 'read', 7)
    expect(await arrived(asked.wire)).toEqual(from(7, 5))
    expect(lookedUp).toBeGreaterThan(0)
  })

  it('gets one frame more whenever he has read all, however large it is', () => {
    const window = new ReadWindow(0)
    expect(window.admits(READ_WINDOW + 1)).toBe(true)
    window.sent(READ_WINDOW + 1)
    expect(window.admits(1)).toBe(false)
    window.read(1)
    expect(window.admits(READ_WINDOW + 1)).toBe(true)
  })

  it('frees nothing by reading, but opens his window', async () => {
    const asked = await unreadAnswer(12)
    says(asked, 'read', 12)
    await arrived(asked.wire)
    expect((await stored(asked.node)).jobs).toBe(1)
    const second = await asked.user.connect(asked.node.id)
    asked.question.resume(second, 0)
    expect(await arrived(second)).toEqual(from(0, FIT))
  })

  it('has a window of his own on each socket', async () => {
    const asked = await unreadAnswer(20)
    await arrived(asked.wire)
    const second = await asked.user.connect(asked.node.id)
    asked.question.resume(second, 5)
    expect(await arrived(second)).toEqual(from(5, FIT))
    // The first socket reads no more.
    says(asked, 'read', 7)
    expect(await arrived(asked.wire)).toEqual([])
  })

  it('cannot open the window of somebody else', async () => {
    const asked = await unreadAnswer(20)
    await arrived(asked.wire)
    const { TestUser } = await import('./test-client.ts')
    const stranger = await (await TestUser.signIn()).connect(asked.node.id)
    says(asked, 'read', 7, stranger)
    says(asked, 'ack', 7, stranger)
    expect(await arrived(asked.wire)).toEqual([])
    expect(await arrived(stranger)).toEqual([])
  })

  it('loses nothing when the relay sleeps meanwhile: from where he had read, once more', async () => {
    const asked = await unreadAnswer(30)
    expect(await arrived(asked.wire)).toEqual(from(0, FIT))
    await asked.job.acknowledged(28)
    await evictDurableObject(asked.node.relay)
    // What was in its memory is still with the node.
    for (const sequence of [28, 29]) junkFrame(asked, sequence, LENGTH, sequence === 29)
    const again = await arrived(asked.wire)
    expect(again).toEqual(from(0, FIT))
    says(asked, 'read', 5)
    expect(await arrived(asked.wire)).toEqual(from(7, 5))
    await evictDurableObject(asked.node.relay)
    junkFrame(asked, 28, LENGTH)
    expect(await arrived(asked.wire)).toEqual(from(5, FIT))
    says(asked, 'read', 12)
    const rest: number[] = await arrived(asked.wire)
    for (let next = Math.max(...rest) + 1; next < 29; next = Math.max(...rest) + 1) {
      says(asked, 'read', next)
      rest.push(...(await arrived(asked.wire)))
    }
    expect(rest).toEqual(from(12, rest.length))
    junkFrame(asked, 29, LENGTH, true)
    says(asked, 'read', 28)
    expect(await arrived(asked.wire)).toEqual([29])
    says(asked, 'ack', 30)
    await expect.poll(() => stored(asked.node)).toEqual(NOTHING)
    expect(await used(asked.user)).toBe(1)
  })

  it('does not fill the relay: what he has not read is stored, not remembered', async () => {
    const asked = await unreadAnswer(60)
    await asked.job.acknowledged(56)
    expect((await stored(asked.node)).batches).toBe(14)
    await readerLeaves(asked.node, asked.wire)
    await crash(asked.node.relay)
    const second = await asked.user.connect(asked.node.id)
    later(1_000)
    asked.question.resume(second, 50)
    expect((await arrived(second)).slice(0, 6)).toEqual(from(50, 6))
  })
})

describe('a window, whatever the sizes, and whenever the relay forgets', () => {
  const READ_EVERY = 128 * 1024
  const frame = fc.integer({ min: 512, max: 65_593 })
  const scene = fc.record({
    frames: fc.array(frame, { minLength: 1, maxLength: 200 }),
    /** After so many frames were sent the relay forgets its window. */
    forgets: fc.array(fc.nat(200), { maxLength: 5 }),
    /** How many frames arrive at the relay before it sends on, again and again. */
    bursts: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
  })

  it('brings a reader who says what he read every 128 KiB all frames, in order, and is never much ahead of him', () => {
    fc.assert(
      fc.property(scene, ({ frames, forgets, bursts }) => {
        let [window, told, next, unsaid, sent, received] = [new ReadWindow(0), 0, 0, 0, 0, 0]
        const say = (): void => {
          told = next
          unsaid = 0
          window.read(next)
        }
        for (let turn = 0; next < frames.length; turn++) {
          if (turn > 10 * frames.length) throw new Error('the window stays shut')
          received = Math.min(frames.length, received + (bursts[turn % bursts.length] ?? 1))
          while (window.next < received && window.admits(frames[window.next] ?? 0)) {
            const at = window.next
            const bytes = frames[at] ?? 0
            window.sent(bytes)
            sent += 1
            // A frame the reader has is a duplicate; one that he lacks is the next he needs.
            expect(at).toBeLessThanOrEqual(next)
            if (at === next) {
              next += 1
              unsaid += bytes
            }
            const ahead = frames.slice(told, window.next).reduce((sum, size) => sum + size, 0)
            if (!forgets.includes(sent)) expect(ahead - bytes).toBeLessThanOrEqual(2 * READ_WINDOW)
            if (forgets.includes(sent)) window = new ReadWindow(told)
            if (unsaid >= READ_EVERY) say()
          }
        }
        expect(next).toBe(frames.length)
      }),
      runs(300),
    )
  })

  it('holds back what is more than 256 KiB beyond what was read', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 100 }), fc.array(fc.nat(100), { maxLength: 20 }), (sizes, reads) => {
        const window = new ReadWindow(0)
        let read = 0
        for (const to of [0, ...reads]) {
          read = Math.max(read, Math.min(to, window.next))
          window.read(to > window.next ? read : to)
          for (
            let bytes = sizes[window.next];
            bytes !== undefined && window.admits(bytes);
            bytes = sizes[window.next]
          ) {
            const unread = sizes.slice(read, window.next).reduce((sum, size) => sum + size, 0)
            expect(unread === 0 || unread + bytes <= READ_WINDOW).toBe(true)
            window.sent(bytes)
          }
        }
      }),
      runs(200),
    )
  })
})
