import { type Bytes, decodeFrame, decodeMessage, type Frame, type MessageOf } from '@cocoon/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Outbox } from '../src/outbox.ts'
import { runs } from './property.ts'

const jobId = new Uint8Array(32).fill(9)
const never = new AbortController().signal
const frame = (sequence: number, { final = false, size = 512 } = {}): Frame => {
  const nodeNonce = sequence === 0 ? new Uint8Array(32) : null
  return { sequence, final, nodeNonce, ciphertext: new Uint8Array(size + 16) }
}

function outbox() {
  const sent: number[] = []
  const send = (message: Bytes): void => {
    const { frame: bytes, jobId: job } = decodeMessage(message) as MessageOf<'frame'>
    expect(job).toEqual(jobId)
    sent.push(decodeFrame(bytes).sequence)
  }
  return { box: new Outbox(jobId, send), sent }
}

const settled = async (promise: Promise<void>): Promise<boolean> => {
  const late = new Promise<false>((resolve) => {
    setImmediate(() => resolve(false))
  })
  return Promise.race([promise.then(() => true), late])
}

describe('an outbox', () => {
  test('sends at once, and again what is not acknowledged', () => {
    const { box, sent } = outbox()
    for (let i = 0; i < 5; i++) box.push(frame(i))
    expect(sent.splice(0)).toEqual([0, 1, 2, 3, 4])
    box.acknowledge(2)
    box.resend()
    expect(sent.splice(0)).toEqual([2, 3, 4])
    box.resend(3)
    expect(sent.splice(0)).toEqual([3, 4])
    box.resend(1)
    expect(sent.splice(0)).toEqual([2, 3, 4])
    box.nudge()
    expect(sent.splice(0)).toEqual([2])
  })

  test('is empty only when the final frame is stored', async () => {
    const { box } = outbox()
    box.push(frame(0))
    box.acknowledge(1)
    expect([box.empty, await settled(box.emptied)]).toEqual([false, false])
    box.push(frame(1, { final: true }))
    expect(box.empty).toBe(false)
    box.acknowledge(1)
    expect(box.empty).toBe(false)
    box.acknowledge(2)
    expect([box.empty, await settled(box.emptied)]).toEqual([true, true])
    box.nudge()
  })

  test('forgets nothing for an acknowledgement that is old or of the future', () => {
    const { box, sent } = outbox()
    box.push(frame(0))
    box.acknowledge(5)
    box.push(frame(1))
    box.acknowledge(0)
    sent.length = 0
    box.resend()
    expect(sent).toEqual([1])
    expect(box.waiting).toBe(true)
  })

  test('holds its engine up at a mebibyte, until acknowledgements come', async () => {
    const { box } = outbox()
    const size = 63 * 1024
    for (let i = 0; i < 16; i++) box.push(frame(i, { size }))
    expect(await settled(box.room(never))).toBe(true)
    box.push(frame(16, { size }))
    const room = box.room(never)
    expect(await settled(room)).toBe(false)
    box.acknowledge(0)
    expect(await settled(room)).toBe(false)
    box.acknowledge(1)
    expect(await settled(room)).toBe(true)
    expect(await settled(box.room(never))).toBe(true)
  })

  test('holds nobody up whose job is over', async () => {
    const { box } = outbox()
    for (let i = 0; i < 20; i++) box.push(frame(i, { size: 63 * 1024 }))
    const stop = new AbortController()
    const room = box.room(stop.signal)
    expect(await settled(room)).toBe(false)
    stop.abort()
    expect(await settled(room)).toBe(true)
    expect(await settled(box.room(stop.signal))).toBe(true)
  })

  test('that is dropped is done, sends nothing more and keeps nothing', async () => {
    const { box, sent } = outbox()
    for (let i = 0; i < 20; i++) box.push(frame(i, { size: 63 * 1024 }))
    const room = box.room(never)
    box.drop()
    expect([await settled(room), await settled(box.emptied)]).toEqual([true, true])
    sent.length = 0
    box.push(frame(20, { final: true }))
    box.resend()
    box.nudge()
    expect(sent).toEqual([])
    expect(box.waiting).toBe(false)
  })

  test('has every frame stored in the end, whatever is lost on the way', async () => {
    // Something comes through now and then; 41 is prime, so that every frame has its turn.
    const loss = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }).map((some) => [...some, true])
    await fc.assert(
      fc.asyncProperty(loss, fc.integer({ min: 1, max: 12 }), async (delivered, count) => {
        const stored: number[] = []
        let turn = 0
        const box = new Outbox(jobId, (message) => {
          const { sequence } = decodeFrame((decodeMessage(message) as MessageOf<'frame'>).frame)
          if (delivered[turn++ % delivered.length] && sequence === stored.length) stored.push(sequence)
        })
        for (let i = 0; i < count; i++) box.push(frame(i, { final: i === count - 1 }))
        for (let round = 0; round < 400 && !box.empty; round++) {
          box.acknowledge(stored.length)
          box.resend(stored.length)
        }
        expect(stored).toEqual(Array.from({ length: count }, (_, i) => i))
        await box.emptied
      }),
      runs(60),
    )
  })
})
