import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { KeptAnswer } from '../src/asking.ts'
import { openHistory } from '../src/history.ts'
import { node } from '../src/dev/scripted-asking.ts'
import { personOf } from '../src/person.ts'
import { type Answer, noAnswer, type Turn } from '../src/turn.ts'
import { OpenVault } from './open-vault.ts'

const answered: Answer = {
  ...noAnswer,
  phase: 'done',
  text: 'Hé 👋',
  reasoning: 'Hm',
  nodeId: node.nodeId,
  node,
  sent: true,
  end: {
    finishReason: 'stop',
    usage: { prompt: 1, cached: 2, completion: 3, reasoning: 4 },
    cost: 12_345_678_901_234n,
  },
}
const turn = (id: number, more: Partial<Turn> = {}): Turn => {
  return {
    id,
    parent: id > 1 ? id - 1 : null,
    at: 1_000 + id,
    question: `Question ${id}`,
    model: 'cocoon-demo',
    avoid: [],
    answer: answered,
    ...more,
  }
}
const record = (text = 'so far'): KeptAnswer => {
  return { jobId: 'ab'.repeat(32), nodeId: node.nodeId, bytes: Uint8Array.of(0, 1, 254, 255), text, reasoning: '' }
}
const running: Answer = { ...noAnswer, phase: 'streaming', text: 'so', sent: true }

let vault: OpenVault
beforeEach(() => {
  vault = new OpenVault()
})

describe('a conversation that is opened again', () => {
  test('is as it was: every turn, in order, its price to the nanogram', async () => {
    const turns = Array.from({ length: 12 }, (_, i) => turn(i + 1))
    const conversation = await vault.opened()
    conversation.save(turns)
    await conversation.stored()
    const again = await vault.opened()
    expect(again.turns).toEqual(turns)
    expect(again.waiting).toBeNull()
  })

  test('brings the record of its last answer, and no other', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1), turn(2, { answer: running })])
    await conversation.keep(1, record('of another'))
    await conversation.keep(2, record())
    expect((await vault.opened()).waiting).toEqual({ turn: 2, kept: record() })
  })

  test('belongs to one person: another one finds nothing', async () => {
    const conversation = await vault.opened('telegram:7')
    conversation.save([turn(1)])
    await conversation.stored()
    expect((await vault.opened('telegram:8')).turns).toEqual([])
    expect((await vault.opened('device')).turns).toEqual([])
  })

  test('is the one that was begun last', async () => {
    const old = await vault.opened()
    old.save([turn(1)])
    await old.stored()
    const [head] = [...vault.entries.values()].filter(({ place }) => place[2] === 'conversation')
    const later = new TextEncoder().encode(JSON.stringify({ version: 1, opened: Date.now() + 1_000 }))
    await vault.write([{ place: ['telegram:7', 'another', 'conversation', 0], content: later }])
    expect([head?.place[3], (await vault.opened()).turns]).toEqual([0, []])
  })

  test('passes over what it does not know, and deletes what nothing opens', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1)])
    await conversation.stored()
    const id = [...vault.entries.values()][0]?.place[1] ?? ''
    const foreign = new TextEncoder().encode('{"version":99}')
    await vault.write([
      { place: ['telegram:7', id, 'turn', 2], content: foreign },
      { place: ['telegram:7', id, 'picture', 1], content: foreign },
      { place: ['telegram:7', id, 'turn', 3], content: Uint8Array.of(0xff, 0) },
    ])
    const read = vault.read.bind(vault)
    vault.read = async (places) =>
      (await read(places)).map((entry) => (entry.place[3] === 3 ? { ...entry, content: null } : entry))
    const again = await vault.opened()
    await again.stored()
    expect(again.turns.map(({ id: number }) => number)).toEqual([1])
    expect(vault.kinds()).toEqual(['conversation', 'picture', 'turn', 'turn'])
  })
})

describe('what is written', () => {
  test('is each turn when it changes, and not every word of a running one', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1, { answer: { ...running, text: '' } })])
    await conversation.stored()
    for (let words = 1; words < 50; words++) {
      conversation.save([turn(1, { answer: { ...running, text: 'w'.repeat(words) } })])
    }
    await conversation.stored()
    expect(vault.batches).toHaveLength(1)
    conversation.save([turn(1)])
    await conversation.stored()
    expect((await vault.opened()).turns[0]?.answer.text).toBe('Hé 👋')
  })

  test('of one step is one batch: an answer and the end of its record', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1, { answer: running })])
    await conversation.keep(1, record())
    const before = vault.batches.length
    conversation.save([turn(1)])
    conversation.drop(1)
    await conversation.stored()
    expect(
      vault.batches.slice(before).map((batch) => batch.map(({ place, content }) => [place[2], content !== null])),
    ).toEqual([
      [
        ['conversation', true],
        ['turn', true],
        ['answer', false],
      ],
    ])
  })

  test('of a turn that was replaced goes, with its record', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1), turn(2, { answer: running })])
    await conversation.keep(2, record())
    conversation.save([turn(1), turn(3)])
    await conversation.stored()
    expect((await vault.opened()).turns.map(({ id }) => id)).toEqual([1, 3])
    expect(vault.kinds()).toEqual(['conversation', 'turn', 'turn'])
  })

  test('of an old conversation is gone when a new one begins', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1), turn(2, { answer: running })])
    await conversation.keep(2, record())
    await conversation.clear()
    expect(vault.entries.size).toBe(0)
    conversation.save([turn(3)])
    await conversation.stored()
    expect((await vault.opened()).turns.map(({ id }) => id)).toEqual([3])
    const ids = vault.batches.flat().map(({ place }) => place[1])
    expect(new Set(ids).size).toBe(2)
  })

  test('of an old conversation is gone even while it is being written', async () => {
    const gate = Promise.withResolvers<void>()
    vault.slow = gate.promise
    const conversation = await vault.opened()
    conversation.save([turn(1)])
    await Promise.resolve()
    const cleared = conversation.clear()
    gate.resolve()
    await cleared
    expect(vault.entries.size).toBe(0)
  })
})

describe('a disk that is full', () => {
  test('keeps nothing, says so, and catches up when there is room', async () => {
    const conversation = await vault.opened()
    const told: boolean[] = []
    conversation.onWrite = (stored) => told.push(stored)
    vault.full = true
    conversation.save([turn(1, { answer: running })])
    await expect(conversation.keep(1, record())).rejects.toThrow('storage failed')
    expect(told).toEqual([false])
    vault.full = false
    await conversation.keep(1, record('newer'))
    expect(told).toEqual([false, true])
    const again = await vault.opened()
    expect([again.turns.length, again.waiting?.kept.text]).toEqual([1, 'newer'])
  })

  test('does not forget what was to be deleted', async () => {
    const conversation = await vault.opened()
    conversation.save([turn(1)])
    await conversation.stored()
    vault.full = true
    await expect(conversation.clear()).rejects.toThrow('storage failed')
    vault.full = false
    await conversation.stored()
    expect(vault.entries.size).toBe(0)
  })
})

test('whatever happens in whatever order, what is found again is what was there', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('ask' as const) }),
    fc.record({ do: fc.constant('end' as const) }),
    fc.record({ do: fc.constant('keep' as const), text: fc.string({ maxLength: 5 }) }),
    fc.record({ do: fc.constant('replace' as const) }),
    fc.record({ do: fc.constant('new chat' as const) }),
    fc.record({ do: fc.constant('fill' as const), full: fc.boolean() }),
    fc.record({ do: fc.constant('reopen' as const) }),
    // A write that began and has not ended.
    fc.record({ do: fc.constant('breathe' as const), turns: fc.integer({ min: 1, max: 4 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const disk = new OpenVault()
      let conversation = await disk.opened()
      let turns: Turn[] = []
      let kept: string | undefined
      let next = 1
      const check = async (): Promise<void> => {
        disk.full = false
        // A write that was already failing fails; the next one does not.
        await conversation.stored().catch(() => conversation.stored())
        conversation = await disk.opened()
        expect(conversation.turns).toEqual(turns)
        expect(conversation.waiting?.kept.text).toBe(kept)
      }
      for (const one of steps) {
        const last = turns.at(-1)
        if (one.do === 'fill') disk.full = one.full
        else if (one.do === 'reopen') await check()
        else if (one.do === 'breathe') for (let left = one.turns; left > 0; left--) await Promise.resolve()
        else if (one.do === 'ask' && last?.answer !== running) turns = [...turns, turn(next++, { answer: running })]
        else if (one.do === 'replace' && last)
          [turns, kept] = [[...turns.slice(0, -1), turn(next++, { answer: running })], undefined]
        else if (one.do === 'keep' && last?.answer === running) {
          kept = one.text
          conversation.keep(last.id, record(one.text)).catch(() => undefined)
        } else if (one.do === 'end' && last?.answer === running) {
          ;[turns, kept] = [[...turns.slice(0, -1), turn(last.id)], undefined]
          conversation.save(turns)
          conversation.drop(last.id)
        } else if (one.do === 'new chat') {
          ;[turns, kept] = [[], undefined]
          conversation.clear().catch(() => undefined)
          await Promise.resolve()
        }
        conversation.save(turns)
      }
      await check()
    }),
    { numRuns: 300, seed: 20_261_122 },
  )
})

describe('a browser that cannot store or lock', () => {
  test('has no conversation to open, and nothing throws', async () => {
    expect('indexedDB' in globalThis).toBe(false)
    expect(await openHistory('device', null)).toBeNull()
  })
})

describe('whose it is', () => {
  const initData = (user: object) => new URLSearchParams({ user: JSON.stringify(user), auth_date: '1' }).toString()

  test('is the Telegram user by id, whatever their name is today', () => {
    expect(personOf(initData({ id: 42, first_name: 'Ada' }))).toBe('telegram:42')
    expect(personOf(initData({ first_name: 'Ada L.', id: 42, photo_url: 'https://t.me/1' }))).toBe('telegram:42')
    expect(personOf(initData({ id: 43 }))).toBe('telegram:43')
  })

  test.each([undefined, '', 'user=', 'user=null', 'user={', 'user=%5B%5D', 'user=%7B%22id%22%3A%22x%22%7D', 'hash=1'])(
    'is this device where Telegram says nothing: %j',
    (text) => expect(personOf(text)).toBe('device'),
  )
})
