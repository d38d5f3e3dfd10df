import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Admitting, type Meanwhile } from '../src/admitting.ts'
import { runs } from './property.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const token = (first: number) => new Uint8Array(32).fill(first)

/** Arrivals whose opening ends when the test says so. */
function opening(room = 10, bytes = 1000) {
  const admitting = new Admitting(room, bytes)
  const begun: { id: string; meanwhile: Meanwhile; end: () => void }[] = []
  const add = (id: string, size = 1): boolean => {
    return admitting.add(id, size, (meanwhile) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      begun.push({ id, meanwhile, end: resolve })
      return promise
    })
  }
  return { admitting, add, begun }
}

describe('jobs that are being opened', () => {
  test('are opened side by side, but copies of one another only in turn', async () => {
    const { add, begun } = opening()
    for (const id of ['a', 'a', 'b']) add(id)
    await turn()
    expect(begun.map(({ id }) => id)).toEqual(['a', 'b'])
    begun[0]?.end()
    await turn()
    expect(begun.map(({ id }) => id)).toEqual(['a', 'b', 'a'])
  })

  test('are known until the last copy is taken', async () => {
    const { admitting, add, begun } = opening()
    add('a')
    add('a')
    await turn()
    begun[0]?.end()
    await turn()
    expect([...admitting.ids]).toEqual(['a'])
    begun[1]?.end()
    await turn()
    expect([admitting.has('a'), [...admitting.ids]]).toEqual([false, []])
  })

  test('have room for so many and so many bytes, and never more, whatever comes and goes', async () => {
    const act = fc.record({
      end: fc.boolean(),
      id: fc.constantFrom('a', 'b', 'c'),
      size: fc.integer({ min: 1, max: 60 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
        const { add, begun, admitting } = opening(4, 100)
        const held: { id: string; size: number }[] = []
        for (const { end, id, size } of acts) {
          if (end) {
            const first = begun.shift()
            first?.end()
            if (first)
              held.splice(
                held.findIndex((one) => one.id === first.id),
                1,
              )
          } else {
            const bytes = held.reduce((sum, one) => sum + one.size, size)
            expect(add(id, size)).toBe(held.length < 4 && bytes <= 100)
            if (held.length < 4 && bytes <= 100) held.push({ id, size })
          }
          await turn()
          await turn()
        }
        expect(new Set(admitting.ids)).toEqual(new Set(held.map(({ id }) => id)))
      }),
      runs(60),
    )
  })
})

describe('what is said meanwhile', () => {
  test('a cancel waits for the job, the latest of many', async () => {
    const { admitting, add, begun } = opening()
    add('a')
    for (let i = 1; i <= 6; i++) admitting.cancel('a', token(i))
    await turn()
    expect(begun[0]?.meanwhile.cancels).toEqual([3, 4, 5, 6].map(token))
    expect(begun[0]?.meanwhile.forgotten).toBe(false)
  })

  test('a forget reaches what came before it, and not what comes again', async () => {
    const { admitting, add, begun } = opening()
    add('a')
    add('b')
    admitting.cancel('a', token(1))
    admitting.forget('a')
    add('a')
    await turn()
    begun[0]?.end()
    await turn()
    expect(begun.map(({ id, meanwhile }) => [id, meanwhile.forgotten])).toEqual([
      ['a', true],
      ['b', false],
      ['a', false],
    ])
    expect(begun[2]?.meanwhile.cancels).toEqual([])
  })

  test('a cancel for a body that was lost with the link is dropped, for a job being opened it is not', async () => {
    const { admitting, add, begun } = opening()
    add('a')
    admitting.cancel('a', token(1))
    admitting.cancel('lost', token(2))
    admitting.dropStrayCancels()
    add('lost')
    await turn()
    expect(begun.map(({ meanwhile }) => meanwhile.cancels)).toEqual([[token(1)], []])
  })
})
