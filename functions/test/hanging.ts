import { vi } from 'vitest'

export interface Stop {
  /** True once the call is on its way. */
  reached: boolean
}

type Calls = { [name: string]: (...args: never[]) => unknown }

/** The next call of this method takes long: before it does anything, or after it did all. */
export function hangs(prototype: object, method: string, when: 'before' | 'after'): Stop {
  const stop: Stop = { reached: false }
  const original = (prototype as Calls)[method]
  if (!original) throw new Error(`no ${method}`)
  vi.spyOn(prototype as Calls, method).mockImplementation(async function (this: unknown, ...args: never[]) {
    if (stop.reached) return original.apply(this, args)
    if (when === 'after') {
      const result = await original.apply(this, args)
      stop.reached = true
      await scheduler.wait(300)
      return result
    }
    stop.reached = true
    await scheduler.wait(300)
    return original.apply(this, args)
  })
  return stop
}
