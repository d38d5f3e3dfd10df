import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Room } from '../src/room.ts'
import { runs } from './seeded.ts'

const handed = { lease: 'a lease', model: 'a model' }

/** A node that tells each change of its load, over a link on which jobs and reports are on their way for a while. */
class Node {
  readonly slots: number
  running = 0
  readonly #jobs: string[] = []
  readonly #reports: { free: number; job?: string }[] = []
  /** Times it was given a job that it had no slot for. */
  refused = 0

  constructor(slots: number) {
    this.slots = slots
  }

  send(job: string): void {
    this.#jobs.push(job)
  }

  takes(): void {
    const job = this.#jobs.shift()
    if (job === undefined) return
    if (this.running === this.slots) {
      this.refused += 1
      return
    }
    this.running += 1
    this.#reports.push({ free: this.slots - this.running }, { free: -1, job })
  }

  ends(): void {
    if (this.running === 0) return
    this.running -= 1
    this.#reports.push({ free: this.slots - this.running })
  }

  report(): { free: number; job?: string } | undefined {
    return this.#reports.shift()
  }

  get idle(): boolean {
    return this.running === 0 && this.#jobs.length === 0 && this.#reports.length === 0
  }
}

const step = fc.constantFrom('hand', 'take', 'end', 'hear', 'hear')

describe('the room of a node', () => {
  it('is never overrated: it gets no job that it has no slot for, however late its reports are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 300 }), (slots, steps) => {
        const [room, node] = [new Room(), new Node(slots)]
        let [free, job] = [slots, 0]
        const hear = (): void => {
          const report = node.report()
          if (report?.job !== undefined) room.counted(report.job)
          else if (report) {
            room.reported(free, report.free)
            free = report.free
          }
        }
        for (const what of steps) {
          if (what === 'hand' && room.fits(free, 0)) {
            room.handed(`${job}`, handed)
            node.send(`${job++}`)
          } else if (what === 'take') node.takes()
          else if (what === 'end') node.ends()
          else if (what === 'hear') hear()
          expect(node.refused).toBe(0)
        }
        // And never underrated for good: when all is said and done, every slot is free again.
        while (!node.idle) {
          node.takes()
          node.ends()
          hear()
        }
        expect(room.left(free)).toBe(slots)
      }),
      runs(300),
    )
  })

  it('is for others what nobody has reserved, and for a holder what no job is on its way to', () => {
    const room = new Room()
    room.reservations('one', [
      { lease: 'a', expires: 100 },
      { lease: 'b', expires: 200 },
    ])
    room.reservations('two', [{ lease: 'c', expires: 200 }])
    expect([room.fits(3, 0), room.fits(4, 0), room.fits(1, 0, 'a')]).toEqual([false, true, true])
    // What expired is nobody's.
    expect([room.fits(3, 100), room.fits(2, 100)]).toEqual([true, false])
    room.handed('job', { lease: 'a', model: 'one' })
    expect([room.fits(1, 0, 'b'), room.fits(2, 0, 'b'), room.fits(3, 0), room.fits(4, 0)]).toEqual([
      false,
      true,
      false,
      true,
    ])
    room.reservations('one', [])
    expect(room.fits(3, 0)).toBe(true)
  })

  it('says which leases are used once their jobs are counted', () => {
    const room = new Room()
    for (const lease of ['a', 'b', 'c', 'd']) room.handed(`job ${lease}`, { lease, model: 'one' })
    expect(room.reported(4, 2).map(({ lease }) => lease)).toEqual(['a', 'b'])
    expect(room.reported(2, 3)).toEqual([])
    expect(room.counted('job d')?.lease).toBe('d')
    expect(room.counted('job d')).toBeUndefined()
    expect(room.joined().map(({ lease }) => lease)).toEqual(['c'])
    expect(room.left(4)).toBe(4)
  })
})
