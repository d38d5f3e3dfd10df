import { CocoonError, ENCAPSULATION_BYTES, limits, type MessageOf } from '@cocoon/protocol'
import { expect, test } from 'vitest'
import { Arrivals } from '../src/arrivals.ts'

const job = (first: number, bodyLength = 10): MessageOf<'job'> => {
  const wrap = { enc: new Uint8Array(ENCAPSULATION_BYTES), ciphertext: new Uint8Array(48) }
  const rest = { header: new Uint8Array(1), body: new Uint8Array(4), statement: new Uint8Array(32), wrap }
  return { kind: 'job', jobId: new Uint8Array(32).fill(first), bodyLength, ...rest, money: ['none'] }
}
const piece = (first: number, size: number): MessageOf<'chunk'> => {
  return { kind: 'chunk', jobId: new Uint8Array(32).fill(first), body: new Uint8Array(size) }
}

test('a body is whole when its last piece is here', () => {
  const arrivals = new Arrivals(1, 100)
  expect(arrivals.begin(job(1, 4))).toEqual({ job: job(1, 4), chunks: [] })
  expect(arrivals.begin(job(2))).toBe('arriving')
  expect(arrivals.add(piece(2, 4))).toBeUndefined()
  expect(arrivals.add(piece(2, 2))).toMatchObject({ job: job(2), chunks: [new Uint8Array(4), new Uint8Array(2)] })
  expect(arrivals.add(piece(2, 2))).toBeUndefined()
})

test('there is room for so many, and each may begin anew', () => {
  const arrivals = new Arrivals(1, 100)
  expect(arrivals.begin(job(1))).toBe('arriving')
  expect(arrivals.begin(job(2))).toBe('full')
  expect(arrivals.add(piece(1, 5))).toBeUndefined()
  expect(arrivals.begin(job(1))).toBe('arriving')
  expect(arrivals.add(piece(1, 5))).toBeUndefined()
  expect(arrivals.add(piece(1, 1))).toMatchObject({ chunks: [{ length: 5 }, { length: 1 }] })
  expect(arrivals.begin(job(2))).toBe('arriving')
  arrivals.forget('02'.repeat(32))
  expect(arrivals.begin(job(3))).toBe('arriving')
  arrivals.clear()
  expect(arrivals.has('03'.repeat(32))).toBe(false)
})

test('an empty piece is refused', () => {
  const arrivals = new Arrivals(1, 100)
  arrivals.begin(job(1))
  expect(() => arrivals.add(piece(1, 0))).toThrow(CocoonError)
  expect(arrivals.add(piece(9, 0))).toBeUndefined()
})

test('there is room for so many bytes, announced ones counted', () => {
  const arrivals = new Arrivals(10, 30)
  expect(arrivals.begin(job(1, 20))).toBe('arriving')
  expect(arrivals.begin(job(2, 11))).toBe('full')
  expect(arrivals.begin(job(2, 10))).toBe('arriving')
  expect(arrivals.begin(job(1, 21))).toBe('full')
  expect(arrivals.begin(job(3, 4))).not.toBe('full')
  arrivals.forget('01'.repeat(32))
  expect(arrivals.begin(job(3, 20))).toBe('arriving')
})

test('a body in more pieces than a broker passes on is refused', () => {
  const arrivals = new Arrivals(1, limits.request)
  arrivals.begin(job(1, 100))
  for (let i = 0; i < 16; i++) expect(arrivals.add(piece(1, 1))).toBeUndefined()
  expect(() => arrivals.add(piece(1, 1))).toThrow(CocoonError)
})
