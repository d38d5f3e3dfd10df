import type { Clock } from '../src/prekeys.ts'

/** Two clocks moved by hand, apart from each other. Milliseconds. */
export class HandClock implements Clock {
  wall = 1_795_000_000_000
  ticks = 1_000

  now(): number {
    return this.wall
  }

  monotonic(): number {
    return this.ticks
  }

  /** Time passes for both. */
  pass(milliseconds: number): void {
    this.wall += milliseconds
    this.ticks += milliseconds
  }
}
